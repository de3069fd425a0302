"""Bounds that no strategy can pass: the best candidate, and the best convex combination of candidates."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from scaling_ambiguity.metrics.arrays import histogram
from scaling_ambiguity.testtime.combining import equal_weights, mixed, top_weights
from scaling_ambiguity.testtime.losses import candidate_losses

Array: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]
Gradient = Callable[[Array, Array], Array]  # mixture (U, C), shares (U, C) -> derivative by the mixture (U, C)
GAP = 1e-11
_STEPS, _HALVINGS = 3000, 45
_SMALL = 1e-300


def _nll_gradient(m: Array, shares: Array) -> Array:
    return -np.divide(shares, np.maximum(m, _SMALL))


def _brier_gradient(m: Array, shares: Array) -> Array:
    return 2 * (m - shares)


def _jsd_gradient(m: Array, shares: Array) -> Array:
    m = np.maximum(m, _SMALL)
    return np.log2(2 * m / (m + shares)) / 2


GRADIENTS: dict[str, Gradient] = {"nll": _nll_gradient, "brier": _brier_gradient, "jsd_bits": _jsd_gradient}


def oracle_pick(q: Array, valid: Mask, counts: Array, loss: str, floor: float) -> Array:
    """Return weight 1 on the candidate with the least loss on the votes themselves, (U, K); ties share.

    It bounds every strategy that picks, not those that combine: see :func:`oracle_hull`.

    Args:
        q: (U, K, C).
        valid: (U, K).
        counts: (U, C) votes, or shares.
        loss: One of ``losses.LOSSES``.
        floor: Smallest probability in the NLL.
    """
    return top_weights(-candidate_losses(loss, q, counts, floor), valid, share_ties=True)


def oracle_hull(q: Array, valid: Mask, counts: Array, loss: str) -> tuple[Array, Array]:
    """Return the weights of the best convex combination of candidates, and a bound on what it misses.

    Weight moves from the used candidate with the largest derivative to the candidate with the smallest one, as far as
    the loss falls (pairwise Frank-Wolfe; Lacoste-Julien & Jaggi 2015, arXiv 1511.05932). The loss is convex in the
    weights, so that max_b <gradient, w - e_b> bounds the distance to the minimum. A row stops below 1e-11. The NLL
    has no floor here: it is minus the mean logarithm of the combination.

    Args:
        q: (U, K, C); 0 everywhere where ``valid`` is not.
        valid: (U, K).
        counts: (U, C) votes, or shares.
        loss: ``nll``, ``brier`` or ``jsd_bits``.

    Returns:
        Weights (U, K), summing to 1 (0 without a candidate), and the bound (U,) in the unit of the loss.
    """
    shares, gradient = histogram(counts), GRADIENTS[loss]
    weights, gap = equal_weights(valid), np.zeros(len(q))
    open_rows = np.flatnonzero(valid.sum(axis=1) > 1)
    for _ in range(_STEPS):
        if not len(open_rows):
            break
        w, p, part = weights[open_rows], shares[open_rows], q[open_rows]
        m = mixed(w, part)
        slope = (part @ gradient(m, p)[:, :, None])[:, :, 0]
        down = np.where(valid[open_rows], slope, np.inf)
        up = np.where(w > 0, slope, -np.inf)
        to, away = down.argmin(axis=1), up.argmax(axis=1)
        rows = np.arange(len(w))
        gap[open_rows] = (np.where(w > 0, w * slope, 0.0)).sum(axis=1) - down[rows, to]
        moving = gap[open_rows] > GAP
        direction = part[rows, to] - part[rows, away]
        step = _line_search(m, direction, w[rows, away], p, gradient)
        step = np.where(moving, step, 0.0)
        w[rows, away] -= step
        w[rows, to] += step
        w[rows, away] = np.where(w[rows, away] < 1e-15, 0.0, w[rows, away])
        weights[open_rows] = w
        open_rows = open_rows[moving & (step > 0)]
    total = weights.sum(axis=1, keepdims=True)
    return np.divide(weights, total, out=np.zeros_like(weights), where=total > 0), np.maximum(gap, 0.0)


def _line_search(m: Array, direction: Array, longest: Array, shares: Array, gradient: Gradient) -> Array:
    """Return the step in [0, longest] at which the derivative along ``direction`` vanishes, by halving, (U,)."""

    def slope(step: Array) -> Array:
        terms = gradient(np.maximum(m + step[:, None] * direction, 0.0), shares)
        return (terms * direction).sum(axis=1)

    low, high = np.zeros_like(longest), longest.copy()
    whole = slope(high) <= 0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        falls = slope(middle) < 0
        low, high = np.where(falls, middle, low), np.where(falls, high, middle)
    return np.where(whole, longest, low)


def mean_logarithm(m: Array, counts: Array) -> Array:
    """Return the NLL per vote without a floor, -sum_c (n_c / N) ln m_c; (U, C) -> (U,), nats, possibly infinite."""
    with np.errstate(divide="ignore"):
        return -xlogy(histogram(counts), m).sum(axis=-1)
