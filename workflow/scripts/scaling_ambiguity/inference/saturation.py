"""Divergence against the number of votes: its exponential fit and the point of saturation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scaling_ambiguity.inference.bootstrap import cluster_weights

Array = NDArray[np.float64]
NEAR = 0.1
_RATES = np.geomspace(0.02, 5, 160)


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
    basis = np.exp(-np.outer(_RATES, votes))
    centred = basis - basis.mean(axis=1, keepdims=True)
    norms = (centred**2).sum(axis=1)
    mean = curves.mean(axis=1, keepdims=True)
    projection = np.maximum((curves - mean) @ centred.T, 0.0)
    best = np.argmax(projection**2 / norms, axis=1)
    rows = np.arange(len(curves))
    amplitude = projection[rows, best] / norms[best]
    asymptote = mean[:, 0] - amplitude * basis.mean(axis=1)[best]
    gap = NEAR * np.maximum(curves[:, 0] - asymptote, 1e-12)
    reached = np.log(np.maximum(amplitude, 1e-300) / gap) / _RATES[best]
    saturation = np.maximum(np.ceil(reached - 1e-9), votes[0])
    return ExponentialFit(asymptote, amplitude, _RATES[best], saturation)


def fit_interval(
    values: Array, clusters: NDArray, sizes: list[int], *, resamples: int, seed: int, level: float
) -> dict[str, tuple[float, float, float]]:
    """Return (estimate, low, high) of asymptote, amplitude, rate and saturation_votes.

    values (U, K) losses at ``sizes``; percentile intervals over resampled clusters, the fit repeated in each.
    """
    names, index = np.unique(np.asarray(clusters), return_inverse=True)
    member = np.zeros((len(names), len(index)))
    member[index, np.arange(len(index))] = 1
    weights = np.vstack([np.ones(len(names)), cluster_weights(len(names), resamples, seed)])
    curves = (weights @ (member @ values)) / (weights @ member.sum(axis=1))[:, None]
    fit = fit_exponential(curves, sizes)
    tails = [(1 - level) / 2, (1 + level) / 2]
    return {
        name: (float(column[0]), *(float(q) for q in np.quantile(column[1:], tails)))
        for name, column in {
            "asymptote": fit.asymptote, "amplitude": fit.amplitude,
            "rate": fit.rate, "saturation_votes": fit.saturation,
        }.items()
    }  # fmt: skip
