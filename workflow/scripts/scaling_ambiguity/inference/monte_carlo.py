"""The Monte-Carlo error of a share counted in a simulation."""

from scipy.stats import beta

LEVEL = 0.99  # of all Monte-Carlo limits


def exact_limits(hits: int, n: int) -> tuple[float, float]:
    """Return the exact 99 % limits of a share, hits of n, in [0, 1] (Clopper & Pearson 1934, 10.1093/biomet/26.4.404).

    Raises:
        ValueError: not 0 <= hits <= n, or n = 0.
    """
    if not 0 <= hits <= n or n < 1:
        raise ValueError(f"{hits} of {n} is no share")
    tail = (1 - LEVEL) / 2
    low = 0.0 if hits == 0 else float(beta.ppf(tail, hits, n - hits + 1))
    high = 1.0 if hits == n else float(beta.ppf(1 - tail, hits + 1, n - hits))
    return low, high


def judge_rate(hits: int, n: int, nominal: float) -> str:
    """Return ``liberal`` or ``conservative`` if the nominal rate lies outside the limits, ``holds`` otherwise."""
    low, high = exact_limits(hits, n)
    return "liberal" if low > nominal else "conservative" if high < nominal else "holds"
