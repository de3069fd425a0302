"""Levels of ambiguity from the agreement of a fixed number of votes kept for nothing else."""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from scaling_ambiguity.errors import UserError

Array = NDArray[np.float64]
LEVELS = ("low", "medium", "high")


def pairwise_agreement(counts: Array) -> Array:
    """Unbiased pairwise agreement sum_c n_c (n_c - 1) / (n (n - 1)); counts (..., C) -> (...), in [0, 1].

    The share of pairs of votes that are equal; its expectation, sum_c p_c^2, does not depend on
    the number of votes. NaN with fewer than two votes. Source: Fleiss 1971, 10.1037/h0031619.
    """
    n = counts.sum(axis=-1)
    pairs = np.where(n >= 2, n * (n - 1), np.nan)
    return (counts * (counts - 1)).sum(axis=-1) / pairs


def attainable_agreement(votes: int, classes: int) -> Array:
    """Return the values that the agreement of ``votes`` votes in ``classes`` classes can take, upwards."""

    def shapes(left: int, largest: int, parts: int) -> list[list[int]]:
        if left == 0:
            return [[]]
        if parts == 0:
            return []
        return [[n, *rest] for n in range(min(left, largest), 0, -1) for rest in shapes(left - n, n, parts - 1)]

    pairs = {sum(n * (n - 1) for n in shape) for shape in shapes(votes, votes, classes)}
    return np.array(sorted(pairs)) / (votes * (votes - 1))


def choose_edges(training: Array, votes: int, classes: int) -> tuple[float, float]:
    """Return two edges, at midpoints between attainable agreements, nearest to the tertiles of ``training``.

    Nearest: the pair with least |F(lower) - 1/3| + |F(upper) - 2/3|, F the share of training values
    below an edge; the lower pair if two are equally near. An edge between attainable values never
    cuts through a tie.

    Raises:
        UserError: fewer than three attainable values (two level votes): no three levels.
    """
    values = attainable_agreement(votes, classes)
    if len(values) < 3:
        raise UserError(
            f"levels.votes: {votes} votes in {classes} classes have {len(values)} agreements; use 3 or more."
        )
    midpoints = (values[:-1] + values[1:]) / 2
    below = (training[:, None] < midpoints).mean(axis=0)
    misfit = {(i, j): abs(below[i] - 1 / 3) + abs(below[j] - 2 / 3) for i, j in combinations(range(len(midpoints)), 2)}
    i, j = min(misfit, key=lambda pair: (round(misfit[pair], 12), pair))
    return float(midpoints[i]), float(midpoints[j])


def level_of(agreement: Array, edges: tuple[float, float]) -> NDArray[np.str_]:
    """Return ``low``, ``medium`` or ``high`` ambiguity: agreement above, between or below the two edges."""
    return np.array(LEVELS)[2 - np.searchsorted(np.array(edges), agreement)]


def between_sets_correlation(level: Array, rest: Array) -> float:
    """Mean over deals of the Pearson correlation, over utterances, of two disjoint vote sets' agreements.

    level, rest (deals, U), NaN where a set has fewer than two votes -> [-1, 1]; NaN if no deal has
    three utterances with both, or one side does not vary. It says how much of a level is more than chance.
    """
    both = ~np.isnan(level) & ~np.isnan(rest)
    n = np.where(both.sum(axis=1) > 2, both.sum(axis=1), np.nan)[:, None]
    x, y = (np.where(both, a, 0.0) for a in (level, rest))
    x, y = (np.where(both, a - a.sum(axis=1, keepdims=True) / n, 0.0) for a in (x, y))
    scale = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    fine = scale > 1e-12
    return float(((x * y).sum(axis=1)[fine] / scale[fine]).mean()) if fine.any() else float("nan")
