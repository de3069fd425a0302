"""Scores of the most probable class; ties are shared, on both sides, and never broken by class order."""

from numpy.typing import ArrayLike

from scaling_ambiguity.metrics.arrays import Array, distributions, modes, vote_counts


def accuracy(p: ArrayLike, counts: ArrayLike) -> Array:
    """Share of the predicted top classes that are a top class of the votes.

    p, counts (..., C) -> (...), in [0, 1]. Tie rule: tied predicted classes share the
    prediction equally; any of several classes with most votes is right.
    """
    return (modes(distributions(p)) * (modes(vote_counts(counts)) > 0)).sum(axis=-1)
