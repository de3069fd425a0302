"""Numbers as text: one rounding rule for tables, numbers in the prose and figure labels."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd


def number(value: float, digits: int = 3) -> str:
    """Return ``value`` with ``digits`` decimals and a LaTeX minus; an en dash stands for a missing one."""
    if value is None or not math.isfinite(value):
        return "--"
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", "$-$")


def count(value: float) -> str:
    """Return a whole number with thin spaces between thousands."""
    return f"{int(value):,}".replace(",", r"\,")


def percent(share: float, digits: int = 0) -> str:
    """Return a share in [0, 1] as a percentage; only nothing is printed as 0 % and only all of it as 100 %."""
    if not math.isfinite(share):
        return "--"
    text, step = number(100 * share, 0 if share in (0, 1) else digits), 10.0**-digits
    if 0 < share < 1 and 100 * share < step / 2:
        text = f"$<${step:.{digits}f}"
    elif 0 < share < 1 and 100 * (1 - share) < step / 2:
        text = f"$>${100 - step:.{digits}f}"
    return rf"{text}\,\%"


def bounds(low: float, high: float, digits: int = 3) -> str:
    """Return an interval in brackets; a bound that does not exist is written as an open end."""
    left = number(low, digits) if math.isfinite(low) else r"$-\infty$"
    right = number(high, digits) if math.isfinite(high) else r"$\infty$"
    if not math.isfinite(low) and not math.isfinite(high):
        return ""
    return f"[{left}, {right}]"


def interval_of(estimate: float, low: float, high: float, digits: int = 3) -> str:
    """Return the interval of an estimate, "" if it has none: one without bounds, or a constant of any sample."""
    constant = math.isclose(low, estimate, abs_tol=1e-12) and math.isclose(high, estimate, abs_tol=1e-12)
    return "" if constant else bounds(low, high, digits)


def p_text(row: Mapping[str, Any] | pd.Series, column: str = "p_adjusted") -> str:
    """Return the p of a row of statistics; at the limit of its test's resamples, it is written as an upper bound.

    A p counted from B resamples is never smaller than 2 / (B + 1), and adjustment for its family multiplies
    this bound.
    """
    p, raw, least = (math.nan if row.get(name) is None else float(row[name]) for name in (column, "p", "p_least"))
    if math.isfinite(p) and raw <= least * (1 + 1e-9):
        return rf"$\le$\,{p:.4f}" if p >= 5e-5 else r"$<$0.0001"
    return p_value(p)


def p_value(p: float) -> str:
    """Return ``p`` with three decimals, or that it is below .001."""
    if not math.isfinite(p):
        return "--"
    return "$<$0.001" if p < 0.001 else f"{p:.3f}"


def joined(words: list[str]) -> str:
    """Return ``words`` as an English list: ``a, b and c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
