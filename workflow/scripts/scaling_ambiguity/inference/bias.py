"""How an annotator deviates from people: matches of single votes, over-used labels, entropy, and use of its inputs.

None of these depends on the numbers of votes: probabilities that two single votes are equal, shares of single votes,
and entropies of equal numbers of votes. Values for two people are given next to those for a person and the ALM.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling_ambiguity.labels.counting import frequencies
from scaling_ambiguity.labels.levels import pairwise_agreement
from scaling_ambiguity.metrics.corrected import rarefied_entropy_bits

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """Scores by utterance, (U,) each; NaN where there are too few votes.

    Attributes:
        match: probability that a synthetic vote equals a human one on the same utterance, in [0, 1].
        match_human: probability that two people's votes are equal.
        match_gap: match - match_human; below 0: the ALM agrees less with people than people do with each other.
        entropy_gap: entropy of synthetic minus that of human votes, bits, both with the number of votes of the side
            with fewer votes, averaged over all subsets; NaN if that is fewer than two.
    """

    match: Array
    match_human: Array
    match_gap: Array
    entropy_gap: Array


def score(human: Array, synthetic: Array) -> Scores:
    """Return the scores of U utterances; human, synthetic (U, C) whole votes."""
    asked = synthetic.sum(axis=1) > 0
    match = np.where(asked & (human.sum(axis=1) > 0), (frequencies(human) * frequencies(synthetic)).sum(axis=1), np.nan)
    match_human = np.where(asked, pairwise_agreement(human), np.nan)
    gap = np.full(len(human), np.nan)
    votes = np.minimum(human.sum(axis=1), synthetic.sum(axis=1))
    both = votes >= 2
    if both.any():
        ours, theirs = (rarefied_entropy_bits(side[both], votes[both]) for side in (synthetic, human))
        gap[both] = ours - theirs
    return Scores(match, match_human, match - match_human, gap)


def called(human: Array, synthetic: Array) -> tuple[Array, Array, Array]:
    """Return the labels given where a person says c: values (U, C) of the ALM and of another person, weights (U, C).

    The mean of values[:, d] under weights[:, c] is the probability that the ALM, or another person, labels as d an
    utterance that a person labels as c. The values of another person depend on c too: (U, C, C), [u, c, d].
    Utterances with a single human vote have weight 0.
    """
    n = human.sum(axis=1)
    fine = (n >= 2) & (synthetic.sum(axis=1) > 0)
    weights = np.where(fine[:, None], human / np.maximum(n, 1)[:, None], 0.0)
    rest = human[:, None, :] - np.eye(human.shape[1])
    other = np.where(weights[:, :, None] > 0, rest / np.maximum(n - 1, 1)[:, None, None], 0.0)
    return frequencies(synthetic), other, weights


def heard_in(both: Array, alone: Array) -> Array:
    """Return how much an ALM's votes change when a part of its input is missing, (U,).

    Probability that two of its votes on the utterance are equal, minus the probability that one vote with and one
    without that part are equal: 0 on average if it makes no difference, NaN with fewer than two votes. both, alone (U,
        C) votes.
    """
    asked = alone.sum(axis=1) > 0
    across = (frequencies(both) * frequencies(alone)).sum(axis=1)
    return np.where(asked, pairwise_agreement(both) - across, np.nan)


def thirds(values: Array) -> NDArray[np.intp]:
    """Return 0, 1 or 2 for the lower, middle and upper third of the values (U,), -1 where NaN; ties stay together."""
    finite = np.isfinite(values)
    place = np.full(len(values), -1, dtype=np.intp)
    if finite.any():
        place[finite] = np.searchsorted(np.quantile(values[finite], [1 / 3, 2 / 3]), values[finite])
    return place
