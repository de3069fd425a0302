"""Variance components of synthetic votes: utterance, temperature, focus line, their interactions, and chance.

A vote is a random-effects sum, y = mean + u + t + f + ut + uf + tf + rest, of its one-hot class vector. Two votes
that share some of utterance, temperature and focus line agree more often than two that share nothing, by the
variances of the effects that they share; solving for these needs no balance and no iteration (method of moments;
Searle, Casella & McCulloch 1992, Variance Components, chapter 5). The variances, summed over classes, are
shares of all disagreement, 1 - sum_c p_c^2. An estimate may be below 0 by chance.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from scaling_ambiguity.tables.statistics import LEAST_CLUSTERS

Array: TypeAlias = NDArray[np.float64]
COMPONENTS = (
    "utterance", "temperature", "focus", "utterance_temperature", "utterance_focus", "temperature_focus", "rest",
)  # fmt: skip


def components(item: NDArray, temperature: NDArray, focus: NDArray, label: NDArray, classes: int) -> Array:
    """Return the share of each of ``COMPONENTS`` in the variance of single votes, (7,); they sum to 1.

    Args:
        item: (E,) utterance of each vote, whole numbers.
        temperature: (E,) temperature, likewise numbered.
        focus: (E,) focus line, likewise.
        label: (E,) class.
        classes: Their number C.

    Raises:
        ValueError: a component is not identifiable: fewer than two utterances, temperatures or focus lines, no
            temperature under two focus lines, or votes that do not vary.
    """

    def pairs(*keys: NDArray) -> Array:
        """Return how many ordered pairs of votes share the keys, and how many agree; a vote with itself too."""
        cell = np.zeros(len(label), dtype=np.int64)
        for key in keys:
            cell = cell * (int(key.max()) + 1) + key
        cell = np.unique(cell, return_inverse=True)[1]
        counts = np.bincount(cell * classes + label, minlength=(int(cell.max()) + 1) * classes).reshape(-1, classes)
        return np.array([(counts.sum(axis=1) ** 2).sum(), (counts**2).sum()], dtype=np.float64)

    everything, of = pairs(), {"u": pairs(item), "t": pairs(temperature), "f": pairs(focus)}
    of |= {"ut": pairs(item, temperature), "uf": pairs(item, focus), "tf": pairs(temperature, focus)}
    of["utf"] = pairs(item, temperature, focus)
    shared = {  # pairs that share exactly these, by inclusion and exclusion
        "": everything - of["u"] - of["t"] - of["f"] + of["ut"] + of["uf"] + of["tf"] - of["utf"],
        "u": of["u"] - of["ut"] - of["uf"] + of["utf"],
        "t": of["t"] - of["ut"] - of["tf"] + of["utf"],
        "f": of["f"] - of["uf"] - of["tf"] + of["utf"],
        "ut": of["ut"] - of["utf"],
        "uf": of["uf"] - of["utf"],
        "tf": of["tf"] - of["utf"],
    }
    missing = [name or "nothing" for name, (number, _) in shared.items() if number <= 0]
    if missing:
        raise ValueError(f"no two votes share {', '.join(missing)} alone: the design does not separate the effects")
    a = {name: agree / number for name, (number, agree) in shared.items()}
    base = a[""]
    if not base < 1:
        raise ValueError("all votes are equal; there is no variance")
    u, t, f = a["u"] - base, a["t"] - base, a["f"] - base
    parts = [u, t, f, a["ut"] - base - u - t, a["uf"] - base - u - f, a["tf"] - base - t - f]
    return np.array([*parts, 1 - base - sum(parts)]) / (1 - base)


def component_intervals(
    item: NDArray, temperature: NDArray, focus: NDArray, label: NDArray, classes: int, blocks: NDArray, level: float
) -> tuple[Array, Array, Array]:
    """Return estimates, low and high of :func:`components`, by deleting one block of speakers at a time.

    Arguments as there; ``blocks`` (E,) from 0; the intervals are jackknife-t at ``level``, NaN for fewer than five.
    """
    whole = components(item, temperature, focus, label, classes)
    groups = int(blocks.max()) + 1
    if groups < LEAST_CLUSTERS:
        return whole, np.full_like(whole, np.nan), np.full_like(whole, np.nan)
    kept = [blocks != b for b in range(groups)]
    left = np.stack([components(item[k], temperature[k], focus[k], label[k], classes) for k in kept])
    error = np.sqrt((groups - 1) / groups * ((left - left.mean(axis=0)) ** 2).sum(axis=0))
    reach = stdtrit(groups - 1, (1 + level) / 2) * error
    return whole, whole - reach, whole + reach
