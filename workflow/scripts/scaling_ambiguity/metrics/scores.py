"""Proper scores of a predicted distribution against single held-out votes: NLL and Brier."""

import numpy as np
from numpy.typing import ArrayLike

from scaling_ambiguity.metrics.arrays import Array, floored, histogram, matched


def nll_votes(p: ArrayLike, counts: ArrayLike, floor: float = 0.001) -> Array:
    """Negative log-likelihood per held-out vote, - sum_c (n_c / N) ln p_c.

    Args:
        p: predictions, (..., C); floored at ``floor`` and renormalised first.
        counts: held-out votes per class, (..., C), at least one per row.
        floor: smallest probability, in [0, 1 / C).

    Returns:
        (...), nats per vote, >= 0, smaller is better; the mean over the row's votes, so that
        utterances weigh equally however many votes they have. Proper: its expectation is
        smallest at the distribution the votes are drawn from (Gneiting & Raftery 2007,
        10.1198/016214506000001437).

    Raises:
        ValueError: naming the first bad row.
    """
    raised, share = matched(floored(p, floor), histogram(counts), ("p", "counts"))
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(share > 0, -share * np.log(raised), 0.0)
    return terms.sum(axis=-1)


def brier(p: ArrayLike, counts: ArrayLike) -> Array:
    """Brier score per held-out vote, sum_c (n_c / N) sum_j (p_j - [j = c])^2 = |p|^2 - 2 p . n/N + 1.

    Args:
        p: predictions, (..., C).
        counts: held-out votes per class, (..., C), at least one per row.

    Returns:
        (...), in [0, 2], smaller is better; proper (Brier 1950, 10.1175/1520-0493(1950)078).

    Raises:
        ValueError: naming the first bad row.
    """
    p, share = matched(p, histogram(counts), ("p", "counts"))
    return (p**2).sum(axis=-1) - 2 * (p * share).sum(axis=-1) + 1
