"""Divergence against the number of votes: its fit and the point of saturation.

The published procedure fits an exponential; see :func:`fit_exponential`. Ours fits a power of the number of votes.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling_ambiguity.inference.bootstrap import cluster_weights

Array: TypeAlias = NDArray[np.float64]
NEAR = 0.1
_RATES = np.geomspace(0.02, 5, 160)
_POWERS = np.geomspace(0.2, 4, 160)


@dataclass(frozen=True)
class ExponentialFit:
    """a + b exp(-c N) fitted by least squares; arrays of one entry a curve.

    ``saturation`` is the first whole N at which the fit is within 10 % of (first value - a) of a.
    """

    asymptote: Array
    amplitude: Array
    rate: Array
    saturation: Array


def fit_exponential(curves: Array, sizes: list[int]) -> ExponentialFit:
    """Fit every row of ``curves`` (R, K) at votes ``sizes`` (K,), b >= 0 and c on a grid of .02 to 5.

    Given c the fit is linear, so the best c is found by projection on all grid curves at once.
    """
    votes = np.asarray(sizes, dtype=np.float64)
    asymptote, amplitude, best = _project(curves, np.exp(-np.outer(_RATES, votes)))
    gap = NEAR * np.maximum(curves[:, 0] - asymptote, 1e-12)
    reached = np.log(np.maximum(amplitude, 1e-300) / gap) / _RATES[best]
    saturation = np.maximum(np.ceil(reached - 1e-9), votes[0])
    return ExponentialFit(asymptote, amplitude, _RATES[best], saturation)


@dataclass(frozen=True)
class PowerFit:
    """a + b N^-r fitted by least squares; arrays of one entry a curve.

    ``saturation`` is where b N^-r is a tenth of its value at the first N: N = first * 10^(1 / r), not rounded.
    ``inside``: r lies inside the grid and b > 0, so that the fit is one.
    """

    asymptote: Array
    amplitude: Array
    rate: Array
    saturation: Array
    inside: NDArray[np.bool_]


def fit_power(curves: Array, sizes: list[int]) -> PowerFit:
    """Fit every row of ``curves`` (R, K) at votes ``sizes`` (K,), b >= 0 and r on a grid of .2 to 4.

    The bias of a histogram's divergence is of order 1 / N, so r is near 1 where that is all that changes.
    """
    votes = np.asarray(sizes, dtype=np.float64)
    asymptote, amplitude, best = _project(curves, votes[None, :] ** -_POWERS[:, None])
    rate = _POWERS[best]
    inside = (best > 0) & (best < len(_POWERS) - 1) & (amplitude > 0)
    return PowerFit(asymptote, amplitude, rate, votes[0] * NEAR ** (-1 / rate), inside)


def _project(curves: Array, basis: Array) -> tuple[Array, Array, NDArray[np.intp]]:
    """Return level, height >= 0 and the place of the curve of ``basis`` (G, K) that fits each row (R, K) best."""
    centred = basis - basis.mean(axis=1, keepdims=True)
    norms = (centred**2).sum(axis=1)
    mean = curves.mean(axis=1, keepdims=True)
    projection = np.maximum((curves - mean) @ centred.T, 0.0)
    best = np.argmax(projection**2 / norms, axis=1)
    amplitude = projection[np.arange(len(curves)), best] / norms[best]
    return mean[:, 0] - amplitude * basis.mean(axis=1)[best], amplitude, best


@dataclass(frozen=True)
class Fitted:
    """An estimate of the fit with its interval; a bound that too many resamples leave open is NaN."""

    estimate: float
    low: float
    high: float


def fit_interval(
    values: Array, clusters: NDArray, sizes: list[int], *, resamples: int, seed: int, level: float
) -> dict[str, Fitted]:
    """Return asymptote, amplitude, rate and saturation_votes of :func:`fit_power`.

    Percentile intervals over resampled clusters, the fit repeated in each. A resample whose fit is at an end of
    the grid of rates says that the rate is below, or above, all that can be told apart: it counts as such, and a
    bound that falls among these is open. All are NaN if the data's own fit is at an end.

    Args:
        values: (U, K) divergences at ``sizes``.
        clusters: (U,) speakers.
        sizes: K numbers of votes.
        resamples: Their number.
        seed: Of the resamples.
        level: Coverage.
    """
    names, index = np.unique(np.asarray(clusters), return_inverse=True)
    member = np.zeros((len(names), len(index)))
    member[index, np.arange(len(index))] = 1
    weights = np.vstack([np.ones(len(names)), cluster_weights(len(names), resamples, seed)])
    curves = (weights @ (member @ values)) / (weights @ member.sum(axis=1))[:, None]
    fit = fit_power(curves, sizes)
    columns = {"asymptote": fit.asymptote, "amplitude": fit.amplitude, "rate": fit.rate}
    columns["saturation_votes"] = fit.saturation
    if not fit.inside[0]:
        return {name: Fitted(float("nan"), float("nan"), float("nan")) for name in columns}
    slow = ~fit.inside & ((fit.rate == _POWERS[0]) | (fit.amplitude <= 0))
    fast = ~fit.inside & ~slow
    found = {}
    for name, column in columns.items():
        sunk = slow if name in ("asymptote", "rate") else fast
        drawn = np.where(fit.inside, column, np.where(sunk, -np.inf, np.inf))[1:]
        low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
        bounds = (float(end) if np.isfinite(end) else float("nan") for end in (low, high))
        found[name] = Fitted(float(column[0]), *bounds)
    return found
