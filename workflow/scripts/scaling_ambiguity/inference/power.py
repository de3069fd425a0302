"""The sensitivity of a design: power and the smallest effect that it would probably detect."""

from scipy.stats import nct, t

POWER = 0.8  # with which a detectable effect is found


def power(effect: float, se: float, clusters: int, level: float = 0.95) -> float:
    """Probability, in [0, 1], that a two-sided test detects a true ``effect``.

    1 - F(q) + F(-q), F the noncentral t distribution with G - 1 degrees of freedom and noncentrality
    effect / se, q Student's quantile (1 + level) / 2.

    Raises:
        ValueError: fewer than two clusters, or a standard error that is not positive.
    """
    if clusters < 2 or not se > 0:
        raise ValueError(f"{clusters} clusters and a standard error of {se}; needs two and a positive one")
    q = t.ppf((1 + level) / 2, clusters - 1)
    return float(nct.sf(q, clusters - 1, effect / se) + nct.cdf(-q, clusters - 1, effect / se))


def minimum_detectable_effect(se: float, clusters: int, level: float = 0.95) -> float:
    """Smallest true effect that is found with a power of .8: (t_(1 + level)/2 + t_.8) se, G - 1 d.f.

    In the units of ``se``. Source: Bloom 1995, 10.1177/0193841X9501900504.

    Raises:
        ValueError: fewer than two clusters, or a standard error that is negative.
    """
    if clusters < 2 or not se >= 0:
        raise ValueError(f"{clusters} clusters and a standard error of {se}; needs two and none below 0")
    return float((t.ppf((1 + level) / 2, clusters - 1) + t.ppf(POWER, clusters - 1)) * se)
