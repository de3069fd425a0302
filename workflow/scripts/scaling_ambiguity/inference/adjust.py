"""Adjustment of p-values for the number of comparisons in a stated family."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

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


def adjust_rows(
    rows: Sequence[dict[str, Any]], method: str, family: Callable[[dict[str, Any]], Hashable] = lambda row: ""
) -> list[dict[str, Any]]:
    """Return the rows, those of a family that have a p with ``p_adjusted``.

    Args:
        rows: Of a table of statistics.
        method: See :func:`adjust`.
        family: A row to the name of its family; None: it belongs to none. By default all rows are one family.

    Raises:
        ValueError: A p outside [0, 1], or an unknown method.
    """
    families: dict[Hashable, list[int]] = {}
    for place, row in enumerate(rows):
        if not np.isnan(row.get("p", np.nan)) and (name := family(row)) is not None:
            families.setdefault(name, []).append(place)
    adjusted = list(rows)
    for places in families.values():
        for place, p in zip(places, adjust([rows[i]["p"] for i in places], method), strict=True):
            adjusted[place] = rows[place] | {"p_adjusted": p}
    return adjusted
