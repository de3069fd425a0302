"""Intervals for raters like these: speakers and raters are both resampled, in a crossed design.

A mean over votes depends on the speakers that happened to be recorded and on the raters that
happened to listen. With only speakers resampled, intervals with six crossed raters cover 64 % instead of the nominal
95 %; the weight of a vote in a resample is therefore the product of how often its speaker and
its rater were drawn (Owen 2007, 10.1214/07-AOAS122; Owen & Eckles 2012, 10.1214/12-AOAS547).
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scaling_ambiguity.inference.bootstrap import Intervals, as_columns, mean_interval, resampled_limits
from scaling_ambiguity.seeds import generator
from scaling_ambiguity.tables.statistics import LEAST_CLUSTERS

Array: TypeAlias = NDArray[np.float64]
ALONE = "_speakers_alone"  # suffix of the method of a row whose interval resamples speakers only
MINIMUM_RATERS = 20
FEWEST_RESAMPLES = 999
METHODS = ("bootstrap_t", "percentile", "t")
_BLOCK = 4_000_000  # numbers held at once
_WORK = 4e10  # largest resamples x speakers x raters per column


def enough(raters: int | None) -> bool:
    """Whether these raters, None where they are not known, are enough to generalise to raters like them."""
    return raters is not None and raters >= MINIMUM_RATERS


def crossed_mean_interval(
    values: ArrayLike,
    speakers: ArrayLike,
    raters: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    resamples: int,
    seed: int,
    level: float = 0.95,
    method: str = "bootstrap_t",
) -> Intervals:
    """Weighted mean sum(a x) / sum(a) of each column, for speakers and raters like those in the data.

    With e_gh = sum over the votes of speaker g and rater h of a (x - mean), the squared standard error is
    the largest of V_g + V_h - V_gh, V_g and V_h over (sum a)^2, where V_g = G / (G - 1) sum_g (sum_h e_gh)^2,
    V_h alike with g and h exchanged, V_gh = sum_gh e_gh^2 (Cameron, Gelbach & Miller 2011,
    10.1198/jbes.2010.07136). Bootstrap-t studentises every resample by its own error. Each end is the wider one of
    this interval and the one with only speakers resampled.

    Args:
        values: (n,) or (n, M), one row per vote, or the mean of a rater's votes on an utterance.
        speakers: (n,) speakers.
        raters: (n,) raters.
        weights: (n,) >= 0, default 1; rows of weight 0 are left out.
        resamples: bootstrap resamples; fewer, but at least 999, where speakers x raters is very large.
        seed: seed of the resamples.
        level: coverage, in (0, 1).
        method: ``bootstrap_t`` (also for ``bca``), ``percentile`` or ``t`` (Student, min(G, H) - 1 degrees of freedom).

    Returns:
        Intervals with ``n_clusters`` the number of speakers and ``n`` the sum of the weights; with fewer than five
        speakers only the estimate is not NaN.

    Raises:
        ValueError: fewer than 20 raters or no speaker, an unknown method, a value that is not finite.
    """
    method = "bootstrap_t" if method == "bca" else method  # no acceleration is known for two-way resampling
    if method not in METHODS:
        raise ValueError(f"method must be one of {METHODS}, not {method!r}")
    values = as_columns(values)
    weights = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=np.float64)
    used = weights > 0
    if not np.isfinite(values[used]).all():
        raise ValueError(f"values, row {int(np.argmin(np.isfinite(values).all(axis=1) | ~used))}: not finite")
    speaker_names, g = np.unique(np.asarray(speakers)[used], return_inverse=True)
    rater_names, h = np.unique(np.asarray(raters)[used], return_inverse=True)
    shape = (len(speaker_names), len(rater_names))
    if shape[1] < MINIMUM_RATERS or not shape[0]:
        raise ValueError(f"{shape[0]} speakers and {shape[1]} raters; needs 1 and {MINIMUM_RATERS} or more")
    settings = {"weights": weights, "resamples": resamples, "seed": seed, "level": level, "method": method}
    alone = speakers_alone(values, speakers, raters, **settings)
    if shape[0] < LEAST_CLUSTERS:
        return alone
    cell, a = g * shape[1] + h, weights[used]
    size = np.bincount(cell, a, minlength=shape[0] * shape[1]).reshape(shape)
    draws = _affordable(resamples, shape)
    w, v = (
        _multiplicities(seed, what, count, draws) for what, count in zip(("speakers", "raters"), shape, strict=True)
    )
    usable = ((w > 0).sum(axis=1) > 1) & ((v > 0).sum(axis=1) > 1)
    w, v = w[usable], v[usable]
    results = np.empty((5, values.shape[1]))
    step = max(1, _BLOCK // (len(w) * sum(shape)))
    for start in range(0, values.shape[1], step):
        take = slice(start, start + step)
        x = values[used, take] * a[:, None]
        totals = np.stack([np.bincount(cell, x[:, m], minlength=size.size) for m in range(x.shape[1])], axis=-1)
        totals = totals.reshape(*shape, -1)
        centre, spread = (
            part[0] for part in _mean_and_error(totals, size, np.ones((1, shape[0])), np.ones((1, shape[1])))
        )
        means, errors = _mean_and_error(totals, size, w, v)
        results[0, take] = centre
        results[1:, take] = resampled_limits(centre, spread, means, errors, min(shape), level, method)
    # crossing can only add uncertainty; where the studentised ends say otherwise, those of speakers alone hold
    results[1] = np.minimum(results[1], alone.low)
    results[2] = np.maximum(results[2], alone.high)
    results[3:] = np.maximum(results[3:], [alone.se, alone.p])
    estimate, low, high, se, p = results
    return Intervals(estimate, low, high, se, p, n=alone.n, n_clusters=shape[0], p_least=alone.p_least)


def speakers_alone(
    values: ArrayLike, speakers: ArrayLike, raters: ArrayLike, *, weights: ArrayLike | None = None, resamples: int,
    **settings: Any,
) -> Intervals:  # fmt: skip
    """Return the interval with only speakers resampled, the minimum width of :func:`crossed_mean_interval`.

    Where the two have the same ends, the crossed interval carries no information about the raters. Arguments as there.
    """
    weights = np.ones(len(np.asarray(values))) if weights is None else np.asarray(weights, dtype=np.float64)
    used = weights > 0
    shape = tuple(len(np.unique(np.asarray(who)[used])) for who in (speakers, raters))
    settings["method"] = "bootstrap_t" if settings.get("method") == "bca" else settings.get("method", "bootstrap_t")
    resamples = _affordable(resamples, shape)
    return mean_interval(values, speakers, weights=weights, resamples=resamples, **settings)


def _affordable(resamples: int, shape: tuple[int, ...]) -> int:
    return min(resamples, max(FEWEST_RESAMPLES, int(_WORK // (shape[0] * shape[1]))))


def _multiplicities(seed: int, what: str, count: int, resamples: int) -> Array:
    """Return how often each of ``count`` is drawn in each resample, (R, count); rows sum to ``count``."""
    drawn = generator(seed, f"crossed bootstrap, {what}").integers(0, count, (resamples, count))
    drawn += np.arange(resamples)[:, None] * count
    return np.bincount(drawn.ravel(), minlength=resamples * count).reshape(resamples, count).astype(np.float64)


def _mean_and_error(totals: Array, size: Array, w: Array, v: Array) -> tuple[Array, Array]:
    """Means and standard errors, (R, M) each, of cell totals (G, H, M) under weights w (R, G) and v (R, H)."""
    speakers, raters = size.shape

    def by_rater(cells: Array) -> Array:  # (R, H, k)
        return (w @ cells.reshape(speakers, -1)).reshape(len(w), raters, -1)

    def by_speaker(cells: Array) -> Array:  # (R, G, k)
        return (v @ cells.transpose(1, 0, 2).reshape(raters, -1)).reshape(len(v), speakers, -1)

    n = size[..., None]
    of_raters, size_raters = by_rater(totals), by_rater(n)
    with np.errstate(divide="ignore", invalid="ignore"):
        whole = np.einsum("rh,rhk->rk", v, size_raters)
        mean = np.einsum("rh,rhk->rk", v, of_raters) / whole
        rest = of_raters - mean[:, None, :] * size_raters
        variance_h = raters / (raters - 1) * np.einsum("rh,rhk->rk", v, rest**2)
        rest = by_speaker(totals) - mean[:, None, :] * by_speaker(n)
        variance_g = speakers / (speakers - 1) * np.einsum("rg,rgk->rk", w, rest**2)
        squares, products, sizes = (
            np.einsum("rh,rhk->rk", v, by_rater(cells)) for cells in (totals**2, totals * n, n**2)
        )
        variance_gh = squares - 2 * mean * products + mean**2 * sizes
        variance = np.maximum(variance_g + variance_h - variance_gh, np.maximum(variance_g, variance_h))
        return mean, np.sqrt(np.maximum(variance, 0.0)) / whole
