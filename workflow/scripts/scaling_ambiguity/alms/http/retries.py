"""How long to wait before a request is sent again."""

import math
import random
import time
from email.utils import parsedate_to_datetime

FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0
RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})


def backoff(attempt: int, draw: float | None = None) -> float:
    """Return the wait after failed attempt ``attempt`` (from 0), in seconds.

    w = min(60, 2^attempt) (1 + u) / 2, u uniform in [0, 1): one half is fixed, so that ten retries outlast an outage
    of two and a half minutes, and one half is jitter, so that jobs which failed together do not return together.

    Args:
        attempt: Number of attempts before this one.
        draw: The value of u; by default a new random number (no result depends on it).
    """
    draw = random.random() if draw is None else draw
    return min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(attempt, 30)) * (1 + draw) / 2


def retry_after(value: str | None, now: float | None = None) -> float | None:
    """Return the seconds that a Retry-After header asks for: a number, or a date (RFC 9110, 10.2.3).

    Args:
        value: The header, or None.
        now: Seconds since the epoch; by default the present.

    Returns:
        Seconds, at least 0; None without a header, or with one that is neither.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - (time.time() if now is None else now)
        except (TypeError, ValueError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
