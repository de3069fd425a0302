"""Scores of the most probable class; ties are shared, on both sides, and never broken by class order."""

import numpy as np
from numpy.typing import ArrayLike

from scaling_ambiguity.metrics.arrays import Array, distributions, modes, vote_counts


def accuracy(p: ArrayLike, counts: ArrayLike) -> Array:
    """Share of the predicted top classes that are a top class of the votes.

    p, counts (..., C) -> (...), in [0, 1]. Tie rule: tied predicted classes share the
    prediction equally; any of several classes with most votes is right.
    """
    return (modes(distributions(p)) * (modes(vote_counts(counts)) > 0)).sum(axis=-1)


def confusion(p: ArrayLike, counts: ArrayLike) -> Array:
    """Confusion matrix of top classes; p, counts (n, C) -> (C, C), rows the votes' class, sum n.

    Ties are shared equally on both sides, so entries may be fractions.
    """
    return modes(vote_counts(counts)).T @ modes(distributions(p))


def _recall_precision(matrix: Array) -> tuple[Array, Array, Array]:
    hits, actual, predicted = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    recall = np.divide(hits, actual, out=np.zeros_like(hits), where=actual > 0)
    precision = np.divide(hits, predicted, out=np.zeros_like(hits), where=predicted > 0)
    return recall, precision, actual


def f1_by_class(p: ArrayLike, counts: ArrayLike) -> Array:
    """F1 = 2 recall precision / (recall + precision) of each class; p, counts (n, C) -> (C,), in [0, 1]."""
    recall, precision, _ = _recall_precision(confusion(p, counts))
    both = recall + precision
    return np.divide(2 * recall * precision, both, out=np.zeros_like(both), where=both > 0)


def macro_f1(p: ArrayLike, counts: ArrayLike) -> float:
    """Mean F1 over the classes that occur in the votes; p, counts (n, C) -> [0, 1]."""
    occurs = modes(vote_counts(counts)).sum(axis=0) > 0
    return float(f1_by_class(p, counts)[occurs].mean())


def weighted_f1(p: ArrayLike, counts: ArrayLike) -> float:
    """F1 averaged over classes with their number of utterances as weight; p, counts (n, C) -> [0, 1]."""
    return float(np.average(f1_by_class(p, counts), weights=modes(vote_counts(counts)).sum(axis=0)))


def uar(p: ArrayLike, counts: ArrayLike) -> float:
    """Unweighted average recall over the classes that occur in the votes; p, counts (n, C) -> [0, 1]."""
    recall, _, actual = _recall_precision(confusion(p, counts))
    return float(recall[actual > 0].mean())


def ece(p: ArrayLike, counts: ArrayLike, bins: int = 10) -> float:
    """Return the calibration error of the top probability, per vote (ECE; Guo et al. 2017, arXiv 1706.04599).

    sum_b (n_b / n) |mean top probability - mean share of the votes for the top class| over
    ``bins`` equal-width bins; p, counts (n, C) -> [0, 1].
    """
    p, counts = distributions(p), vote_counts(counts)
    confidence = p.max(axis=-1)
    share = (modes(p) * counts / counts.sum(axis=-1, keepdims=True)).sum(axis=-1)
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    gap = np.bincount(index, confidence - share, minlength=bins)
    return float(np.abs(gap).sum() / len(confidence))
