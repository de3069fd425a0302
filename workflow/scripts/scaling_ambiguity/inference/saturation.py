"""Divergence against the number of votes: the published exponential, and its point of saturation.

It is shown for comparison with our estimates, which fit no curve: see :func:`metrics.corrected.limit_jsd_bits`.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
NEAR = 0.1
_RATES = np.geomspace(0.02, 5, 160)


@dataclass(frozen=True)
class ExponentialFit:
    """a + b exp(-c N) fitted by least squares; arrays of one entry per curve.

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


def _project(curves: Array, basis: Array) -> tuple[Array, Array, NDArray[np.intp]]:
    """Return level, height >= 0 and the index of the curve of ``basis`` (G, K) that fits each row (R, K) best."""
    centred = basis - basis.mean(axis=1, keepdims=True)
    norms = (centred**2).sum(axis=1)
    mean = curves.mean(axis=1, keepdims=True)
    projection = np.maximum((curves - mean) @ centred.T, 0.0)
    best = np.argmax(projection**2 / norms, axis=1)
    amplitude = projection[np.arange(len(curves)), best] / norms[best]
    return mean[:, 0] - amplitude * basis.mean(axis=1)[best], amplitude, best
