"""Means over deals, overall and by level, as one value and one weight an utterance."""

import numpy as np

from scaling_ambiguity.evaluation.judges import LEVELS


def over_deals(values: np.ndarray, usable: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each utterance's mean over its usable deals, and the share of deals that are usable.

    Args:
        values: (D, U), or (U,) if the same in every deal.
        usable: (D, U), boolean.

    Returns:
        value (U,), 0 where no deal is usable, and weight (U,) in [0, 1].
    """
    values = np.broadcast_to(values, usable.shape)
    count = usable.sum(axis=0)
    total = np.where(usable, values, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), 0.0), count / len(usable)


def by_level(
    values: np.ndarray, level: np.ndarray, usable: np.ndarray | None = None
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return {level: (value, weight)}; an utterance weighs in a level by its share of deals there.

    Args:
        values: (D, U) or (U,).
        level: (D, U), place in LEVELS or -1.
        usable: (D, U), boolean; default all.
    """
    usable = np.ones(level.shape, dtype=bool) if usable is None else usable
    return {name: over_deals(values, usable & (level == place)) for place, name in enumerate(LEVELS)}
