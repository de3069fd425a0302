"""A balanced evaluation split of real test items: by weights, and by a subsample.

Nothing is generated. Class, level, bin and weight of an item come from its level votes, which
are neither conditioned on nor predicted: an item selected by the votes it is scored against would
be selected for being right.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.labels.levels import LEVELS
from scaling_ambiguity.metrics.divergences import total_variation
from scaling_ambiguity.seeds import generator

BY = ("bin", "class", "level")
LEAST = 5


@dataclass(frozen=True)
class Balanced:
    """The split in every deal; D deals, U test items.

    Attributes:
        bin: (D, U) dominant class x 3 + level; -1 without level votes.
        group: (D, U) the balanced unit: the bin, its class or its level; -1 without level votes.
        weight: (D, U) weights, mean 1 over the items that are used, 0 for the others.
        kept: (D, U) whether an item is in the subsample.
        groups: Names of the groups.
        lacking: Why balancing was impossible (then all weights are 0), else empty.
    """

    bin: NDArray[np.intp]
    group: NDArray[np.intp]
    weight: NDArray[np.float64]
    kept: NDArray[np.bool_]
    groups: tuple[str, ...]
    lacking: str = ""


def effective_size(weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (sum w)^2 / sum w^2 along the last axis: the equivalent number of equally weighted items (Kish 1965).

    In [1, number of weights]; 0 if all weights are 0.
    """
    squares = (weight**2).sum(axis=-1)
    return np.where(squares > 0, weight.sum(axis=-1) ** 2 / np.where(squares > 0, squares, 1.0), 0.0)


def dominant_classes(counts: NDArray[np.float64], utterances: list[str], seed: int) -> NDArray[np.intp]:
    """Return the class with most level votes, (D, U, C) -> (D, U); -1 without votes.

    A tie is broken at random by (seed, utterance, deal): always taking the first class would favour it.
    """
    deals, _, classes = counts.shape
    chance = np.stack([generator(seed, "balanced", name).random((deals, classes)) for name in utterances], axis=1)
    largest = counts >= counts.max(axis=-1, keepdims=True) - 1e-9
    return np.where(counts.sum(axis=-1) > 0, np.where(largest, chance, -1.0).argmax(axis=-1), -1)


def balance(
    counts: NDArray[np.float64],
    level: NDArray[np.integer],
    utterances: list[str],
    classes: list[str],
    *,
    by: str = "bin",
    least: int = LEAST,
    seed: int,
) -> Balanced:
    """Weight and subsample test items so that every group counts the same.

    With G groups of at least ``least`` items, group g of n_g items and n = sum n_g: weight n / (G n_g). The
    subsample has min n_g items of every group, the first in an order drawn by (seed, utterance): the same
    items are preferred in every deal. Smaller groups are left out: they would dominate the result. If in some
    deal no two groups are large enough, all weights in all deals are 0, and ``lacking`` states why.

    Args:
        counts: (D, U, C) level votes, and no others.
        level: (D, U) index in ``LEVELS``; -1 for items without a level.
        utterances: Names of the test items, U of them.
        classes: The class set, in order.
        by: The balanced unit: ``bin`` (class x level), ``class`` or ``level``.
        least: Fewest items of a group.
        seed: Global seed.

    Raises:
        UserError: ``by`` is unknown or ``least`` is below 1.
    """
    if by not in BY or least < 1:
        raise UserError(f"balanced evaluation: by {by!r} is one of {', '.join(BY)}, and least {least} is at least 1.")
    top = dominant_classes(counts, utterances, seed)
    has_level = (top >= 0) & (level >= 0)
    place = np.where(has_level, top * len(LEVELS) + level, -1)
    names = {"bin": tuple(f"{label}_{name}" for label in classes for name in LEVELS), "class": tuple(classes)}
    groups = (names | {"level": LEVELS})[by]
    group = np.where(has_level, {"bin": place, "class": top, "level": level}[by], -1)
    order = np.argsort([generator(seed, "balanced order", name).random() for name in utterances], kind="stable")
    weight, kept = np.zeros(place.shape), np.zeros(place.shape, dtype=bool)
    for deal, home in enumerate(group):
        sizes = np.bincount(home[home >= 0], minlength=len(groups))
        used = np.flatnonzero(sizes >= least)
        if len(used) < 2:
            lacking = (
                f"deal {deal} has {len(used)} groups of {least} test items or more with level votes, by {by}. "
                "Balance by class or level, or lower `least`."
            )
            return Balanced(place, group, np.zeros(place.shape), np.zeros(place.shape, dtype=bool), groups, lacking)
        fewest = sizes[used].min()
        for one in used:
            members = home == one
            weight[deal, members] = sizes[used].sum() / (len(used) * sizes[one])
            kept[deal, order[members[order]][:fewest]] = True
    return Balanced(place, group, weight, kept, groups)


def group_report(balanced: Balanced) -> pd.DataFrame:
    """Return one row per group, means over deals: items, weight, shares before and after, items of the subsample.

    ``deals_used`` is the share of deals in which the group was large enough.
    """
    rows = []
    total, weights, kept = (balanced.group >= 0).sum(axis=1), balanced.weight.sum(axis=1), balanced.kept.sum(axis=1)
    for number, name in enumerate(balanced.groups):
        members = balanced.group == number
        items, weight = members.sum(axis=1), np.where(members, balanced.weight, 0.0).sum(axis=1)
        chosen = (members & balanced.kept).sum(axis=1)
        used = weight > 0
        rows.append(
            {
                "group": name,
                "items": items.mean(),
                "deals_used": used.mean(),
                "weight": (weight[used] / items[used]).mean() if used.any() else 0.0,
                "share_before": _share(items, total),
                "share_weighted": _share(weight, weights),
                "share_subsample": _share(chosen, kept),
                "subsample": chosen.mean(),
            }
        )
    return pd.DataFrame(rows)


def _share(part: NDArray, whole: NDArray) -> float:
    """Return the mean of part / whole over deals, NaN if a deal has none."""
    return float((part / whole).mean()) if (whole > 0).all() else float("nan")


def size_report(balanced: Balanced) -> pd.DataFrame:
    """Return one row per deal: items, those used, effective sample size, size of the subsample, distances.

    ``tv_before`` and ``tv_weighted`` are total variation distances in [0, 1] between the shares of
    the used groups and equal shares, without and with the weights; NaN if no group is used.
    """
    rows = []
    for deal, (home, weight, kept) in enumerate(zip(balanced.group, balanced.weight, balanced.kept, strict=True)):
        used = weight > 0
        plain = np.bincount(home[used], minlength=len(balanced.groups))
        weighed = np.bincount(home[used], weight[used], minlength=len(balanced.groups))
        distance = {"tv_before": np.nan, "tv_weighted": np.nan}
        if used.any():
            equal = (plain > 0) / (plain > 0).sum()
            for name, sums in (("tv_before", plain), ("tv_weighted", weighed)):
                distance[name] = round(float(total_variation(sums / sums.sum(), equal)), 12)
        rows.append(
            {
                "deal": deal,
                "items": len(home),
                "without_level": int((home < 0).sum()),
                "in_small_groups": int(((home >= 0) & ~used).sum()),
                "used": int(used.sum()),
                "groups": int((plain > 0).sum()),
                "effective": float(effective_size(weight)),
                "subsample": int(kept.sum()),
            }
            | distance
        )
    return pd.DataFrame(rows)
