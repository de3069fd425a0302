"""How often each test rejects: a hypothesis that is true (type I error), and one that is not (power).

Differences of two predictors' losses (``paired_corpora``) are shifted by their known mean, so that the null
hypothesis holds exactly; for power an effect is added, in standard errors: standard deviations of the estimate over
corpora. Every test is two-sided at 5 % but equivalence, which is two one-sided tests at 5 %.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling_ambiguity.inference.bootstrap import Intervals, mean_interval
from scaling_ambiguity.inference.crossed import crossed_mean_interval
from scaling_ambiguity.inference.designs import Design
from scaling_ambiguity.inference.equivalence import tost_mean
from scaling_ambiguity.inference.hypotheses import comparisons
from scaling_ambiguity.inference.monte_carlo import exact_limits, judge_rate
from scaling_ambiguity.inference.paired_corpora import WORLDS, paired_corpora
from scaling_ambiguity.inference.permutation import sign_flip_test
from scaling_ambiguity.inference.power import power
from scaling_ambiguity.inference.validity import BATCH
from scaling_ambiguity.seeds import derive_seed
from scaling_ambiguity.tables.statistics import LIKE_THESE, THESE

Array: TypeAlias = NDArray[np.float64]
NOMINAL = 0.05
MARGIN = 4.0  # standard errors: so wide that only one of the two one-sided tests matters
EFFECTS = tuple(np.arange(0, 5.5, 0.5))  # standard errors
POWER_FROM = 12  # speakers
POWER_IN = "ordinary"
COLUMNS = [
    "kind", "world", "test", "population", "speakers", "raters", "classes", "votes", "effect", "corpora", "resamples",
    "rate", "low", "high", "formula", "verdict",
]  # fmt: skip


def in_batches(test: Callable[[slice, dict], NDArray], corpora: int, resamples: int, seed: int) -> NDArray:
    """Run a test on 100 corpora at a time, each batch with its own resamples, and join along the last axis.

    With one set of resamples for all corpora their chance errors would be common to all tests, unseen by the limits.
    """
    parts = []
    for start in range(0, corpora, BATCH):
        settings = {"resamples": resamples, "seed": derive_seed(seed, "resamples", start)}
        parts.append(test(slice(start, min(start + BATCH, corpora)), settings))
    return np.concatenate(parts, axis=-1)


def ends(intervals: Intervals) -> Array:
    """Return low and high ends, (2, M)."""
    return np.stack([intervals.low, intervals.high])


def excludes(limits: Array, value: float = 0.0) -> NDArray[np.bool_]:
    """Whether the intervals (2, M) lie entirely on one side of a value, (M,)."""
    return (limits[0] > value) | (limits[1] < value)


def contrast_ends(values: Array, high: NDArray[np.bool_], homes: NDArray, settings: dict) -> Array:
    """Return the intervals of hypothesis 2, the mean of one group minus that of the other; values, high (U, M)."""
    limits = np.empty((2, values.shape[1]))
    for column, (value, group) in enumerate(zip(values.T, high.T, strict=True)):
        weights = {"low": ~group * 1.0, "high": group * 1.0}
        arms = {
            "combined": {name: (value, weight) for name, weight in weights.items()},
            "human": {name: (np.zeros_like(value), weight) for name, weight in weights.items()},
        }
        family = comparisons(arms, "combined", [], homes, float("nan"), settings)
        (test,) = (comparison for comparison in family if comparison.name == "h2_difference")
        limits[:, column] = ends(test.interval(1 - NOMINAL))[:, 0]
    return limits


def rejections(
    design: Design, world: str, corpora: int, resamples: int, seed: int
) -> list[tuple[str, float, float, Array]]:
    """Return test, effect, power by formula and rejections (corpora,) in one design and world.

    The formula is NaN where the null hypothesis holds and the rate is a type I error.
    """
    alone = paired_corpora(design, corpora, THESE, world, seed)
    values, homes = alone.utterances, alone.homes
    grouped = values - np.where(alone.high, alone.by_group[1], alone.by_group[0])
    values -= alone.truth
    error = float(values.mean(axis=0).std(ddof=1))

    def run(test: Callable[[slice, dict], NDArray]) -> NDArray:
        return in_batches(test, corpora, resamples, seed)

    def flipped(effect: float) -> NDArray[np.bool_]:
        shift = effect * error
        return run(lambda take, settings: sign_flip_test(values[:, take] + shift, homes, **settings).p <= NOMINAL)

    def equivalent(shift: float, margin: float) -> NDArray[np.bool_]:
        return run(
            lambda take, settings: (
                tost_mean(values[:, take] + shift, homes, margin, alpha=NOMINAL, **settings).p <= NOMINAL
            )
        )

    limits = run(lambda take, settings: ends(mean_interval(values[:, take], homes, **settings)))
    contrast = run(
        lambda take, settings: contrast_ends(
            grouped[:, take], alone.high[:, take], homes, settings | {"method": "bootstrap_t"}
        )
    )
    none = float("nan")
    results = [("mean", 0.0, none, excludes(limits)), ("sign_flip", 0.0, none, flipped(0.0))]
    results.append(("contrast", 0.0, none, excludes(contrast)))
    for name, side in (("equivalence_lower", -MARGIN), ("equivalence_upper", MARGIN)):
        results.append((name, side, none, equivalent(side * error, MARGIN * error)))
    if design.speakers >= POWER_FROM and world == POWER_IN:
        for effect in EFFECTS:
            formula = power(effect, 1.0, design.speakers, 1 - NOMINAL)
            results.append(("mean", effect, formula, excludes(limits, -effect * error)))
            results.append(("sign_flip", effect, formula, flipped(effect)))
    across = paired_corpora(design, corpora, LIKE_THESE, world, seed)
    crossed = run(
        lambda take, settings: ends(
            crossed_mean_interval(across.votes[:, take] - across.truth, across.speakers, across.raters, **settings)
        )
    )
    results.append(("crossed", 0.0, none, excludes(crossed)))
    return results


def rejection_rates(design: Design, corpora: int, resamples: int, seed: int) -> pd.DataFrame:
    """Return the share of ``corpora`` corpora in which each test rejects, with exact 99 % Monte-Carlo limits.

    ``verdict`` of a type I error: ``liberal`` or ``conservative`` where the limits exclude 5 %, else ``holds``;
    of equivalence, which may reject a hypothesis on its border less often, likewise.
    """
    rows = []
    for world in WORLDS:
        for test, effect, formula, rejected in rejections(design, world, corpora, resamples, seed):
            hits = int(np.sum(rejected))
            low, high = exact_limits(hits, corpora)
            first = np.isnan(formula)
            verdict = judge_rate(hits, corpora, NOMINAL) if first else "none"
            population = LIKE_THESE if test == "crossed" else THESE
            identity = ("type_one" if first else "power", world, test, population)
            size = (design.speakers, design.raters, design.classes, design.votes, effect, corpora, resamples)
            numbers = (hits / corpora, round(low, 5), round(high, 5), formula, verdict)
            rows.append(dict(zip(COLUMNS, (*identity, *size, *numbers), strict=True)))
    return pd.DataFrame(rows, columns=COLUMNS)
