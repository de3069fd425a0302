"""What a design can find out: power and the smallest effect that it would probably detect."""

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import nct, t

Array: TypeAlias = NDArray[np.float64]


def clustered_error(values: ArrayLike, clusters: ArrayLike, weights: ArrayLike | None = None) -> tuple[Array, int]:
    """Return the linearised standard error of a weighted mean, and the number of clusters G.

    se^2 = G / (G - 1) sum_g (sum_(i in g) w_i (x_i - mean))^2 / (sum w)^2; values (n,) or (n, M) -> (M,), in the
    unit of the values. NaN with one cluster. It is the error that ``bootstrap.mean_interval`` studentises by.
    """
    values = np.asarray(values, dtype=np.float64)
    values = values[:, None] if values.ndim == 1 else values
    weights = np.ones(1) if weights is None else np.asarray(weights, dtype=np.float64)
    weights = np.broadcast_to(weights[:, None] if weights.ndim == 1 else weights, values.shape)
    values = np.where(weights > 0, values, 0.0)
    mean = (weights * values).sum(axis=0) / weights.sum(axis=0)
    used = (weights > 0).any(axis=1)
    names, index = np.unique(np.asarray(clusters)[used], return_inverse=True)
    totals = np.zeros((len(names), values.shape[1]))
    np.add.at(totals, index, (weights * (values - mean))[used])
    count = len(names)
    if count < 2:
        return np.full(values.shape[1], np.nan), count
    return np.sqrt((totals**2).sum(axis=0) * count / (count - 1)) / weights.sum(axis=0), count


def power(effect: float, se: float, clusters: int, level: float = 0.95) -> float:
    """Chance, in [0, 1], that a two-sided test finds a true ``effect``.

    1 - F(q) + F(-q), F the noncentral t distribution with G - 1 degrees of freedom and noncentrality
    effect / se, q Student's quantile (1 + level) / 2.

    Raises:
        ValueError: fewer than two clusters, or a standard error that is not positive.
    """
    if clusters < 2 or not se > 0:
        raise ValueError(f"{clusters} clusters and a standard error of {se}; needs two and a positive one")
    q = t.ppf((1 + level) / 2, clusters - 1)
    return float(nct.sf(q, clusters - 1, effect / se) + nct.cdf(-q, clusters - 1, effect / se))


def minimum_detectable_effect(se: float, clusters: int, level: float = 0.95, wanted: float = 0.8) -> float:
    """Smallest true effect that is found with the ``wanted`` power: (t_(1 + level)/2 + t_wanted) se, G - 1 d.f.

    In the units of ``se``. Source: Bloom 1995, 10.1177/0193841X9501900504.

    Raises:
        ValueError: fewer than two clusters, or a standard error that is negative.
    """
    if clusters < 2 or not se >= 0:
        raise ValueError(f"{clusters} clusters and a standard error of {se}; needs two and none below 0")
    return float((t.ppf((1 + level) / 2, clusters - 1) + t.ppf(wanted, clusters - 1)) * se)
