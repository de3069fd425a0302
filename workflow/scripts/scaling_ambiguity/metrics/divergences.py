"""Distances between two distributions; each has one definition and one name.

Against a histogram of few votes none of them is proper: the best prediction is sharper than
the truth. They are therefore compared at equal vote counts, or corrected for their bias.
"""

import numpy as np
from numpy.typing import ArrayLike

from scaling_ambiguity.metrics.arrays import Array, distributions, floored, matched


def _plogp_bits(p: Array) -> Array:
    safe = np.where(p > 0, p, 1.0)
    return p * np.log2(safe)


def entropy_bits(p: ArrayLike) -> Array:
    """Shannon entropy - sum_c p_c log2 p_c; p (..., C) -> (...), bits, in [0, log2 C]."""
    return np.maximum(-_plogp_bits(distributions(p)).sum(axis=-1), 0.0)


def normalised_entropy(p: ArrayLike) -> Array:
    """Entropy / log2 C; p (..., C) -> (...), in [0, 1]. C counts all classes, present or not."""
    p = distributions(p)
    return entropy_bits(p) / np.log2(p.shape[-1])


def entropy_gap(p: ArrayLike, q: ArrayLike) -> Array:
    """H(p) - H(q) in bits; p, q (..., C) -> (...), in [-log2 C, log2 C]; positive: p is the flatter."""
    p, q = matched(p, q)
    return entropy_bits(p) - entropy_bits(q)


def jsd_bits(p: ArrayLike, q: ArrayLike) -> Array:
    """Jensen-Shannon divergence H((p + q) / 2) - (H(p) + H(q)) / 2 in bits (Lin 1991, 10.1109/18.61115).

    p, q (..., C), broadcast -> (...), in [0, 1]. Its square root is :func:`js_distance`; the
    two names are never used interchangeably. Raises ValueError naming the first bad row.
    """
    p, q = matched(p, q)
    mixture = (p + q) / 2
    value = (_plogp_bits(p).sum(axis=-1) + _plogp_bits(q).sum(axis=-1)) / 2 - _plogp_bits(mixture).sum(axis=-1)
    return np.clip(value, 0.0, 1.0)


def js_distance(p: ArrayLike, q: ArrayLike) -> Array:
    """Jensen-Shannon distance sqrt(JSD in bits), a metric; p, q (..., C) -> (...), in [0, 1]."""
    return np.sqrt(jsd_bits(p, q))


def kl_bits(reference: ArrayLike, p: ArrayLike, floor: float = 0.001) -> Array:
    """Kullback-Leibler divergence sum_c r_c log2(r_c / p_c) of p from the reference, in bits.

    reference, p (..., C) -> (...), >= 0. Only p is smoothed: floored at ``floor`` and renormalised.
    Raises ValueError naming the first bad row.
    """
    reference, raised = matched(reference, floored(p, floor), ("reference", "p"))
    with np.errstate(divide="ignore", invalid="ignore"):
        cross = np.where(reference > 0, reference * np.log2(raised), 0.0).sum(axis=-1)
    return np.maximum(_plogp_bits(reference).sum(axis=-1) - cross, 0.0)


def bhattacharyya(p: ArrayLike, q: ArrayLike) -> Array:
    """Bhattacharyya coefficient sum_c sqrt(p_c q_c); p, q (..., C) -> (...), in [0, 1], 1 = equal.

    1 - BC <= JSD_bits <= (1 - BC) / ln 2 holds for every pair and is tested.
    """
    p, q = matched(p, q)
    return np.clip(np.sqrt(p * q).sum(axis=-1), 0.0, 1.0)


def total_variation(p: ArrayLike, q: ArrayLike) -> Array:
    """Total variation distance sum_c |p_c - q_c| / 2; p, q (..., C) -> (...), in [0, 1]."""
    p, q = matched(p, q)
    return np.abs(p - q).sum(axis=-1) / 2


def cosine(p: ArrayLike, q: ArrayLike) -> Array:
    """Cosine similarity p . q / (|p| |q|); p, q (..., C) -> (...), in [0, 1], 1 = equal."""
    p, q = matched(p, q)
    norms = np.sqrt((p**2).sum(axis=-1) * (q**2).sum(axis=-1))
    return np.clip((p * q).sum(axis=-1) / norms, 0.0, 1.0)


def r2_within(p: ArrayLike, q: ArrayLike) -> Array:
    """Squared Pearson correlation of p and q over the classes of one utterance.

    p, q (..., C) -> (...), in [0, 1]. Where one of the two is constant over the classes
    (uniform) the correlation has no value; it counts as 0, nothing explained.
    """
    p, q = matched(p, q)
    dp, dq = p - 1 / p.shape[-1], q - 1 / q.shape[-1]
    spread = (dp**2).sum(axis=-1) * (dq**2).sum(axis=-1)
    product = (dp * dq).sum(axis=-1) ** 2
    return np.where(spread > 1e-20, np.minimum(product / np.where(spread > 1e-20, spread, 1.0), 1.0), 0.0)
