"""BCa interval of a clustered mean, on request."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from scaling_ambiguity.inference.bootstrap import Intervals, cluster_weights

Array = NDArray[np.float64]


def bca_mean_interval(
    values: ArrayLike,
    clusters: ArrayLike,
    *,
    resamples: int,
    seed: int,
    level: float = 0.95,
    weights: ArrayLike | None = None,
) -> Intervals:
    """Weighted mean of each column with a bias-corrected and accelerated cluster-bootstrap interval.

    The ends are the quantiles ndtr(z0 + (z0 + z) / (1 - acceleration (z0 + z))) of the resampled means, z = ndtri of
    the tails, z0 = ndtri(share of resampled means below the mean, ties counting half) and acceleration = sum u^3 /
    (6 (sum u^2)^1.5) with u the delete-one-cluster means' deviations (Efron 1987, 10.1080/01621459.1987.10478410).
    The resamples are those of ``bootstrap.mean_interval``. It needs many clusters; bootstrap-t is the default.

    Args:
        values: (n,) or (n, M), finite where the weight is positive.
        clusters: (n,) cluster of each row.
        resamples: bootstrap resamples R.
        seed: seed of the resamples.
        level: coverage, in (0, 1).
        weights: (n,) or (n, M), >= 0; default 1.

    Returns:
        Intervals; p is dual to the interval. Ends are NaN with one cluster, and the mean itself where nothing varies.

    Raises:
        ValueError: a level outside (0, 1), a value that is not finite, a negative weight, a column without weight.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1), not {level}")
    values = np.asarray(values, dtype=np.float64)
    values = values[:, None] if values.ndim == 1 else values
    weights = np.ones(1) if weights is None else np.asarray(weights, dtype=np.float64)
    weights = np.broadcast_to(weights[:, None] if weights.ndim == 1 else weights, values.shape)
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise ValueError(f"weights, row {np.argwhere(~(weights >= 0))[0, 0]}: must be finite and >= 0")
    if (~np.isfinite(values) & (weights > 0)).any():
        row, column = np.argwhere(~np.isfinite(values) & (weights > 0))[0]
        raise ValueError(f"values, row {row}, column {column}: {values[row, column]} is not finite; give it weight 0")
    if not (weights.sum(axis=0) > 0).all():
        raise ValueError(f"column {int(np.argmin(weights.sum(axis=0)))}: no row has a positive weight")
    used = (weights > 0).any(axis=1)
    names, index = np.unique(np.asarray(clusters)[used], return_inverse=True)
    count, columns = len(names), values.shape[1]
    totals, sizes = np.zeros((2, count, columns))
    np.add.at(totals, index, np.where(weights > 0, weights * values, 0.0)[used])
    np.add.at(sizes, index, weights[used])
    results = np.full((5, columns), np.nan)
    results[0] = totals.sum(axis=0) / sizes.sum(axis=0)
    if count > 1:
        w = cluster_weights(count, resamples, seed)
        for m in range(columns):
            results[1:, m] = _limits(results[0, m], totals[:, m], sizes[:, m], w, level)
    return Intervals(*results, n=int(used.sum()), n_clusters=count)


def _limits(centre: float, totals: Array, sizes: Array, w: Array, level: float) -> tuple[float, float, float, float]:
    """Low, high, se, p of one column with cluster totals and sizes (G,) under weights w (R, G)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        means = (w @ totals) / (w @ sizes)
        left_out = (totals.sum() - totals) / (sizes.sum() - sizes)
    # a stratum may be missing from a resample, or be a single cluster: 0 / 0 says nothing about the mean
    means = np.where(np.isfinite(means), means, centre)
    left_out = np.where(np.isfinite(left_out), left_out, centre)
    se, u = float(means.std(ddof=1)), left_out.mean() - left_out
    if not se > 1e-12 * max(abs(centre), 1e-3):
        return centre, centre, se, 1.0 if abs(centre) <= 1e-12 else 1 / (1 + len(means))
    acceleration = float((u**3).sum() / (6 * (u**2).sum() ** 1.5))
    z0 = float(ndtri(_share_below(means, centre)))
    z = z0 + ndtri(np.array([(1 - level) / 2, (1 + level) / 2]))
    low, high = np.quantile(means, ndtr(z0 + z / (1 - acceleration * z)))
    edge = 1 / (1 + len(means))
    at_zero = float(ndtri(np.clip(_share_below(means, 0.0), edge, 1 - edge))) - z0
    tail = float(ndtr(at_zero / (1 + acceleration * at_zero) - z0))
    return float(low), float(high), se, min(1.0, max(2 * min(tail, 1 - tail), edge))


def _share_below(means: Array, value: float) -> float:
    return float(((means < value).sum() + (means <= value).sum()) / (2 * len(means)))
