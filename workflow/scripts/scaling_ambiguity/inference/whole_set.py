"""Intervals of the scores that are not means over utterances: F1, unweighted average recall, calibration error.

Each is a smooth function of totals that clusters add up to, a confusion matrix or the gaps of calibration bins,
so that ten thousand resamples of many models are matrix products and no score is recomputed from raw rows.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scaling_ambiguity.inference.bootstrap import Intervals, moment_interval
from scaling_ambiguity.metrics.arrays import distributions, modes, vote_counts

Array: TypeAlias = NDArray[np.float64]
BINS = 10
Function = Callable[[Array], tuple[Array, Array]]


def whole_set_intervals(
    models: Sequence[ArrayLike], counts: ArrayLike, clusters: ArrayLike, **settings: Any
) -> dict[str, Intervals]:
    """Return macro_f1, weighted_f1, uar and ece of each of M models, in [0, 1], with cluster intervals.

    Ties are shared as in ``metrics.classification``. The list of classes is that of the whole set, in every
    resample: a class that a resample lacks counts as 0, as ``labels=`` and ``zero_division=0`` of scikit-learn do.
    Standard errors are linearised. The absolute value in the calibration error is not smooth at 0, and its
    expectation lies above the truth where bins are small; its interval has to be read with this in mind.

    Args:
        models: M times (S, U, C) predictions of S trainings, whose totals are averaged.
        counts: (U, C) votes.
        clusters: (U,).
        settings: resamples, seed, level, method.

    Raises:
        ValueError: naming the first bad row.
    """
    counts, predictions = vote_counts(counts), [distributions(p) for p in models]
    intervals = confusion_intervals(predictions, modes(counts), clusters, **settings)
    gaps = np.stack([_calibration_moments(p, counts).mean(axis=1) for p in predictions], axis=1)
    intervals["ece"] = moment_interval(gaps, clusters, _ece, **settings)
    return intervals


def confusion_intervals(
    models: Sequence[ArrayLike],
    actual: ArrayLike,
    clusters: ArrayLike,
    metrics: Sequence[str] = ("macro_f1", "weighted_f1", "uar"),
    **settings: Any,
) -> dict[str, Intervals]:
    """Return scores of the top class of each of M models, in [0, 1], with cluster intervals.

    Args:
        models: M times (S, U, C) predictions of S trainings, whose confusion matrices are averaged.
        actual: (U, C) weight of each utterance as one of each class: ``modes`` of its votes, or those of several
            deals, weighted and summed. Classes without weight are not among those that a mean is taken over.
        clusters: (U,).
        metrics: Some of macro_f1, weighted_f1, uar.
        settings: resamples, seed, level, method.

    Raises:
        ValueError: naming the first bad row; or no utterance has weight.
    """
    actual = np.asarray(actual, dtype=np.float64)
    occurs, used = actual.sum(axis=0) > 0, actual.sum(axis=1) > 0
    if not used.any():
        raise ValueError("actual: no utterance has weight")
    guessed = np.stack([modes(distributions(p)).mean(axis=0) for p in models], axis=1)[used]
    matrices = (actual[used][:, None, :, None] * guessed[:, :, None, :]).reshape(*guessed.shape[:2], -1)
    functions: dict[str, Function] = {
        "macro_f1": lambda totals: _macro_f1(totals, occurs),
        "weighted_f1": _weighted_f1,
        "uar": lambda totals: _uar(totals, occurs),
    }
    where = np.asarray(clusters)[used]
    return {name: moment_interval(matrices, where, functions[name], **settings) for name in metrics}


def _square(totals: Array) -> tuple[Array, Array, Array]:
    """Return diagonal, row sums and column sums (..., C) of a confusion matrix (..., C * C)."""
    classes = round(totals.shape[-1] ** 0.5)
    matrix = totals.reshape(*totals.shape[:-1], classes, classes)
    return np.einsum("...cc->...c", matrix), matrix.sum(axis=-1), matrix.sum(axis=-2)


def _f1(totals: Array) -> tuple[Array, Array, Array]:
    """Return F1 = 2 h / (a + b) by class, 1 / (a + b) and a; 0 where a + b is 0."""
    hits, actual, predicted = _square(totals)
    both = actual + predicted
    inverse = np.divide(1.0, both, out=np.zeros_like(both), where=both > 0)
    return 2 * hits * inverse, inverse, actual


def _spread(rows: Array, columns: Array, diagonal: Array) -> Array:
    """Return the gradient (..., C * C) of a function of row sums, column sums and diagonal."""
    gradient = rows[..., :, None] + columns[..., None, :]
    gradient = gradient + diagonal[..., None] * np.eye(rows.shape[-1])
    return gradient.reshape(*rows.shape[:-1], -1)


def _macro_f1(totals: Array, occurs: NDArray[np.bool_]) -> tuple[Array, Array]:
    f1, inverse, _ = _f1(totals)
    share = occurs / occurs.sum()
    side = -f1 * inverse * share
    return f1 @ share, _spread(side, side, 2 * inverse * share)


def _weighted_f1(totals: Array) -> tuple[Array, Array]:
    f1, inverse, actual = _f1(totals)
    whole = actual.sum(axis=-1, keepdims=True)
    share = actual / whole
    value = (f1 * share).sum(axis=-1)
    side = -f1 * inverse * share
    return value, _spread(side + (f1 - value[..., None]) / whole, side, 2 * inverse * share)


def _uar(totals: Array, occurs: NDArray[np.bool_]) -> tuple[Array, Array]:
    hits, actual, _ = _square(totals)
    share = occurs / occurs.sum()
    inverse = np.divide(1.0, actual, out=np.zeros_like(actual), where=actual > 0)
    recall = hits * inverse
    rows = -recall * inverse * share
    return recall @ share, _spread(rows, np.zeros_like(rows), inverse * share)


def _calibration_moments(p: Array, counts: Array) -> Array:
    """Return (U, S, BINS + 1): confidence minus share of votes in its bin, and 1."""
    confidence = p.max(axis=-1)
    share = (modes(p) * (counts / counts.sum(axis=-1, keepdims=True))).sum(axis=-1)
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = (confidence - share)[..., None] * (place[..., None] == np.arange(BINS))
    return np.concatenate([gaps, np.ones((*confidence.shape, 1))], axis=-1).transpose(1, 0, 2)


def _ece(totals: Array) -> tuple[Array, Array]:
    gaps, n = totals[..., :-1], totals[..., -1]
    value = np.abs(gaps).sum(axis=-1) / n
    return value, np.concatenate([np.sign(gaps), -value[..., None]], axis=-1) / n[..., None]
