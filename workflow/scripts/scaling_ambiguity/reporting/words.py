"""Sentences derived from numbers: no direction is ever written by hand in the paper."""

import math

from scaling_ambiguity.metrics.catalogue import LOWER, METRICS
from scaling_ambiguity.reporting.text import count, number
from scaling_ambiguity.tables.statistics import LEAST_CLUSTERS

INTERVAL = r"{level}\,\% interval"
FEW_SPEAKERS = f"from fewer than {LEAST_CLUSTERS} speakers"


def difference(estimate: float, p: float, level: float, metric: str = "nll") -> str:
    """Return the wording of a difference: ``better than``, ``worse than`` or ``not distinguishable from``.

    Args:
        estimate: The difference.
        p: Its p-value, adjusted for the family it belongs to.
        level: Coverage of the intervals; a difference counts if ``p < 1 - level``.
        metric: What differs; its direction decides what is better.
    """
    if not (math.isfinite(estimate) and math.isfinite(p)):
        return "not comparable with"
    if p >= 1 - level or estimate == 0:
        return "not distinguishable from"
    return "better than" if (estimate < 0) == (METRICS[metric].better == LOWER) else "worse than"


def trend(low: float, high: float) -> str:
    """Return the verb for a change whose interval is [low, high]: a direction only if it excludes 0."""
    if not (math.isfinite(low) and math.isfinite(high)) or low <= 0 <= high:
        return "shows no clear trend"
    return "rises" if low > 0 else "falls"


def votes(value: float) -> str:
    """Return a number of human votes with its noun."""
    text = number(value, 2)
    return f"{text} human vote" if text == "1.00" else f"{text} human votes"


def several(least: int, most: int, noun: str) -> str:
    """Return a number, or a range of numbers, with its noun: ``no set``, ``1 set``, ``3 sets``, ``3 to 5 sets``."""
    if most == 0:
        return f"no {noun}"
    number_ = count(most) if least == most else f"{count(least)} to {count(most)}"
    return f"{number_} {noun}" if least == most == 1 else f"{number_} {noun}s"


def equivalent(estimate: float, low: float, high: float, largest: float, level: float, why: str = FEW_SPEAKERS) -> str:
    """Return the wording of an exchange rate, with open ends where the corpus cannot show more.

    Args:
        estimate: Equivalent human votes; not finite or at least ``largest`` if beyond the last vote count.
        low: Lower bound, 0 if there is none, NaN (with ``high``) if no interval is given.
        high: Upper bound, not finite if there is none.
        largest: The largest number of human votes compared with.
        level: Coverage of the interval, e.g. .95.
        why: Why there is no interval, where both ends are NaN.
    """
    beyond = not math.isfinite(estimate) or estimate >= largest
    name = INTERVAL.format(level=f"{100 * level:g}")
    start, end = math.isfinite(low) and low > 0, math.isfinite(high)
    if start and end:
        interval = f"{name} {number(low, 2)} to {number(high, 2)}"
    elif end:
        interval = f"{name} up to {number(high, 2)}"
    elif start:
        interval = f"{name} from {number(low, 2)}, without an upper bound"
    elif math.isnan(low) and math.isnan(high):
        interval = f"no interval, {why}"
    else:
        interval = f"{name} not bounded by these data"
    main = f"more than {several(round(largest), round(largest), 'human vote')}" if beyond else votes(estimate)
    if not beyond and estimate <= 0:
        main = "no human vote"
    return f"{main} ({interval})"
