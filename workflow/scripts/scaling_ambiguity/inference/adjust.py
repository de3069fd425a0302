"""Adjustment of p-values for the number of comparisons in a stated family."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from statsmodels.stats.multitest import multipletests


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Holm's step-down adjustment (Holm 1979, Scandinavian Journal of Statistics 6): p (n,) -> (n,), in [0, 1].

    Sorted upwards, p_(i) becomes the running maximum of (n - i + 1) p_(i), capped at 1. NaN stays
    NaN and counts for nothing. Raises ValueError for a p outside [0, 1].
    """
    p = np.asarray(p, dtype=np.float64)
    if ((p < 0) | (p > 1)).any():
        raise ValueError(f"p-values must lie in [0, 1], not {p[(p < 0) | (p > 1)][0]}")
    adjusted = np.full(p.shape, np.nan)
    known = ~np.isnan(p)
    if known.any():
        adjusted[known] = multipletests(p[known], method="holm")[1]
    return adjusted
