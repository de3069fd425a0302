"""The distance between distributions that knows how far classes are apart: Wasserstein on a stated geometry."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linprog
from scipy.sparse import block_diag, csr_array

from scaling_ambiguity.metrics.arrays import Array, matched

CHUNK = 500  # rows solved in one linear programme


def line_geometry(positions: ArrayLike) -> Array:
    """Return the distances |x_i - x_j| of classes at ``positions`` (C,), e.g. on the valence axis; (C, C)."""
    x = np.asarray(positions, dtype=np.float64)
    return np.abs(x[:, None] - x)


def plane_geometry(positions: ArrayLike) -> Array:
    """Return the Euclidean distances of classes at ``positions`` (C, D), e.g. valence and arousal; (C, C)."""
    x = np.asarray(positions, dtype=np.float64)
    return np.sqrt(((x[:, None] - x) ** 2).sum(axis=-1))


def wasserstein(p: ArrayLike, q: ArrayLike, distances: ArrayLike) -> Array:
    """Wasserstein-1 distance min_T sum_ij T_ij d_ij, T >= 0 with row sums p and column sums q.

    p, q (..., C), broadcast; distances (C, C), a metric between the classes, is part of the result and has no
    default: with 0 and 1 the distance is the total variation. -> (...), in [0, max d], in the unit of d. Solved
    exactly, as a linear programme (Kantorovich 1942; Villani 2009, 10.1007/978-3-540-71050-9).

    Raises:
        ValueError: a bad row, or distances that are no metric, naming the classes.
    """
    p, q = matched(p, q)
    d = _metric(distances, p.shape[-1])
    line = _positions(d)
    if line is not None:
        order = np.argsort(line)
        beyond = np.cumsum((p - q)[..., order], axis=-1)[..., :-1]
        return np.abs(beyond) @ np.diff(line[order])
    p, q = np.broadcast_arrays(p, q)
    flat, other = p.reshape(-1, p.shape[-1]), q.reshape(-1, q.shape[-1])
    parts = [_solve(flat[i : i + CHUNK], other[i : i + CHUNK], d) for i in range(0, len(flat), CHUNK)]
    return np.concatenate(parts).reshape(p.shape[:-1]) if parts else np.zeros(p.shape[:-1])


def _solve(p: Array, q: Array, d: Array) -> Array:
    classes, rows = len(d), len(p)
    sums = np.vstack([np.kron(np.eye(classes), np.ones(classes)), np.kron(np.ones(classes), np.eye(classes))])
    # the last column sum follows from the others: left out, so that rounding cannot make it infeasible
    constraints = block_diag([csr_array(sums[:-1])] * rows, format="csr")
    right = np.concatenate([p / p.sum(axis=1, keepdims=True), (q / q.sum(axis=1, keepdims=True))[:, :-1]], axis=1)
    cost = np.tile(d.ravel(), rows)
    found = linprog(cost, A_eq=constraints, b_eq=right.ravel(), bounds=(0, None), method="highs")
    if not found.success:
        raise ValueError(f"no transport plan found: {found.message}")
    return (found.x.reshape(rows, -1) * d.ravel()).sum(axis=1)


def _metric(distances: ArrayLike, classes: int) -> Array:
    d = np.asarray(distances, dtype=np.float64)
    if d.shape != (classes, classes):
        raise ValueError(f"distances must have shape ({classes}, {classes}), not {d.shape}")
    if not (np.isfinite(d).all() and (d >= 0).all() and (np.diag(d) == 0).all() and np.allclose(d, d.T)):
        raise ValueError("distances must be finite, symmetric and >= 0, with zeros on the diagonal")
    longer = d[:, None, :] > (d[:, :, None] + d[None, :, :]) * (1 + 1e-9)
    if longer.any():
        i, j, k = (int(x) for x in np.argwhere(longer)[0])
        raise ValueError(f"distances, row {i}: from class {i} to {k} is further than by way of class {j}; not a metric")
    return d


def _positions(d: Array) -> Array | None:
    """Return places on a line with these distances, or None."""
    end = int(np.argmax(d[0]))
    return d[end] if np.allclose(line_geometry(d[end]), d) else None
