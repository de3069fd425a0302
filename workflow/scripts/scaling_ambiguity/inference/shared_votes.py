"""The effect of shared votes on results by level: proxies of known worth under three arrangements of human votes.

A level of ambiguity that is made from votes which are also conditioned on or predicted carries information about these
votes beyond that about the utterance. Where all votes agree, the conditioning votes agree with those to predict by
selection, and a proxy that was not selected looks worse than it is; where they disagree the conditioning votes mislead,
and a proxy without information looks better than any number of them. Two withheld human votes are worth two for any
utterance, so that every deviation is due to the arrangement. No ALM is needed.
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.inference.arrangement import arrange
from scaling_ambiguity.inference.exchange_losses import WHOLE, ExchangeLosses, Key
from scaling_ambiguity.inference.exchange_predictors import add_weighted
from scaling_ambiguity.labels.counting import DealtVotes, HumanVotes
from scaling_ambiguity.labels.levels import LEVELS, TIE, level_of, pairwise_agreement
from scaling_ambiguity.labels.pooling import shuffle_within, with_echo
from scaling_ambiguity.tables.statistics import THESE

Array: TypeAlias = NDArray[np.float64]
WITHHELD = 2  # human votes that take the place of a proxy
LARGEST = 3  # conditioning votes: one more than the worth to be estimated
ECHOES = 6  # repetitions of the majority
FEWEST = 60  # utterances; below this each level has only a handful
ARRANGEMENTS = ("shared-all", "shared-reference", "disjoint")
# predictor: its worth in human votes
PROXIES: dict[Key, float] = {
    ("withheld-2", 0, WITHHELD): WITHHELD,
    ("echo", WITHHELD, ECHOES): WITHHELD,
    ("shuffled", 0, WITHHELD): 0,
}


def with_votes(human: HumanVotes, level_votes: int) -> NDArray[np.bool_]:
    """Return which utterances have votes for every role of the ``disjoint`` arrangement, (U,).

    These are a proxy, a level, conditioning and testing; fewer than ``FEWEST`` show nothing.
    """
    return human.dealt.voters() > WITHHELD + level_votes + LARGEST


def losses_under(
    name: str, human: HumanVotes, *, level_votes: int, floor: float, level: float, seed: int
) -> ExchangeLosses:
    """Return the losses of human votes and of the proxies, overall and by level, under one arrangement.

    The utterances and the withheld votes, those at positions 0 and 1 of every deal, are the same in all three.

    ``shared-all``: three votes to condition on, all others to predict, levels from the agreement of all of these.
    ``shared-reference``: the same roles, levels from the votes to predict; withheld and conditioning votes are still
    exchangeable, so that the former keep their worth, but other proxies, such as an echo, do not. ``disjoint``:
    ``level_votes`` votes decide the level and are not used otherwise. The withheld votes never decide it, as those of
    an ALM would not either. Edges are those of :func:`tertile_edges` over all utterances.

    Args:
        name: One of ``ARRANGEMENTS``.
        human: U utterances, of which those of :func:`with_votes` are used.
        level_votes: Votes reserved for the level in ``disjoint``.
        floor: Smallest probability in the NLL.
        level: Coverage of intervals of weights.
        seed: The run's seed.

    Raises:
        UserError: too few level votes, or classes, for three levels.
    """
    # start of the conditioning votes, and first and last position of the votes that decide the level
    start, first, last = {
        "shared-all": (WITHHELD, WITHHELD, None),
        "shared-reference": (WITHHELD, WITHHELD + LARGEST, None),
        "disjoint": (WITHHELD + level_votes, WITHHELD, WITHHELD + level_votes),
    }[name]
    used = human.of(with_votes(human, level_votes))
    world, _ = arrange(used, start=start, largest=LARGEST, floor=floor, level=level)
    agreement = agreement_between(world.dealt, first, last)
    places = level_of(agreement, tertile_edges(agreement))
    strata: dict[str, NDArray[np.bool_] | None] = {WHOLE: None}
    strata |= {stratum: places == place for place, stratum in enumerate(LEVELS)}
    losses = ExchangeLosses(world, strata, across=False)
    add_proxies(losses, seed)
    return losses


def add_proxies(losses: ExchangeLosses, seed: int) -> None:
    """Add the three proxies of known worth, whose keys are those of ``PROXIES``.

    ``withheld-2``: two further human votes, unweighted. ``echo``: two conditioning votes and their majority six times
    over with the fitted weight, which adds nothing to the two. ``shuffled``: two votes of another utterance with the
    fitted weight, which is near 0: the prior.
    """
    world = losses.world
    withheld = world.dealt.between(0, WITHHELD)
    losses.add(("withheld-2", 0, WITHHELD), withheld)
    human = world.human(WITHHELD)
    repeated = with_echo(human, np.full_like(human, ECHOES / human.shape[-1])) * (WITHHELD + ECHOES) - human
    losses.add(("echo", WITHHELD, ECHOES), world.weigh(repeated, WITHHELD)[0])
    other = shuffle_within(np.zeros(len(world.names), dtype=np.intp), world.names, seed)
    add_weighted(losses, ("shuffled", 0, WITHHELD), withheld[:, other])


def agreement_between(dealt: DealtVotes, first: int, last: int | None) -> Array:
    """Return the pairwise agreement of the votes at positions first .. last - 1, or to the end, (D, U)."""
    agreement = np.empty(dealt.shape[:2])
    for deal, position in enumerate(dealt.position):
        chosen = (position >= first) & (position < (np.inf if last is None else last))
        agreement[deal] = pairwise_agreement(dealt.count(chosen), dealt.voters(chosen), dealt.squares(chosen))
    return agreement


def tertile_edges(values: Array) -> tuple[float, float]:
    """Return the two midpoints between neighbouring values that are nearest to their tertiles, any shape.

    No edge cuts through a tie. The upper edge is above the lower one wherever there are three values or more.

    Raises:
        UserError: fewer than three different values.
    """
    ordered = np.sort(values, axis=None)
    ends = np.flatnonzero(np.diff(ordered) > TIE)  # the last of each run of equal values
    if len(ends) < 2:
        raise UserError("shared votes: fewer than three different agreements; three levels need 3 votes or more.")
    midpoints, below = (ordered[ends] + ordered[ends + 1]) / 2, (ends + 1) / ordered.size
    lower = int(np.abs(below[:-1] - 1 / 3).argmin())
    upper = lower + 1 + int(np.abs(below[lower + 1 :] - 2 / 3).argmin())
    return float(midpoints[lower]), float(midpoints[upper])


def arrangement_rows(name: str, losses: ExchangeLosses, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of one arrangement: ``method`` is its name.

    Metric ``equivalent_votes`` of each proxy, ``votes`` its worth; and ``nll`` of ``human`` votes, ``votes`` their
    number k, in nats per vote. Strata ``all`` and the levels that occur.

    Args:
        name: The arrangement.
        losses: What :func:`losses_under` returns.
        settings: resamples, seed, level and method of the intervals.
    """
    rows = []
    for stratum in filter(losses.occurs, losses.strata):
        people = losses.people()
        intervals = losses.interval(stratum, settings)(losses.columns(stratum, people))
        common: dict[str, str | int] = {"stratum": stratum, "method": name, "population": THESE, "reference": "human"}
        common |= {"n": intervals.n, "n_clusters": intervals.n_clusters}
        of_people = common | {"labels": "human", "metric": "nll"}
        rows += [of_people | {"votes": k} | intervals.row(i) for i, (_, k, _) in enumerate(people)]
        for key, value, _ in losses.values(stratum, settings):
            row = common | {"labels": key[0], "metric": "equivalent_votes", "votes": PROXIES[key]}
            rows.append(row | vars(value))
    return rows
