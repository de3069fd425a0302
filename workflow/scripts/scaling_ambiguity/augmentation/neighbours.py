"""Nearest neighbours within one class, in features standardised over that class."""

import numpy as np


def standardise(features: np.ndarray) -> np.ndarray:
    """Return columns with mean 0 and population deviation 1; constant columns become 0. Shape (n, d) kept."""
    centred = features - features.mean(axis=0)
    deviation = centred.std(axis=0)
    # Relative to the column's size, so that rounding in the mean is not mistaken for spread.
    constant = deviation <= 1e-12 * np.maximum(np.abs(features).max(axis=0), 1.0)
    return np.where(constant, 0.0, centred / np.where(constant, 1.0, deviation))


def nearest_neighbours(features: np.ndarray, neighbours: int) -> np.ndarray:
    """Return, for every row, the indices of its nearest other rows (Euclidean, after :func:`standardise`).

    ``neighbours`` counts the item itself, as in the released code of arXiv 2601.14620: 3
    means two possible partners. It is cut to n - 1 in small classes (also as published),
    but never below 2. Equal distances are ordered by row.

    Args:
        features: Shape (n, d), n >= 2.
        neighbours: k >= 2, the item itself included.

    Returns:
        Integer array of shape (n, min(k, max(n - 1, 2)) - 1); no row contains its own index.

    Raises:
        ValueError: Fewer than 2 rows, or k < 2.
    """
    n = len(features)
    if n < 2 or neighbours < 2:
        raise ValueError(f"neighbours need at least 2 items and k >= 2, got {n} and {neighbours}")
    partners = min(neighbours, max(n - 1, 2)) - 1
    scaled = standardise(np.asarray(features, dtype=np.float64))
    nearest = np.empty((n, partners), dtype=np.int64)
    for row in range(n):  # row by row: memory stays O(n d)
        distance = ((scaled - scaled[row]) ** 2).sum(axis=1)
        distance[row] = np.inf
        nearest[row] = np.argsort(distance, kind="stable")[:partners]
    return nearest
