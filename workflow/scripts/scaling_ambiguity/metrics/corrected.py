"""Entropy and JSD of histograms of few votes without their first-order bias, by the jackknife.

A histogram of n votes is sharper than its source, and further from everything; both biases are of order 1 / n.
"""

import numpy as np
from numpy.typing import ArrayLike

from scaling_ambiguity.metrics.arrays import Array, histogram, vote_counts
from scaling_ambiguity.metrics.divergences import entropy_bits, jsd_bits


def corrected_entropy_bits(counts: ArrayLike) -> Array:
    """Entropy in bits n H - (n - 1) mean_i H_{-i} over the n votes of a row (Zahl 1977, 10.2307/1936227).

    counts (..., C), two votes or more a row, whole numbers -> (...), bits, from 0 to a little above log2 C;
    beside the plug-in :func:`entropy_bits` of the histogram, which is too small.

    Raises:
        ValueError: naming the first row with fewer than two votes.
    """
    counts = _two_votes(counts, "counts")
    n, plain = counts.sum(axis=-1), entropy_bits(histogram(counts))
    without = np.zeros_like(plain)
    for c in range(counts.shape[-1]):
        has, rest = _one_less(counts, c)
        without += np.where(has, counts[..., c] / n * entropy_bits(histogram(rest)), 0.0)
    return n * plain - (n - 1) * without


def corrected_jsd_bits(x: ArrayLike, y: ArrayLike) -> Array:
    """JSD in bits between two vote histograms without its first-order bias, by the two-sample jackknife.

    J + (n - 1)(J - mean_i J_{-i}) + (m - 1)(J - mean_j J_{-j}) over the n votes of x and the m votes of y
    (Quenouille 1956). It leaves some of the bias where a side has two or three votes.
    x, y (..., C), two votes or more a row -> (...), bits; single values may be negative, means are
    what it is for.

    Raises:
        ValueError: naming the first row with fewer than two votes on a side.
    """
    x, y = np.broadcast_arrays(_two_votes(x, "x"), _two_votes(y, "y"))
    plain = jsd_bits(histogram(x), histogram(y))
    return plain + _jackknife_step(x, y, plain) + _jackknife_step(y, x, plain)


def limit_jsd_bits(x: ArrayLike, y: ArrayLike) -> Array:
    """JSD in bits between the source of x and the histogram of y: :func:`corrected_jsd_bits` of the side of x alone.

    What the divergence comes to with ever more votes like those of x, y held. x (..., C) with two votes or more a
    row, y (..., C) with one -> (...), bits.

    Raises:
        ValueError: naming the first row with too few votes.
    """
    x, y = np.broadcast_arrays(_two_votes(x, "x"), vote_counts(y, "y"))
    plain = jsd_bits(histogram(x), histogram(y))
    return plain + _jackknife_step(x, y, plain)


def _two_votes(values: ArrayLike, name: str) -> Array:
    counts = vote_counts(values, name)
    few = counts.sum(axis=-1) < 2
    if few.any():
        index = tuple(int(i) for i in np.argwhere(few)[0])
        raise ValueError(f"{name}, row {index}: the jackknife needs two votes or more, not {counts[index].tolist()}")
    return counts


def _one_less(counts: Array, c: int) -> tuple[Array, Array]:
    """Return which rows have a vote for class c, and the counts without it there."""
    has = counts[..., c] >= 1
    return has, np.where(has[..., None], counts - np.eye(counts.shape[-1])[c], counts)


def _jackknife_step(x: Array, y: Array, plain: Array) -> Array:
    n, q = x.sum(axis=-1), histogram(y)
    without = np.zeros_like(plain)
    for c in range(x.shape[-1]):
        has, rest = _one_less(x, c)
        without += np.where(has, x[..., c] / n * jsd_bits(histogram(rest), q), 0.0)
    return (n - 1) * (plain - without)
