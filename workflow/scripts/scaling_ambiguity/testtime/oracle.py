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
# mixture (U, C), shares (U, C) -> first or second derivative of each class' part of the loss (U, C)
Derivative = Callable[[Array, Array], Array]
GAP = 1e-11
_STEPS, _HALVINGS = 100, 45
_SMALL, _STEEPEST, _RIDGE = 1e-300, 1e12, 1e-10


def _jsd_slope(m: Array, shares: Array) -> Array:
    m = np.maximum(m, _SMALL)
    return np.log2(2 * m / (m + shares)) / 2


SLOPES: dict[str, Derivative] = {
    "nll": lambda m, shares: -shares / np.maximum(m, _SMALL),
    "brier": lambda m, shares: 2 * (m - shares),
    "jsd_bits": _jsd_slope,
}
CURVATURES: dict[str, Derivative] = {
    "nll": lambda m, shares: shares / np.maximum(m, 1e-9) ** 2,
    "brier": lambda m, shares: np.full_like(m, 2.0),
    "jsd_bits": lambda m, shares: shares / (np.maximum(m, 1e-9) * np.maximum(m + shares, 1e-9)) / (2 * np.log(2)),
}


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

    Two steps in turn: weight moves from the used candidate with the largest derivative to the candidate with the
    smallest one, as far as the loss falls (pairwise Frank-Wolfe; Lacoste-Julien & Jaggi 2015, arXiv 1511.05932); then a
    Newton step among the used candidates. The loss is convex in the weights, so that max_b <gradient, w - e_b> bounds
    the distance to the minimum; a row stops below 1e-11. The NLL has no floor here: it is minus the mean logarithm of
    the combination.

    Args:
        q: (U, K, C); 0 everywhere where ``valid`` is not.
        valid: (U, K).
        counts: (U, C) votes, or shares.
        loss: ``nll``, ``brier`` or ``jsd_bits``.

    Returns:
        Weights (U, K), summing to 1 (0 without a candidate), and the bound (U,) in the unit of the loss.
    """
    shares, slope_of, curvature_of = histogram(counts), SLOPES[loss], CURVATURES[loss]
    weights, gap = equal_weights(valid), np.zeros(len(q))
    open_rows = np.flatnonzero(valid.sum(axis=1) > 1)
    for _ in range(_STEPS):
        if not len(open_rows):
            break
        w, p, part = weights[open_rows], shares[open_rows], q[open_rows]
        m = mixed(w, part)
        slope = (part @ slope_of(m, p)[:, :, None])[:, :, 0]
        to = np.where(valid[open_rows], slope, np.inf).argmin(axis=1)
        away = np.where(w > 0, slope, -np.inf).argmax(axis=1)
        rows = np.arange(len(w))
        gap[open_rows] = (w * slope).sum(axis=1) - slope[rows, to]
        pair = np.zeros_like(w)
        np.add.at(pair, (rows, to), 1.0)
        np.add.at(pair, (rows, away), -1.0)
        moved = _step(w, pair, part, p, slope_of)
        moved = _step(moved, _newton(moved, part, p, slope_of, curvature_of), part, p, slope_of)
        moving = gap[open_rows] > GAP
        weights[open_rows[moving]] = moved[moving]
        open_rows = open_rows[moving]
    return weights, np.maximum(gap, 0.0)


def _newton(w: Array, q: Array, shares: Array, slope_of: Derivative, curvature_of: Derivative) -> Array:
    """Return the Newton direction among the candidates with weight, (U, K), summing to 0 in each row."""
    m, used = mixed(w, q), w > 0
    bend = np.minimum(curvature_of(m, shares), _STEEPEST)
    hessian = (q * bend[:, None, :]) @ q.transpose(0, 2, 1)
    both = used[:, :, None] & used[:, None, :]
    ridge = _RIDGE * (1 + np.einsum("ukk->u", hessian))
    size = w.shape[1]
    system = np.zeros((len(w), size + 1, size + 1))
    system[:, :size, :size] = np.where(both, hessian, 0.0)
    system[:, np.arange(size), np.arange(size)] += np.where(used, ridge[:, None], 1.0)
    system[:, size, :size] = system[:, :size, size] = used
    right = np.zeros((len(w), size + 1))
    right[:, :size] = np.where(used, -(q @ slope_of(m, shares)[:, :, None])[:, :, 0], 0.0)
    direction = np.where(used, np.linalg.solve(system, right[:, :, None])[:, :size, 0], 0.0)
    return direction - np.where(used, direction.sum(axis=1, keepdims=True) / used.sum(axis=1, keepdims=True), 0.0)


def _step(w: Array, direction: Array, q: Array, shares: Array, slope_of: Derivative) -> Array:
    """Return the weights after the best step along a direction that sums to 0, none of them negative."""
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(direction < 0, -w / direction, np.inf)
    longest = np.minimum(room.min(axis=1), 10.0)
    step = _line_search(mixed(w, q), mixed(direction, q), longest, shares, slope_of)
    # what reaches 0 is 0, whatever is left by rounding
    emptied = (room <= longest[:, None]) & (step >= longest)[:, None]
    moved = np.where(emptied, 0.0, np.maximum(w + step[:, None] * direction, 0.0))
    return moved / moved.sum(axis=1, keepdims=True)


def _line_search(m: Array, direction: Array, longest: Array, shares: Array, slope_of: Derivative) -> Array:
    """Return the step in [0, longest] at which the derivative along ``direction`` vanishes, by halving, (U,)."""

    def slope(step: Array) -> Array:
        return (slope_of(np.maximum(m + step[:, None] * direction, 0.0), shares) * direction).sum(axis=1)

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
