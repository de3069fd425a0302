"""Adjustment of p-values for the number of comparisons in a stated family."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

# names of the configuration: names of statsmodels
METHODS = {"holm": "holm", "benjamini_hochberg": "fdr_bh", "benjamini_yekutieli": "fdr_by"}


def adjust(p: ArrayLike, method: str = "holm") -> NDArray[np.float64]:
    """Adjust the p-values of one family, (n,) -> (n,), in [0, 1]; NaN stays NaN and is not counted.

    ``holm`` (Holm 1979, Scandinavian Journal of Statistics 6): sorted upwards, p_(i) becomes the running maximum of
    (n - i + 1) p_(i), capped at 1; the probability of one or more false rejections in the family stays below the
    level. ``benjamini_hochberg`` (1995, 10.1111/j.2517-6161.1995.tb02031.x): the running minimum from the right of n
    p_(i) / i; the expected share of false rejections stays below the level for independent or positively dependent
    tests. ``benjamini_yekutieli`` (2001, 10.1214/aos/1013699998): the same times sum_i 1/i, for any dependence
    between tests.

    Raises:
        ValueError: a p outside [0, 1], or an unknown method.
    """
    from statsmodels.stats.multitest import multipletests  # a one-second import that most programs do not need

    if method not in METHODS:
        raise ValueError(f"method must be one of {tuple(METHODS)}, not {method!r}")
    p = np.asarray(p, dtype=np.float64)
    if ((p < 0) | (p > 1)).any():
        raise ValueError(f"p-values must lie in [0, 1], not {p[(p < 0) | (p > 1)][0]}")
    adjusted = np.full(p.shape, np.nan)
    is_number = ~np.isnan(p)
    if is_number.any():
        adjusted[is_number] = multipletests(p[is_number], method=METHODS[method])[1]
    return adjusted


def by_family(p: ArrayLike, families: ArrayLike, method: str = "holm") -> NDArray[np.float64]:
    """Adjust within each family; p (n,), families (n,) names -> (n,), in [0, 1].

    Raises:
        ValueError: unknown method, lengths that differ, or a p outside [0, 1].
    """
    p, families = np.asarray(p, dtype=np.float64), np.asarray(families)
    if p.shape != families.shape or p.ndim != 1:
        raise ValueError(f"p {p.shape} and families {families.shape} must be two lists of the same length")
    adjusted = np.full(p.shape, np.nan)
    for family in np.unique(families):
        adjusted[families == family] = adjust(p[families == family], method)
    return adjusted
