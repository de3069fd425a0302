"""Distributions over classes as places between the corners of a polygon."""

import numpy as np


def corners(n_classes: int) -> np.ndarray:
    """Return the vertices (n_classes, 2) of a regular polygon of radius 1, the first on top, clockwise."""
    angle = np.pi / 2 - 2 * np.pi * np.arange(n_classes) / n_classes
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def project(distributions: np.ndarray) -> np.ndarray:
    """Return (n, 2) barycentric positions of ``distributions`` (n, C) between the corners of a polygon.

    For three classes this is the simplex itself; for more, a linear projection of it.
    """
    return distributions @ corners(distributions.shape[1])
