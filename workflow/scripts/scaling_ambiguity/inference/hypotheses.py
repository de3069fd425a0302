"""The three hypotheses about synthetic votes, each with a verdict: confirmed, negligible, refuted or undecided.

With d = NLL(combined) - NLL(human), on held-out human votes: H1, combined labels help where ambiguity is low,
d < 0 there, and they beat every control label there. H2, they help less where it is high: d_high - d_low > 0.
H3, synthetic votes do not replace human ones: NLL(synthetic) - NLL(human) > Delta, Delta the value of one
more human vote. arXiv 2601.14620 claims all three, without tests.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scaling_ambiguity.inference.bootstrap import Intervals, mean_interval
from scaling_ambiguity.inference.contrasts import contrast_interval
from scaling_ambiguity.inference.power import minimum_detectable_effect

Array: TypeAlias = NDArray[np.float64]
Arm = dict[str, tuple[Array, Array]]  # stratum -> (value, weight) of each utterance
CONFIRMED, NEGLIGIBLE, REFUTED, UNDECIDED = "confirmed", "negligible", "refuted", "undecided"


@dataclass(frozen=True)
class Comparison:
    """One estimate of a hypothesis: its sign if the hypothesis holds, and its interval at a given level.

    Attributes:
        name: ``h1_gain``, ``h1_over_<control>``, ``h2_difference`` or ``h3_excess``.
        side: -1 if the hypothesis says below ``bound``, 1 if above.
        bound: 0, or Delta.
        interval: level -> interval of the estimate minus the bound.
        margin: Differences smaller than this are negligible, nats per vote; NaN without a margin, as for Delta itself.
    """

    name: str
    side: int
    bound: float
    interval: Callable[[float], Intervals]
    margin: float = float("nan")


@dataclass(frozen=True)
class Finding:
    """The result of a comparison. ``estimate``, ``low`` and ``high`` are in nats per vote, the bound included.

    ``level`` is that of the interval, see :func:`findings`; ``p_adjusted`` the smallest family-wise error at which the
    direction is claimed; ``p_least`` the smallest p possible with the resamples; ``mde`` the minimum detectable effect.
    """

    name: str
    verdict: str
    estimate: float
    low: float
    high: float
    p: float
    level: float
    mde: float
    n: int
    n_clusters: int
    p_adjusted: float = float("nan")
    p_least: float = float("nan")


def comparisons(
    arms: dict[str, Arm], combined: str, controls: list[str], clusters: NDArray, delta: float, settings: dict,
    each: ArrayLike | None = None,
) -> list[Comparison]:  # fmt: skip
    """Return the estimates behind H1 to H3 of one kind of combined labels, as far as the arms are available.

    Args:
        arms: NLL by labels: ``human``, ``synthetic``, ``combined`` and the controls.
        combined: Name of the combined labels.
        controls: Names of the control labels.
        clusters: (U,) speakers.
        delta: Value of one more human vote, nats per vote, the negligibility margin; NaN where it is not
            known, which leaves H3 out.
        settings: resamples, seed and method of the intervals.
        each: (U,) the same value estimated from speakers other than that of the utterance, for H3; default ``delta``.
    """

    def paired(ours: str, theirs: str, stratum: str, bound: ArrayLike = 0.0) -> Callable[[float], Intervals]:
        value, weight = arms[ours][stratum]
        difference = value - arms[theirs][stratum][0] - bound
        return lambda level: mean_interval(difference, clusters, weights=weight, level=level, **settings)

    family = []
    if "low" in arms[combined]:
        family.append(Comparison("h1_gain", -1, 0.0, paired(combined, "human", "low"), delta))
        for control in controls:
            family.append(Comparison(f"h1_over_{control}", -1, 0.0, paired(combined, control, "low"), delta))
    if {"low", "high"} <= set(arms[combined]):
        (high, n), (low, m) = (arms[combined][stratum] for stratum in ("high", "low"))
        gains = (high - arms["human"]["high"][0], n), (low - arms["human"]["low"][0], m)

        def between(level: float) -> Intervals:
            return contrast_interval(*gains, clusters, level=level, **settings)

        family.append(Comparison("h2_difference", 1, 0.0, between, delta))
    if np.isfinite(delta):
        weight = arms["synthetic"]["all"][1]
        bound = np.full(len(weight), delta) if each is None else np.asarray(each, dtype=np.float64)
        mean = float(np.average(bound, weights=weight))
        family.append(Comparison("h3_excess", 1, mean, paired("synthetic", "human", "all", bound)))
    return family


def verdict(low: float, high: float, side: int, margin: float = float("nan")) -> str:
    """Return the verdict of an interval on the hypothesis that the effect is beyond 0 in the direction ``side``.

    With the effect signed so that the hypothesis is "above 0", the first line that applies:

    ============  ==============================================  ==========================================
    verdict       interval [low, high], margin Delta              in words
    ============  ==============================================  ==========================================
    undecided     an end is not known                             too few speakers
    negligible    -Delta < low and high < Delta                   smaller than Delta, on whichever side
    confirmed     0 < low                                         on the stated side, and may reach Delta
    refuted       high < 0                                        on the other side, and may reach Delta
    undecided     otherwise                                       0 is inside, and so is Delta or -Delta
    ============  ==============================================  ==========================================

    An interval that moves towards the stated side passes through refuted, undecided, negligible, undecided, confirmed
    in this order, skipping negligible if it is wider than 2 Delta and undecided if it is narrower than
    Delta; refuted never follows confirmed. Without a margin nothing is negligible.

    Args:
        low: Lower end of the interval of the effect minus its bound.
        high: Upper end.
        side: 1 if the hypothesis says above, -1 if below.
        margin: Delta > 0, or NaN.
    """
    low, high = (low, high) if side > 0 else (-high, -low)
    if not np.isfinite([low, high]).all():
        return UNDECIDED
    if -margin < low and high < margin:
        return NEGLIGIBLE
    return CONFIRMED if low > 0 else REFUTED if high < 0 else UNDECIDED


def findings(family: list[Comparison], level: float) -> list[Finding]:
    """Return the verdict of every comparison of a family, all of them correct with probability ``level`` or more.

    A comparison can claim at most: it is above, below, or nearer than Delta. Each claim needs one end of the interval,
    and at most two of the three can be false at once (above and below, if the effect is 0); once a direction is
    claimed correctly, only the other end can still be wrong. With K comparisons, c of which claim a direction, every
    end therefore has the error alpha / (2 K - c): all intervals are of level 1 - 2 alpha / (2 K - c), starting from
    c = 0 until no further direction is claimed. This is a sequentially rejective procedure (Goeman & Solari 2010,
    10.1214/10-AOS829) under any dependence: critical values only grow with the rejections, and once all false
    hypotheses are rejected, the remainder adds up to alpha. Confirmed, refuted and negligible are claims of one family.

    ``p_adjusted`` is the running maximum of (K - (j - 1) / 2) p_(j) over the sorted two-sided p-values.
    """
    first = [comparison.interval(level) for comparison in family]
    p = np.array([float(interval.p[0]) for interval in first])
    testable = np.flatnonzero(np.isfinite(p))
    order, adjusted = testable[np.argsort(p[testable], kind="stable")], np.full(len(p), np.nan)
    steps = (len(testable) - np.arange(len(testable)) / 2) * p[order]
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0) if len(testable) else steps
    ends, claimed = max(2 * len(testable), 1), 0
    while True:
        own_level = 1 - 2 * (1 - level) / (ends - claimed)
        intervals = [comparison.interval(own_level) for comparison in family]
        further = sum(bool(interval.low[0] > 0 or interval.high[0] < 0) for interval in intervals)
        if further <= claimed:
            break
        claimed = further
    return [
        replace(_finding(comparison, interval, own_level), p_adjusted=float(value))
        for comparison, interval, value in zip(family, intervals, adjusted, strict=True)
    ]


def _finding(comparison: Comparison, interval: Intervals, level: float) -> Finding:
    low, high, bound = float(interval.low[0]), float(interval.high[0]), comparison.bound
    se = float(interval.se[0])
    return Finding(
        name=comparison.name,
        verdict=verdict(low, high, comparison.side, comparison.margin),
        estimate=float(interval.estimate[0]) + bound,
        low=low + bound,
        high=high + bound,
        p=float(interval.p[0]),
        level=level,
        mde=minimum_detectable_effect(se, interval.n_clusters, level) if np.isfinite(se) else float("nan"),
        n=interval.n,
        n_clusters=interval.n_clusters,
        p_least=interval.p_least,
    )


def joint_verdict(parts: list[Finding]) -> str:
    """Return the verdict of a hypothesis that needs all its parts.

    Refuted if one part is, confirmed if all are; negligible if one part is and none is refuted, as the hypothesis
    needs more than that; undecided otherwise.
    """
    verdicts = {part.verdict for part in parts}
    if not parts:
        return "not identifiable"
    for decisive in (REFUTED, NEGLIGIBLE):
        if decisive in verdicts:
            return decisive
    return CONFIRMED if verdicts == {CONFIRMED} else UNDECIDED
