"""Pearson correlation as a smooth function of moment totals, for :func:`bootstrap.moment_interval`."""

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array: TypeAlias = NDArray[np.float64]


def pearson_moments(x: ArrayLike, y: ArrayLike, weights: ArrayLike = 1.0) -> Array:
    """Return w, wx, wy, wx^2, wy^2, wxy along a new last axis: the input of :func:`pearson`."""
    x, y, w = np.broadcast_arrays(*(np.asarray(a, dtype=np.float64) for a in (x, y, weights)))
    return np.stack([w, w * x, w * y, w * x * x, w * y * y, w * x * y], axis=-1)


def pearson(totals: Array) -> tuple[Array, Array]:
    """Pearson correlation and its gradient from totals (..., 6) of :func:`pearson_moments`; range [-1, 1].

    A constant side gives correlation 0 with gradient 0.
    """
    n = np.where(totals[..., 0] > 0, totals[..., 0], 1.0)
    x, y, xx, yy, xy = (totals[..., i] / n for i in range(1, 6))
    a, b, c = xx - x * x, yy - y * y, xy - x * y
    fine = (a > 1e-14 * np.maximum(xx, 1e-300)) & (b > 1e-14 * np.maximum(yy, 1e-300))
    a, b = np.where(fine, a, 1.0), np.where(fine, b, 1.0)
    root = np.sqrt(a * b)
    r = np.clip(c / root, -1.0, 1.0)
    # r depends on the totals through means; the gradient with respect to n follows from degree 0
    d_x, d_y = -y / root + r * x / a, -x / root + r * y / b
    d_xx, d_yy, d_xy = -r / (2 * a), -r / (2 * b), 1 / root
    d_n = -(d_x * x + d_y * y + d_xx * xx + d_yy * yy + d_xy * xy)
    gradient = np.stack([d_n, d_x, d_y, d_xx, d_yy, d_xy], axis=-1) / n[..., None]
    return np.where(fine, r, 0.0), np.where(fine[..., None], gradient, 0.0)
