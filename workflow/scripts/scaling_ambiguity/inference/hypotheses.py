"""The three hypotheses about synthetic votes, each with a verdict: confirmed, refuted or undecided.

With d = NLL(combined) - NLL(human), on held-out human votes: H1, combined labels help where ambiguity is low,
d < 0 there, and they beat every control label there. H2, they help less where it is high: d_high - d_low > 0.
H3, synthetic votes do not replace human ones: NLL(synthetic) - NLL(human) > Delta, Delta the value of one
more human vote. arXiv 2601.14620 claims all three, without tests.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling_ambiguity.inference.bootstrap import Intervals, mean_interval
from scaling_ambiguity.inference.contrasts import contrast_interval
from scaling_ambiguity.inference.power import minimum_detectable_effect

Array: TypeAlias = NDArray[np.float64]
Arm = dict[str, tuple[Array, Array]]  # stratum -> (value, weight) of each utterance
CONFIRMED, REFUTED, UNDECIDED = "confirmed", "refuted", "undecided"


@dataclass(frozen=True)
class Comparison:
    """One estimate of a hypothesis: its sign if the hypothesis holds, and its interval at a given level.

    Attributes:
        name: ``h1_gain``, ``h1_over_<control>``, ``h2_difference`` or ``h3_excess``.
        side: -1 if the hypothesis says below ``bound``, 1 if above.
        bound: 0, or Delta.
        interval: level -> interval of the estimate minus the bound.
    """

    name: str
    side: int
    bound: float
    interval: Callable[[float], Intervals]


@dataclass(frozen=True)
class Finding:
    """What a comparison came to. ``estimate``, ``low`` and ``high`` are in nats per vote, the bound included.

    ``level`` is that of the interval, by Holm's steps within the family; ``mde`` the minimum detectable effect.
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


def comparisons(
    arms: dict[str, Arm], combined: str, controls: list[str], clusters: NDArray, delta: float, settings: dict
) -> list[Comparison]:
    """Return the estimates behind H1 to H3 of one kind of combined labels, as far as the arms have them.

    Args:
        arms: NLL by labels: ``human``, ``synthetic``, ``combined`` and the controls.
        combined: Name of the combined labels.
        controls: Names of the control labels.
        clusters: (U,) speakers.
        delta: Value of one more human vote, nats per vote; NaN where it is not known, which leaves H3 out.
        settings: resamples, seed and method of the intervals.
    """

    def paired(ours: str, theirs: str, stratum: str, bound: float = 0.0) -> Callable[[float], Intervals]:
        value, weight = arms[ours][stratum]
        difference = value - arms[theirs][stratum][0] - bound
        return lambda level: mean_interval(difference, clusters, weights=weight, level=level, **settings)

    found = []
    if "low" in arms[combined]:
        found.append(Comparison("h1_gain", -1, 0.0, paired(combined, "human", "low")))
        for control in controls:
            found.append(Comparison(f"h1_over_{control}", -1, 0.0, paired(combined, control, "low")))
    if {"low", "high"} <= set(arms[combined]):
        (high, n), (low, m) = (arms[combined][stratum] for stratum in ("high", "low"))
        gains = (high - arms["human"]["high"][0], n), (low - arms["human"]["low"][0], m)
        found.append(
            Comparison(
                "h2_difference", 1, 0.0, lambda level: contrast_interval(*gains, clusters, level=level, **settings)
            )
        )
    if np.isfinite(delta):
        found.append(Comparison("h3_excess", 1, delta, paired("synthetic", "human", "all", delta)))
    return found


def findings(family: list[Comparison], delta: float, level: float) -> list[Finding]:
    """Return the verdict of every comparison; intervals are adjusted by Holm's steps within the family.

    Sorted by p, the j-th of K intervals has level 1 - alpha / (K - j + 1); from the first that contains its
    bound on, all keep that level. *Confirmed*: the interval lies wholly on the stated side of the bound.
    *Refuted*: wholly on the other, or, where the bound is 0, within +-Delta. *Undecided* otherwise.
    """
    first = [comparison.interval(level) for comparison in family]
    order = sorted(range(len(family)), key=lambda i: float(first[i].p[0]))
    results: dict[int, Finding] = {}
    left, stopped = len(family), False
    for i in order:
        own = 1 - (1 - level) / left
        interval = family[i].interval(own)
        results[i] = _finding(family[i], interval, own, delta)
        stopped = stopped or bool(interval.low[0] <= 0 <= interval.high[0])
        left -= 0 if stopped else 1
    return [results[i] for i in range(len(family))]


def _finding(comparison: Comparison, interval: Intervals, level: float, delta: float) -> Finding:
    low, high, bound = float(interval.low[0]), float(interval.high[0]), comparison.bound
    inside = (low > 0) if comparison.side > 0 else (high < 0)
    outside = (high < 0) if comparison.side > 0 else (low > 0)
    negligible = bound == 0 and -delta < low and high < delta
    verdict = CONFIRMED if inside else REFUTED if outside or negligible else UNDECIDED
    if not np.isfinite([low, high]).all():
        verdict = UNDECIDED
    enough = interval.n_clusters > 1 and np.isfinite(interval.se[0])
    return Finding(
        name=comparison.name,
        verdict=verdict,
        estimate=float(interval.estimate[0]) + bound,
        low=low + bound,
        high=high + bound,
        p=float(interval.p[0]),
        level=level,
        mde=minimum_detectable_effect(float(interval.se[0]), interval.n_clusters, level) if enough else float("nan"),
        n=interval.n,
        n_clusters=interval.n_clusters,
    )


def joint_verdict(parts: list[Finding]) -> str:
    """Return the verdict of a hypothesis that needs all its parts: refuted if one is, confirmed if all are."""
    verdicts = {part.verdict for part in parts}
    if not parts:
        return "not identifiable"
    return REFUTED if REFUTED in verdicts else CONFIRMED if verdicts == {CONFIRMED} else UNDECIDED
