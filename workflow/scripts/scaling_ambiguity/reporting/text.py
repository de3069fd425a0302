"""Numbers as text: one rounding rule for tables, numbers in the prose and figure labels."""

import math


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
    """Return a share in [0, 1] as a percentage."""
    return rf"{100 * share:.{digits}f}\,\%" if math.isfinite(share) else "--"


def bounds(low: float, high: float, digits: int = 3) -> str:
    """Return an interval in brackets; a bound that does not exist is written as an open end."""
    left = number(low, digits) if math.isfinite(low) else r"$-\infty$"
    right = number(high, digits) if math.isfinite(high) else r"$\infty$"
    if not math.isfinite(low) and not math.isfinite(high):
        return ""
    return f"[{left}, {right}]"


def p_value(p: float) -> str:
    """Return ``p`` with three decimals, or that it is below .001."""
    if not math.isfinite(p):
        return "--"
    return "$<$0.001" if p < 0.001 else f"{p:.3f}"


def joined(words: list[str]) -> str:
    """Return ``words`` as an English list: ``a, b and c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
