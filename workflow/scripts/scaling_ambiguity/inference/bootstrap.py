"""Cluster bootstrap intervals in closed form: means, and smooth functions of cluster totals.

Whole clusters (speakers) are resampled; everything a resample needs is a linear map of cluster totals, so ten
thousand resamples of a column are two small matrix products. The same (clusters, resamples, seed) gives the same
resamples, which makes comparisons paired.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from scaling_ambiguity.seeds import generator
from scaling_ambiguity.tables.statistics import LEAST_CLUSTERS

Array: TypeAlias = NDArray[np.float64]
METHODS = ("bootstrap_t", "percentile", "bca", "t")
FEW_MOMENTS = 8  # up to this number, products of moments are faster than per-cluster contributions
_CHUNK = 4_000_000  # numbers in memory at once in one (resamples x columns) block


@dataclass(frozen=True)
class Intervals:
    """Estimates with intervals, one entry per column.

    Attributes:
        estimate: (M,) estimates on the data itself.
        low: (M,) lower ends; NaN, as are ``high``, ``se`` and ``p``, for a column with fewer than five clusters.
        high: (M,) upper ends.
        se: (M,) bootstrap standard errors (standard deviation over resamples, ddof 1).
        p: (M,) two-sided, equal-tailed p-values against 0, dual to the interval.
        n: result of :func:`rows_counted` for the weights.
        n_clusters: clusters with such a row.
        p_least: the smallest p possible with that many resamples; NaN where p is not counted from resamples.
    """

    estimate: Array
    low: Array
    high: Array
    se: Array
    p: Array
    n: int
    n_clusters: int
    p_least: float = float("nan")

    def row(self, i: int, *, tested: bool = False) -> dict[str, Any]:
        """Return the numbers of one column as the statistics table has them; ``tested``: with its p-value."""
        row = {"estimate": self.estimate[i], "low": self.low[i], "high": self.high[i]}
        row |= {"n": self.n, "n_clusters": self.n_clusters}
        return row | ({"p": self.p[i], "p_least": self.p_least} if tested else {})


def interval_settings(options: dict[str, Any], seed: int) -> dict[str, Any]:
    """Return the settings of an interval, resamples, level, method and seed, from the part ``statistics``."""
    settings = {"resamples": options["resamples"], "level": options["level"], "method": options["interval"]}
    return settings | {"seed": seed}


def rows_counted(weights: ArrayLike) -> int:
    """Return how many rows a weighted mean is based on: the sum of the weights, (n,) or (n, M), rounded.

    Where a weight is the share of deals in which an utterance has a level, this is the mean number of utterances
    of that level per deal: it does not grow with the number of deals, and the levels add up to the total. With several
    columns a row counts with its largest weight.
    """
    return int(np.rint(as_columns(weights).max(axis=1, initial=0.0).sum()))


@lru_cache(maxsize=4)
def cluster_weights(n_clusters: int, resamples: int, seed: int) -> Array:
    """Return how often each cluster is drawn in each resample: (R, G) whole numbers, rows sum to G.

    The draws are ``generator(seed, "cluster bootstrap").integers(0, G, (R, G))``, the call that
    scipy.stats.bootstrap makes, so that the two can be compared on identical resamples.
    """
    rng = generator(seed, "cluster bootstrap")
    weights = np.empty((resamples, n_clusters))
    step = max(1, _CHUNK // n_clusters)
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        drawn = rng.integers(0, n_clusters, (rows, n_clusters))
        drawn += np.arange(rows)[:, None] * n_clusters
        counted = np.bincount(drawn.ravel(), minlength=rows * n_clusters)
        weights[start : start + rows] = counted.reshape(rows, n_clusters)
    weights.setflags(write=False)
    return weights


def mean_interval(
    values: ArrayLike,
    clusters: ArrayLike,
    *,
    resamples: int,
    seed: int,
    level: float = 0.95,
    method: str = "bootstrap_t",
    weights: ArrayLike | None = None,
) -> Intervals:
    """Weighted mean sum(w x) / sum(w) of each column with a cluster-bootstrap interval.

    In every resample the mean's standard error is linearised,
    se^2 = G / (G - 1) sum_g (S_g - mean N_g)^2 / (sum_g N_g)^2 with cluster totals S_g = sum w x and
    N_g = sum w, and bootstrap-t uses the quantiles of (mean* - mean) / se* (Davison & Hinkley 1997,
    sections 2.4 and 3.8). Resamples that draw one cluster only have no standard error and are left out.

    Args:
        values: (n,) or (n, M), finite where the weight is positive.
        clusters: (n,) cluster names or numbers.
        resamples: bootstrap resamples R.
        seed: seed of the resamples; equal seeds and cluster counts are paired.
        level: coverage, in (0, 1).
        method: ``bootstrap_t``, ``percentile``, ``bca`` (see :func:`bca_limits`) or ``t`` (Student, G - 1 degrees of
            freedom).
        weights: (n,) or (n, M), >= 0; default 1. A weight of 0 masks a value.

    Raises:
        ValueError: unknown method, a value that is not finite, a negative weight, an empty column.
    """
    values, weights = weighted_columns(values, weights)
    used = (weights > 0).any(axis=1)
    names, index = np.unique(np.asarray(clusters)[used], return_inverse=True)
    totals = _cluster_sums(np.where(weights > 0, weights * values, 0.0)[used], index, len(names))
    sizes = _cluster_sums(weights[used], index, len(names))
    columns = _Columns(
        lambda take, w: _mean_block(totals[:, take], sizes[:, take], w),
        (sizes > 0).sum(axis=0), len(names), rows_counted(weights), 1,
    )  # fmt: skip
    return _in_blocks(columns, resamples=resamples, seed=seed, level=level, method=method)


def _mean_block(totals: Array, sizes: Array, w: Array) -> tuple[Array, Array]:
    """Means and linearised standard errors, (R, m) each, under cluster weights w (R, G)."""
    clusters = len(totals)
    one_size = bool((sizes == sizes[:, :1]).all())  # no masks: the sizes need one column, not m
    sizes = sizes[:, :1] if one_size else sizes
    n = w @ sizes
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (w @ totals) / n
        squares = w @ totals**2 - 2 * mean * (w @ (totals * sizes)) + mean**2 * (w @ sizes**2)
        se = np.sqrt(np.maximum(squares, 0.0) * clusters / (clusters - 1)) / n
    return mean, se


def moment_interval(
    moments: ArrayLike,
    clusters: ArrayLike,
    function: Callable[[Array], tuple[Array, Array]],
    *,
    resamples: int,
    seed: int,
    level: float = 0.95,
    method: str = "bootstrap_t",
) -> Intervals:
    """Interval of a smooth function of moment totals, such as a correlation, by the delta method.

    The estimate is f(T) with T = sum of the rows' moments; its linearised variance is G / (G - 1) sum_g (grad f(T) .
    (T_g - T / G))^2, re-evaluated in every resample.

    Args:
        moments: (n, K) or (n, M, K), e.g. weight, x, y, x^2, y^2, xy of ``correlation.pearson_moments``.
        clusters: (n,) cluster of each row.
        function: totals (..., K) -> value (...), gradient (..., K); homogeneous of degree 0,
            i.e. unchanged when all totals are doubled.
        resamples: bootstrap resamples R.
        seed: seed of the resamples.
        level: coverage, in (0, 1).
        method: as in :func:`mean_interval`.

    Raises:
        ValueError: unknown method or a moment that is not finite.
    """
    moments = np.asarray(moments, dtype=np.float64)
    moments = moments[:, None, :] if moments.ndim == 2 else moments
    if not np.isfinite(moments).all():
        raise ValueError(f"moments, row {np.argwhere(~np.isfinite(moments))[0, 0]}: not finite")
    names, index = np.unique(np.asarray(clusters), return_inverse=True)
    n, columns, kinds = moments.shape
    totals = _cluster_sums(moments.reshape(n, -1), index, len(names)).reshape(len(names), columns, kinds)

    def block(take: slice, w: Array) -> tuple[Array, Array]:
        part = totals[:, take]
        flat = part.reshape(len(names), -1)
        summed = (w @ flat).reshape(len(w), -1, kinds)
        value, gradient = function(summed)
        if cheap:
            products = (part[..., :, None] * part[..., None, :]).reshape(len(names), -1)
            products = (w @ products).reshape(len(w), -1, kinds, kinds)
            variance = np.einsum("rmi,rmij,rmj->rm", gradient, products, gradient)
        else:  # many moments, e.g. a confusion matrix: each cluster's contribution, one column after the other
            shares = (gradient[:, m] @ part[:, m].T for m in range(part.shape[1]))
            variance = np.stack([np.einsum("rg,rg,rg->r", w, share, share) for share in shares], axis=1)
        return value, np.sqrt(np.maximum(variance, 0.0) * len(names) / max(len(names) - 1, 1))

    cheap = kinds <= FEW_MOMENTS
    cost = kinds * kinds if cheap else max(kinds, len(names))
    present = (totals != 0).any(axis=2).sum(axis=0)
    given = _Columns(block, present, len(names), n, cost)
    return _in_blocks(given, resamples=resamples, seed=seed, level=level, method=method)


def as_columns(values: ArrayLike) -> Array:
    """Return one column (n,) or several (n, M) as (n, M)."""
    array = np.asarray(values, dtype=np.float64)
    return array[:, None] if array.ndim == 1 else array


def weighted_columns(values: ArrayLike, weights: ArrayLike | None) -> tuple[Array, Array]:
    """Return values and weights, both (n, M).

    Args:
        values: (n,) or (n, M), finite where the weight is positive.
        weights: (n,) or (n, M), >= 0; None: 1 everywhere.

    Raises:
        ValueError: a value that is not finite, a negative weight, or a column without a positive one.
    """
    values = as_columns(values)
    weights = np.ones_like(values) if weights is None else np.broadcast_to(as_columns(weights), values.shape)
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise ValueError(f"weights, row {np.argwhere(~(weights >= 0))[0, 0]}: must be finite and >= 0")
    bad = ~np.isfinite(values) & (weights > 0)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise ValueError(f"values, row {row}, column {column}: {values[row, column]} is not finite; give it weight 0")
    empty = ~(weights > 0).any(axis=0)
    if empty.any():
        raise ValueError(f"column {int(np.argmax(empty))}: no row has a positive weight")
    return values, weights


def _cluster_sums(rows: Array, index: NDArray[np.intp], clusters: int) -> Array:
    order = np.argsort(index, kind="stable")
    starts = np.searchsorted(index[order], np.arange(clusters))
    return np.add.reduceat(rows[order], starts, axis=0)


class _Columns(NamedTuple):
    """The M columns of a bootstrap.

    Attributes:
        block: Some of the columns, and cluster weights (R, G) -> estimates and standard errors, (R, m) each.
        present: (M,) clusters that contribute to each column.
        clusters: Their number G.
        n: Result of :func:`rows_counted`.
        cost: Numbers in memory per resample and column.
    """

    block: Callable[[slice, Array], tuple[Array, Array]]
    present: NDArray[np.integer]
    clusters: int
    n: int
    cost: int


def _in_blocks(given: _Columns, *, resamples: int, seed: int, level: float, method: str) -> Intervals:
    """Resample column blocks that fit in memory and join the intervals.

    For a column to which fewer than five clusters contribute only the estimate is given. Under the
    null hypothesis bootstrap-t gives p < .001 in 18 % of the samples of three clusters.
    """
    block, present, clusters, n, cost = given
    columns = len(present)
    if method not in METHODS:
        raise ValueError(f"method must be one of {METHODS}, not {method!r}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1), not {level}")
    results = np.full((5, columns), np.nan)
    if clusters < LEAST_CLUSTERS:
        results[0] = block(slice(0, columns), np.ones((1, clusters)))[0][0]
        estimate, low, high, se, p = results
        return Intervals(estimate, low, high, se, p, n=n, n_clusters=clusters)
    weights = cluster_weights(clusters, resamples, seed)
    usable = np.ascontiguousarray(weights[(weights > 0).sum(axis=1) > 1])
    step = max(1, _CHUNK // (resamples * cost))
    for start in range(0, columns, step):
        take = slice(start, min(start + step, columns))
        centre, spread = (part[0] for part in block(take, np.ones((1, clusters))))
        means, errors = block(take, usable)
        results[0, take] = centre
        if method == "bca":
            left_out = block(take, 1 - np.eye(clusters))[0]
            results[1:, take] = bca_limits(centre, means, left_out, level)
        else:
            results[1:, take] = resampled_limits(centre, spread, means, errors, clusters, level, method)
    results[1:, present < LEAST_CLUSTERS] = np.nan
    least = {"t": float("nan"), "bootstrap_t": 2 / (1 + len(usable))}.get(method, 1 / (1 + len(usable)))
    estimate, low, high, se, p = results
    return Intervals(estimate, low, high, se, p, n=n, n_clusters=clusters, p_least=least)


def resampled_limits(
    centre: Array, spread: Array, means: Array, errors: Array, clusters: int, level: float, method: str
) -> Array:
    """Return low, high, se and p, (4, m), of every method but ``bca``.

    Args:
        centre: (m,) estimates.
        spread: (m,) their linearised standard errors.
        means: (R, m) resampled values.
        errors: (R, m) their linearised standard errors.
        clusters: Clusters resampled; method ``t`` has one degree of freedom less.
        level: Coverage.
        method: As in :func:`mean_interval`.
    """
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    tiny = 1e-12 * np.maximum(np.abs(centre), 1e-3)
    with np.errstate(divide="ignore", invalid="ignore"):
        # a stratum may be missing from a resample: 0 / 0 carries no information about the mean
        means = np.where(np.isfinite(means), means, centre)
        se = means.std(axis=0, ddof=1)
        t = centre / np.where(spread > tiny, spread, np.nan)
        if method == "t":
            q = stdtrit(clusters - 1, tails[1])
            p = 2 * stdtr(clusters - 1, -np.abs(t))
            low, high = centre - q * spread, centre + q * spread
        elif method == "percentile":
            low, high = np.quantile(means, tails, axis=0)
            below, above = (means <= 0).mean(axis=0), (means >= 0).mean(axis=0)
            p = np.minimum(1.0, 2 * np.minimum(below, above) + 1 / (len(means) + 1))
        else:
            studentised = np.where(errors > tiny, (means - centre) / np.where(errors > tiny, errors, 1.0), 0.0)
            first, last = np.quantile(studentised, tails, axis=0)
            low, high = centre - last * spread, centre - first * spread
            right, left = (studentised >= t).sum(axis=0), (studentised <= t).sum(axis=0)
            p = np.minimum(1.0, 2 * (1 + np.minimum(right, left)) / (1 + len(means)))
    constant = ~(spread > tiny)
    p = np.where(constant, np.where(np.abs(centre) > tiny, 1 / (1 + len(means)), 1.0), p)
    return np.stack([np.where(constant, centre, low), np.where(constant, centre, high), se, p])


def bca_limits(centre: Array, means: Array, left_out: Array, level: float) -> Array:
    """Rows low, high, se, p of the bias-corrected and accelerated interval.

    The ends are the quantiles ndtr(z0 + (z0 + z) / (1 - a (z0 + z))) of the resampled values, z = ndtri of the tails,
    z0 = ndtri(share of resampled values below the estimate, ties counting half) and acceleration a = sum u^3 /
    (6 (sum u^2)^1.5), u the deviations of the values without one cluster; p is dual to the interval (Efron 1987,
    10.1080/01621459.1987.10478410). It needs many clusters.

    Args:
        centre: (m,) estimates.
        means: (R, m) resampled values.
        left_out: (G, m) values without each cluster.
        level: Coverage.
    """
    # a stratum may be missing from a resample, or be a single cluster: 0 / 0 carries no information about the value
    means, left_out = (np.where(np.isfinite(a), a, centre) for a in (means, left_out))
    edge, se, u = 1 / (1 + len(means)), means.std(axis=0, ddof=1), left_out.mean(axis=0) - left_out
    varies = se > 1e-12 * np.maximum(np.abs(centre), 1e-3)
    a = (u**3).sum(axis=0) / np.where(varies, 6 * (u**2).sum(axis=0) ** 1.5, 1.0)
    z0 = ndtri(np.clip(_share_below(means, centre), edge, 1 - edge))
    ends = []
    for tail in ((1 - level) / 2, (1 + level) / 2):
        z = z0 + ndtri(tail)
        places = ndtr(z0 + z / (1 - a * z))
        ends.append(np.array([np.quantile(column, q) for column, q in zip(means.T, places, strict=True)]))
    at_zero = ndtri(np.clip(_share_below(means, np.zeros_like(centre)), edge, 1 - edge)) - z0
    tail = ndtr(at_zero / (1 + a * at_zero) - z0)
    p = np.clip(2 * np.minimum(tail, 1 - tail), edge, 1.0)
    fixed = np.where(np.abs(centre) <= 1e-12, 1.0, edge)
    return np.stack([*(np.where(varies, end, centre) for end in ends), se, np.where(varies, p, fixed)])


def _share_below(means: Array, value: Array) -> Array:
    return ((means < value).sum(axis=0) + (means <= value).sum(axis=0)) / (2 * len(means))
