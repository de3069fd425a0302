"""Adjustment of p-values for the number of comparisons in a stated family."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

METHODS = {"holm": "holm", "benjamini_hochberg": "fdr_bh"}  # names of the configuration: names of statsmodels


def adjust(p: ArrayLike, method: str = "holm") -> NDArray[np.float64]:
    """Adjust the p-values of one family, (n,) -> (n,), in [0, 1]; NaN stays NaN and counts for nothing.

    ``holm`` bounds the chance of any false discovery (Holm 1979, Scandinavian Journal of Statistics 6),
    ``benjamini_hochberg`` the expected share of false ones (10.1111/j.2517-6161.1995.tb02031.x).

    Raises:
        ValueError: a p outside [0, 1], or an unknown method.
    """
    from statsmodels.stats.multitest import multipletests  # a second of imports that most programs do not need

    if method not in METHODS:
        raise ValueError(f"method must be one of {tuple(METHODS)}, not {method!r}")
    p = np.asarray(p, dtype=np.float64)
    if ((p < 0) | (p > 1)).any():
        raise ValueError(f"p-values must lie in [0, 1], not {p[(p < 0) | (p > 1)][0]}")
    adjusted = np.full(p.shape, np.nan)
    known = ~np.isnan(p)
    if known.any():
        adjusted[known] = multipletests(p[known], method=METHODS[method])[1]
    return adjusted
