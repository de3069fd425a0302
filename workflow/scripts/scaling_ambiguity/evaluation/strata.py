"""Means over deals, overall, by level and by further strata, as one value and one weight per utterance."""

from dataclasses import dataclass

import numpy as np

from scaling_ambiguity.inference.alignment import over_deals
from scaling_ambiguity.labels.levels import LEVELS


@dataclass(frozen=True)
class Stratum:
    """Some of the tested utterances, in each deal, and the human votes by which they are judged.

    Attributes:
        name: As in the column ``stratum``.
        family: Strata of one family are adjusted together.
        weight: (D, U), >= 0; 0 leaves an utterance out of a deal.
        votes: ``all`` human votes, the ``fair`` ones that did not decide the level, or the ``reference`` votes.
        sized: Whether n is the effective number of utterances, for weights that are not 0 or 1 by utterance.
    """

    name: str
    family: str
    weight: np.ndarray
    votes: str
    sized: bool = False


def by_level(
    values: np.ndarray, level: np.ndarray, usable: np.ndarray | None = None
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return {level: (value, weight)}; an utterance's weight in a level is its share of deals there.

    Args:
        values: (D, U) or (U,).
        level: (D, U), index in LEVELS or -1.
        usable: (D, U), boolean; default all.
    """
    usable = np.ones(level.shape, dtype=bool) if usable is None else usable
    return {name: over_deals(values, usable & (level == place)) for place, name in enumerate(LEVELS)}


def weighted_over_deals(values: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each utterance's weighted mean over deals, and its mean weight.

    Args:
        values: (D, U), or (U,) if the same in every deal.
        weight: (D, U), >= 0.

    Returns:
        value (U,), 0 where every weight is 0, and weight (U,).
    """
    values, total = np.broadcast_to(values, weight.shape), weight.sum(axis=0)
    weighted = np.where(weight > 0, weight * values, 0.0).sum(axis=0)
    return np.where(total > 0, weighted / np.where(total > 0, total, 1.0), 0.0), total / len(weight)
