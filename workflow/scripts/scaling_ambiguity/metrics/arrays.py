"""Shape and value checks shared by the metrics: bad input is reported with its row, never repaired."""

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array: TypeAlias = NDArray[np.float64]
TOLERANCE = 1e-6


def _first(array: Array, bad: NDArray[np.bool_]) -> str:
    index = tuple(int(i) for i in np.argwhere(bad)[0])
    return f"row {index[0] if len(index) == 1 else index}: {array[index].tolist()}"


def distributions(values: ArrayLike, name: str = "p") -> Array:
    """Return ``values`` (..., C) as float64 after checking that each row is a distribution.

    Raises:
        ValueError: a row with NaN, a negative number or a sum away from 1 by more than 1e-6.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim == 0 or array.shape[-1] < 2:
        raise ValueError(f"{name} must have shape (..., classes) with two classes or more, not {array.shape}")
    total = array.sum(axis=-1)
    bad = ~(np.abs(total - 1) <= TOLERANCE) | (array < 0).any(axis=-1)
    if bad.any():
        raise ValueError(f"{name}, {_first(array, bad)}: not a distribution")
    return array


def matched(p: ArrayLike, q: ArrayLike, names: tuple[str, str] = ("p", "q")) -> tuple[Array, Array]:
    """Return two arrays of distributions (..., C) that can be compared row by row.

    Raises:
        ValueError: a bad row, or shapes that do not fit.
    """
    first, second = distributions(p, names[0]), distributions(q, names[1])
    try:
        np.broadcast_shapes(first.shape, second.shape)
    except ValueError:
        raise ValueError(f"{names[0]} {first.shape} and {names[1]} {second.shape} have different rows") from None
    return first, second


def vote_counts(values: ArrayLike, name: str = "counts") -> Array:
    """Return ``values`` (..., C), votes per class, as float64; each row needs a vote and no negative number.

    Raises:
        ValueError: naming the first row that is negative, NaN or without a vote.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim == 0 or array.shape[-1] < 2:
        raise ValueError(f"{name} must have shape (..., classes) with two classes or more, not {array.shape}")
    bad = ~(array.sum(axis=-1) > 0) | ~(array >= 0).all(axis=-1)
    if bad.any():
        raise ValueError(f"{name}, {_first(array, bad)}: no vote, or a negative one")
    return array


def histogram(counts: ArrayLike) -> Array:
    """Return the relative vote frequencies n_c / N, shape (..., C), range [0, 1]."""
    array = vote_counts(counts)
    return array / array.sum(axis=-1, keepdims=True)


def floored(p: ArrayLike, floor: float) -> Array:
    """Return max(p, floor), renormalised to sum 1; shape (..., C).

    The floor prevents a single unexpected vote from having infinite loss; it is a stated part of every score that
    takes a logarithm. ``floor`` lies in [0, 1 / C).
    """
    array = distributions(p)
    if not 0 <= floor < 1 / array.shape[-1]:
        raise ValueError(f"floor must lie in [0, 1 / classes), not {floor}")
    raised = np.maximum(array, floor)
    return raised / raised.sum(axis=-1, keepdims=True)


def modes(values: ArrayLike) -> Array:
    """Return each row's largest entries as equal shares summing to 1 (ties are shared); shape (..., C)."""
    array = np.asarray(values, dtype=np.float64)
    top = array >= array.max(axis=-1, keepdims=True) - 1e-12
    return top / top.sum(axis=-1, keepdims=True)
