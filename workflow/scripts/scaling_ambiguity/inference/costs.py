"""The cost surface: how well k human and m synthetic votes per utterance together predict one more human vote.

In each deal only the last vote of an utterance is predicted: all cells of the surface have the same
utterances and the same reference, and "all" means every vote but that one.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.inference.arrangement import largest_of_most
from scaling_ambiguity.inference.draws import subsets
from scaling_ambiguity.inference.exchange import fit_weights
from scaling_ambiguity.labels.counting import HumanVotes
from scaling_ambiguity.labels.dirichlet import fit_dirichlet_multinomial, posterior_mean
from scaling_ambiguity.labels.others import Others, from_others
from scaling_ambiguity.metrics.scores import nll_votes

Array: TypeAlias = NDArray[np.float64]
ALL = "all"
HUMAN, POOLED, WEIGHTED = "human", "as_pooled", "weighted"
Cell = tuple[str, str, int]  # labels, human votes as text, synthetic votes


@dataclass(frozen=True)
class Surface:
    """Losses of every cell.

    Attributes:
        used: (U,) utterances that have more votes than the largest number k.
        losses: (used,) NLL per vote in nats, mean over deals, by cell.
        votes: Mean number of human votes in "all".
        human: Numbers k that were possible, ascending, and "all" if requested.
        synthetic: Numbers m that were possible, ascending.
    """

    used: NDArray[np.bool_]
    losses: dict[Cell, Array]
    votes: float
    human: list[str]
    synthetic: list[int]


def possible_numbers(voters: NDArray[np.integer], human: list[int | str], where: str) -> list[int]:
    """Return the numbers k, ascending, for which half of the utterances have more than k votes.

    Raises:
        UserError: There is none.
    """
    asked = sorted(int(k) for k in human if k != ALL)
    largest = largest_of_most(voters, 0, max(asked, default=1))
    possible = [k for k in asked if k <= largest]
    if not largest or (asked and not possible):
        raise UserError(
            f"{where}: fewer than half of the utterances have more than {asked[0] if asked else 1} human votes; "
            "there is no cost surface. Set statistics.costs.human to smaller numbers."
        )
    return possible


def cost_surface(
    given: HumanVotes, draws: NDArray[np.integer], *, human: list[int | str], synthetic: list[int], floor: float,
    seed: int, where: str = "votes",
) -> Surface:  # fmt: skip
    """Score the posterior mean of k human and m synthetic votes, unweighted and with the fitted weight.

    Prior and weight of an utterance are fitted to other speakers; m draws are a random subset in each deal,
    the smaller part of the larger. Without synthetic votes the labels are ``human``.

    Args:
        given: Human votes on U utterances in D deals.
        draws: (U, M) class of each valid synthetic vote, -1 fills up.
        human: Numbers k >= 1, and "all".
        synthetic: Numbers m >= 0.
        floor: Smallest probability in the NLL.
        seed: The run's seed.
        where: For messages.

    Raises:
        UserError: Fewer than half of the utterances have more than the smallest k votes.
    """
    numbers = possible_numbers(given.dealt.voters(), human, where)
    used = given.dealt.voters() > max(numbers, default=1)
    kept = given.of(used)
    some, others = kept.dealt, Others(kept.blocks, given.counts, given.blocks)
    last = some.votes - 1
    reference = np.stack([some.count(place == last) for place in some.position])
    prior = from_others(given.counts, given.blocks, fit_dirichlet_multinomial)[used]
    conditions = {str(k): some.between(0, k) for k in numbers}
    if ALL in human:
        conditions[ALL] = np.stack([some.count(place < last) for place in some.position])
    sizes = sorted(m for m in set(synthetic) if m <= draws.shape[1])

    def loss(votes: Array) -> Array:
        return nll_votes(posterior_mean(votes, prior), reference, floor).mean(axis=0)

    losses: dict[Cell, Array] = {(HUMAN, k, 0): loss(votes) for k, votes in conditions.items()}
    for m in (size for size in sizes if size):
        pool = subsets(draws[used], kept.names, [m], len(some.position), some.shape[2], seed, "cost subsets")[0]
        for k, votes in conditions.items():
            losses[POOLED, k, m] = loss(votes + pool)
            weight = fit_weights(votes, pool, reference, others).each
            losses[WEIGHTED, k, m] = loss(votes + weight[:, None] * pool)
    return Surface(used, losses, float((some.voters() - 1).mean()), list(conditions), sizes)
