"""The difference between the means of two groups of utterances, which may share speakers."""

from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scaling_ambiguity.inference.bootstrap import Intervals, moment_interval
from scaling_ambiguity.tables.statistics import LEAST_CLUSTERS

Array: TypeAlias = NDArray[np.float64]


def difference_of_means(totals: Array) -> tuple[Array, Array]:
    """Value and gradient of T1 / T0 - T3 / T2, totals (..., 4); NaN where a group is missing."""
    n, x, m, y = np.moveaxis(totals, -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        gradient = np.stack([-x / n**2, 1 / n, y / m**2, -1 / m], axis=-1)
        return x / n - y / m, np.where(np.isfinite(gradient), gradient, 0.0)


def contrast_interval(
    first: tuple[ArrayLike, ArrayLike], second: tuple[ArrayLike, ArrayLike], clusters: NDArray, **settings: Any
) -> Intervals:
    """Return the interval of the weighted mean of ``first`` minus that of ``second``, whole clusters resampled.

    Where one side has fewer than five clusters, only the estimate is given and ``n_clusters`` is that side's: a mean
    of one cluster has no error that resampling could estimate.

    Args:
        first: Values and weights (U,) of the same utterances; a weight of 0 leaves one out.
        second: Likewise.
        clusters: (U,) speakers.
        settings: resamples, seed, level, method.
    """
    moments = []
    for values, weights in (first, second):
        weights = np.asarray(weights, dtype=np.float64)
        moments += [weights, np.where(weights > 0, weights * np.asarray(values, dtype=np.float64), 0.0)]
    intervals = moment_interval(np.stack(moments, axis=1), clusters, difference_of_means, **settings)
    fewest = min(len(np.unique(np.asarray(clusters)[np.asarray(weights) > 0])) for _, weights in (first, second))
    if fewest >= LEAST_CLUSTERS:
        return intervals
    unknown = np.full_like(intervals.estimate, np.nan)
    return replace(intervals, low=unknown, high=unknown, se=unknown, p=unknown, n_clusters=fewest)
