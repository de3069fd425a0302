"""Equivalence: two one-sided tests against a margin."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scaling_ambiguity.inference.bootstrap import Intervals, mean_interval

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Equivalence:
    """Result of :func:`tost_mean`, one entry per column.

    Attributes:
        estimate: (M,) means.
        low: (M,) lower ends of the interval at level 1 - 2 alpha.
        high: (M,) upper ends.
        p: (M,) p-values of equivalence, the larger of the two one-sided ones.
        verdict: (M,) what :func:`equivalence_verdict` says of the interval.
    """

    estimate: Array
    low: Array
    high: Array
    p: Array
    verdict: tuple[str, ...]


def equivalence_verdict(low: float, high: float, margin: float) -> str:
    """Return the verdict of an interval of a difference for a margin > 0, both in the unit of the difference.

    ``equivalent``: the interval lies inside (-margin, margin); with an interval of level 1 - 2 alpha
    this is the two one-sided tests at alpha (Schuirmann 1987, 10.1007/BF01068419). ``below`` or ``above``:
    it lies entirely beyond a margin. ``undecided`` otherwise, also where an end is NaN.

    Raises:
        ValueError: a margin that is not positive.
    """
    if not margin > 0:
        raise ValueError(f"margin must be > 0, not {margin}")
    if -margin < low and high < margin:
        return "equivalent"
    if high <= -margin:
        return "below"
    return "above" if low >= margin else "undecided"


def tost_mean(
    values: ArrayLike,
    clusters: ArrayLike,
    margin: float,
    *,
    resamples: int,
    seed: int,
    alpha: float = 0.05,
    method: str = "bootstrap_t",
    weights: ArrayLike | None = None,
) -> Equivalence:
    """Two one-sided tests that a weighted mean lies within (-margin, margin), with clustered errors.

    One tests mean <= -margin, the other mean >= margin; both are one-sided p-values of
    ``bootstrap.mean_interval`` of the values shifted by the margin, and equivalence at alpha is the same
    as an interval of level 1 - 2 alpha inside the margins.

    Args:
        values: (n,) or (n, M) paired differences.
        clusters: (n,) cluster of each row.
        margin: > 0, in the unit of the values (nats for NLL).
        resamples: bootstrap resamples.
        seed: seed of the resamples.
        alpha: level of each one-sided test, in (0, .5).
        method: as in ``mean_interval``.
        weights: (n,) or (n, M), >= 0; default 1.

    Raises:
        ValueError: a margin that is not positive, or as in ``mean_interval``.
    """
    if not margin > 0:
        raise ValueError(f"margin must be > 0, not {margin}")
    settings: dict[str, Any] = {
        "resamples": resamples,
        "seed": seed,
        "level": 1 - 2 * alpha,
        "method": method,
        "weights": weights,
    }
    values = np.asarray(values, dtype=np.float64)
    around = mean_interval(values, clusters, **settings)
    p_lower = _one_sided(mean_interval(values + margin, clusters, **settings), above=True)
    p_upper = _one_sided(mean_interval(values - margin, clusters, **settings), above=False)
    verdict = tuple(equivalence_verdict(*ends, margin) for ends in zip(around.low, around.high, strict=True))
    return Equivalence(around.estimate, around.low, around.high, np.maximum(p_lower, p_upper), verdict)


def _one_sided(intervals: Intervals, above: bool) -> Array:
    """Turn two-sided, equal-tailed p-values against 0 into those of "the mean is above (below) 0"."""
    right = intervals.estimate > 0 if above else intervals.estimate < 0
    return np.where(right, intervals.p / 2, 1 - intervals.p / 2)
