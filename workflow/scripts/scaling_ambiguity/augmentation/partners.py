"""Possible partners of an item: its nearest others, of the same speaker or of all."""

import numpy as np
from numpy.typing import NDArray

from scaling_ambiguity.augmentation.neighbours import standardise


def nearest_partners(space: NDArray[np.float64], groups: NDArray, partners: int) -> NDArray[np.intp]:
    """Return the nearest others of each row within its group, (n, d) -> (n, partners); -1 where there are fewer.

    Features are standardised over all rows, distances Euclidean, equal ones ordered by row. A row is never
    its own partner, and ``partners`` does not count the row itself.
    """
    scaled = standardise(np.asarray(space, dtype=np.float64))
    nearest = np.full((len(scaled), partners), -1, dtype=np.intp)
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        size = min(partners, len(members) - 1)
        if not size:
            continue
        inside = scaled[members]
        for place, row in enumerate(members):  # row by row: memory stays O(n d)
            distance = ((inside - inside[place]) ** 2).sum(axis=1)
            distance[place] = np.inf
            nearest[row, :size] = members[np.argsort(distance, kind="stable")[:size]]
    return nearest
