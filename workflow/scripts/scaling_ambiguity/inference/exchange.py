"""The exchange rate: how many human votes predict as well as m synthetic ones.

A predictor from k human and m synthetic votes is p = (h + w s + a) / (k + w m + sum a). Its NLL per
held-out vote is compared with that of human votes alone on one fixed set of utterances, and the
equivalent number of human votes is estimated, with an interval by test inversion.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from scaling_ambiguity.inference.bootstrap import Intervals
from scaling_ambiguity.labels.dirichlet import fit_dirichlet_multinomial
from scaling_ambiguity.labels.others import Others
from scaling_ambiguity.labels.weighting import fit_weight, tabulate
from scaling_ambiguity.tables.statistics import LEAST_CLUSTERS

Array: TypeAlias = NDArray[np.float64]
STEP = 0.05
COARSE = 5  # steps of the fine grid between two points that are always evaluated; divides a vote


@dataclass(frozen=True)
class Weights:
    """Fitted weights of a synthetic vote: per utterance from other speakers, and over all speakers.

    ``low`` and ``high`` are a delete-a-block jackknife interval of ``overall``, cut at 0.
    """

    each: Array
    overall: float
    low: float
    high: float


def fit_weights(human: Array, synthetic: Array, reference: Array, others: Others, level: float = 0.95) -> Weights:
    """Fit w for each block of speakers on the other blocks, and once on all of them.

    Args:
        human: (deals, U, C) conditioning votes, the same number k in every row.
        synthetic: (deals, U, C) synthetic votes.
        reference: (deals, U, C) votes to predict.
        others: Blocks of speakers, and the votes for fitting the prior a, again without the block.
        level: coverage of the jackknife interval.
    """
    blocks, counts, count_blocks = others.blocks, others.counts, others.count_blocks
    targets = reference / reference.sum(axis=-1, keepdims=True)
    evidence = tabulate(human, human.sum(axis=-1), synthetic, targets, blocks)
    count = int(count_blocks.max()) + 1
    without = np.array([
        fit_weight(evidence, fit_dirichlet_multinomial(counts[count_blocks != block]), without=block)
        if block < len(evidence.seen) else np.nan
        for block in range(count)
    ])  # fmt: skip
    overall = fit_weight(evidence, fit_dirichlet_multinomial(counts))
    present = without[np.unique(blocks)]
    g = len(present)
    if g < LEAST_CLUSTERS:
        return Weights(without[blocks], overall, float("nan"), float("nan"))
    error = np.sqrt((g - 1) / g * ((present - present.mean()) ** 2).sum())
    reach = stdtrit(g - 1, (1 + level) / 2) * error
    return Weights(without[blocks], overall, max(overall - reach, 0.0), overall + reach)


def decreasing(curve: ArrayLike, weights: ArrayLike | None = None) -> Array:
    """Make the mean of a curve of losses (U, K + 1) non-increasing in k by pooling adjacent violators.

    Pooled columns are replaced by their average, utterance by utterance, so that every mean of
    the result is the isotonic fit (equal weights) and remains a mean over utterances. ``weights``
    (U,) are those of the mean, default 1.
    """
    curve = np.asarray(curve, dtype=np.float64)
    groups: list[list[int]] = []
    means: list[float] = []
    for k in range(curve.shape[1]):
        groups.append([k])
        means.append(float(np.average(curve[:, k], weights=weights)))
        while len(means) > 1 and means[-2] < means[-1]:
            groups[-2:] = [groups[-2] + groups[-1]]
            means[-2:] = [float(np.average(curve[:, groups[-1]].mean(axis=1), weights=weights))]
    pooled = np.empty_like(curve)
    for group in groups:
        pooled[:, group] = curve[:, group].mean(axis=1, keepdims=True)
    return pooled


@dataclass(frozen=True)
class EquivalentVotes:
    """Number of human votes as good as a predictor, by test inversion.

    Attributes:
        estimate: k* in [0, K]; K means "more than K" when ``one_sided`` is "low" and high is NaN.
        low: smallest k not rejected; NaN with fewer than five clusters.
        high: largest k not rejected; NaN with fewer than five clusters, and where the data give no upper bound below K.
        one_sided: "no", "high" (an upper bound only: 0 is not rejected) or "low" (a lower bound only; with low = 0
            the data give no bound).
    """

    estimate: float
    low: float
    high: float
    one_sided: str


def equivalent_votes(
    curve: Array, proxies: Array, interval: Callable[[Array], Intervals], weights: Array | None = None
) -> list[EquivalentVotes]:
    """Invert the paired clustered test of NLL(k, 0) - NLL(proxy) = 0 over k.

    The ends of the interval are where the lower and the upper end of the difference's interval cross 0, each
    interpolated linearly between two neighbours on a grid of .05 votes; between two values of k a quarter of a vote
    apart the grid is evaluated only where an end changes its sign. A proxy without value has an upper bound of .05 or
    more.

    Args:
        curve: (U, K + 1) losses of k = 0 .. K human votes, one row per utterance or vote.
        proxies: (U, P) losses of the predictors to be valued.
        interval: The interval of the weighted mean of each column of (U, M), e.g.
            :func:`mean_interval` with its clusters and settings.
        weights: (U,) the weights of that mean, default 1.

    Returns:
        One value per proxy: the k at which the linearly interpolated, non-increasing curve meets its
        loss, and the range of all k whose interval of the difference contains 0.
    """
    curve = decreasing(curve, weights)
    largest = curve.shape[1] - 1
    means = np.average(curve, axis=0, weights=weights)
    values = []
    for p in range(proxies.shape[1]):
        estimate, beyond = _meeting(means, float(np.average(proxies[:, p], weights=weights)))
        ends = _crossings(curve, proxies[:, p], interval)
        if ends is None:
            values.append(EquivalentVotes(estimate, float("nan"), float("nan"), "low" if beyond else "no"))
            continue
        low, high = min(ends[0], estimate), max(ends[1], estimate)
        if estimate == 0:
            high = max(high, STEP)
        if beyond or high >= largest:
            values.append(EquivalentVotes(estimate, low, float("nan"), "low"))
        else:
            values.append(EquivalentVotes(estimate, low, high, "high" if low == 0 else "no"))
    return values


def _crossings(curve: Array, proxy: Array, interval: Callable[[Array], Intervals]) -> tuple[float, float] | None:
    """Return the smallest and the largest k in [0, K] that are not rejected; None for too few clusters."""
    largest = curve.shape[1] - 1
    grid = np.round(np.arange(0, largest + STEP / 2, STEP), 10)

    def difference(points: NDArray[np.intp]) -> Intervals:
        left = np.minimum(grid[points].astype(int), largest - 1)
        fraction = grid[points] - left
        return interval(curve[:, left] * (1 - fraction) + curve[:, left + 1] * fraction - proxy[:, None])

    coarse = np.arange(0, len(grid), COARSE)
    looked = difference(coarse)
    if np.isnan(looked.low).all():
        return None
    # k is admitted once the lower end is not above 0, and until the upper end is below 0
    admitted, last = _first(looked.low <= 0), len(coarse) - 1 - _first(looked.high[::-1] >= 0)
    steps = np.arange(COARSE + 1)
    inner = {side: coarse[start] + steps for side, start in (("low", admitted - 1), ("high", last))
             if 0 <= start < len(coarse) - 1}  # fmt: skip
    low, high = (0.0 if admitted == 0 else grid[-1]), (0.0 if last < 0 else grid[-1])
    if inner:
        points = np.unique(np.concatenate(list(inner.values())))
        refined = difference(points)
        ends = {side: dict(zip(points, getattr(refined, side), strict=True)) for side in inner}
        if "low" in inner:
            low = _zero(grid[inner["low"]], np.array([ends["low"][point] for point in inner["low"]]))
        if "high" in inner:
            back = inner["high"][::-1]
            high = _zero(grid[back], -np.array([ends["high"][point] for point in back]))
    return float(low), float(high)


def _first(where: NDArray[np.bool_]) -> int:
    """Return the first index that is true, or the length if none is."""
    return int(np.argmax(where)) if where.any() else len(where)


def _zero(k: Array, values: Array) -> float:
    """Return where values that start above 0 first reach it, linear between neighbours; the last k if they do not."""
    place = _first(values <= 0)
    if place in (0, len(values)):
        return float(k[min(place, len(k) - 1)])
    share = values[place - 1] / (values[place - 1] - values[place])
    return float(k[place - 1] + share * (k[place] - k[place - 1]))


def bound_over_weights(
    value: EquivalentVotes, curve: Array, losses: Array, interval: Callable[[Array], Intervals],
    weights: Array | None = None,
) -> EquivalentVotes:  # fmt: skip
    """Return a value of 0 with the upper bound that weights other than the fitted one allow.

    Votes whose fitted weight is exactly 0 predict exactly as the prior does: the interval of that
    predictor is a point and carries no information about the uncertainty of 0. Here k is rejected only if it is
    rejected at every weight, so that the bound covers the worth of the votes at their best weight.

    Args:
        value: Worth of the fitted predictor.
        curve: (U, K + 1) losses of human votes.
        losses: (U, W) losses of the same synthetic votes at W weights > 0.
        interval: As in :func:`equivalent_votes`.
        weights: (U,), likewise.
    """
    others = equivalent_votes(curve, losses, interval, weights)
    if any(np.isnan(other.high) for other in others):
        return EquivalentVotes(value.estimate, value.low, float("nan"), "low")
    high = max(value.high, *(other.high for other in others))
    return EquivalentVotes(value.estimate, value.low, high, "high" if value.low == 0 else "no")


def widened(value: EquivalentVotes, largest: float) -> EquivalentVotes:
    """Return a value whose ends are .05 votes or more from its estimate; at most ``largest`` votes are known."""
    if np.isnan(value.low):
        return value
    low, high = min(value.low, max(value.estimate - STEP, 0.0)), max(value.high, value.estimate + STEP)
    if np.isnan(value.high) or high >= largest:
        return EquivalentVotes(value.estimate, low, float("nan"), "low")
    return EquivalentVotes(value.estimate, low, high, "high" if low == 0 else "no")


def _meeting(means: Array, target: float) -> tuple[float, bool]:
    """Return the smallest k at which a non-increasing curve reaches the target, and whether that is past its end."""
    if target >= means[0] - 1e-12 * abs(means[0]):  # a fitted weight of exactly 0 is the prior, up to rounding
        return 0.0, False
    if target < means[-1]:
        return float(len(means) - 1), True
    k = int(np.argmax(means <= target))
    return k - 1 + float((means[k - 1] - target) / (means[k - 1] - means[k])), False
