"""The losses by which settings are fitted and oracles chosen: the house's metrics on many candidates at once."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling_ambiguity.metrics.arrays import histogram
from scaling_ambiguity.metrics.divergences import bhattacharyya, jsd_bits, total_variation
from scaling_ambiguity.metrics.scores import brier, nll_votes

Array: TypeAlias = NDArray[np.float64]
Loss = Callable[[Array, Array, float], Array]  # predictions (..., C), votes (..., C), floor -> (...), smaller is better

LOSSES: dict[str, Loss] = {
    "nll": nll_votes,
    "brier": lambda q, counts, floor: brier(q, counts),
    "jsd_bits": lambda q, counts, floor: jsd_bits(q, histogram(counts)),
    "total_variation": lambda q, counts, floor: total_variation(q, histogram(counts)),
    "one_minus_bhattacharyya": lambda q, counts, floor: 1 - bhattacharyya(q, histogram(counts)),
}


def candidate_losses(name: str, q: Array, counts: Array, floor: float) -> Array:
    """Return the loss of every candidate, (U, K); NaN for one without a distribution.

    Args:
        name: One of ``LOSSES``.
        q: (U, K, C); 0 everywhere for a candidate without a distribution.
        counts: (U, C) votes, or shares.
        floor: Smallest probability in the NLL.
    """
    row, column = np.nonzero(q.sum(axis=2) > 0)
    values = np.full(q.shape[:2], np.nan)
    values[row, column] = LOSSES[name](q[row, column], counts[row], floor)
    return values
