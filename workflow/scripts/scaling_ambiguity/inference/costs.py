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
from scaling_ambiguity.labels.counting import DealtVotes
from scaling_ambiguity.labels.dirichlet import fit_dirichlet_multinomial, posterior_mean
from scaling_ambiguity.labels.others import from_others
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
    dealt: DealtVotes,
    counts: Array,
    blocks: NDArray[np.intp],
    draws: NDArray[np.integer],
    names: list[str],
    *,
    human: list[int | str],
    synthetic: list[int],
    floor: float,
    seed: int,
    where: str = "votes",
) -> Surface:
    """Score the posterior mean of k human and m synthetic votes, unweighted and with the fitted weight.

    Prior and weight of an utterance are fitted to other speakers; m draws are a random subset in each deal,
    the smaller part of the larger. Without synthetic votes the labels are ``human``.

    Args:
        dealt: Human votes on U utterances in D deals.
        counts: (U, C) total counts of the same votes.
        blocks: (U,) blocks of speakers.
        draws: (U, M) class of each valid synthetic vote, -1 fills up.
        names: The U utterances.
        human: Numbers k >= 1, and "all".
        synthetic: Numbers m >= 0.
        floor: Smallest probability in the NLL.
        seed: The run's seed.
        where: For messages.

    Raises:
        UserError: Fewer than half of the utterances have more than the smallest k votes.
    """
    numbers = possible_numbers(dealt.voters(), human, where)
    used = dealt.voters() > max(numbers, default=1)
    some, block, kept = dealt.of(used), blocks[used], [n for n, use in zip(names, used, strict=True) if use]
    last = some.votes - 1
    reference = np.stack([some.count(place == last) for place in some.position])
    prior = from_others(counts, blocks, fit_dirichlet_multinomial)[used]
    given = {str(k): some.between(0, k) for k in numbers}
    if ALL in human:
        given[ALL] = np.stack([some.count(place < last) for place in some.position])
    sizes = sorted(m for m in set(synthetic) if m <= draws.shape[1])

    def loss(votes: Array) -> Array:
        return nll_votes(posterior_mean(votes, prior), reference, floor).mean(axis=0)

    losses: dict[Cell, Array] = {(HUMAN, k, 0): loss(votes) for k, votes in given.items()}
    for m in (size for size in sizes if size):
        pool = subsets(draws[used], kept, [m], len(some.position), counts.shape[1], seed, "cost subsets")[0]
        for k, votes in given.items():
            losses[POOLED, k, m] = loss(votes + pool)
            weight = fit_weights(votes, pool, reference, counts, blocks, block).each
            losses[WEIGHTED, k, m] = loss(votes + weight[:, None] * pool)
    return Surface(used, losses, float((some.voters() - 1).mean()), list(given), sizes)
