"""Wanted and actual items per bin, and the distance between the two distributions."""

from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling_ambiguity.augmentation.simplex_bins import Bins
from scaling_ambiguity.metrics.divergences import js_distance, total_variation

Counts: TypeAlias = NDArray[np.intp]


def lifted(counts: Counts, ratio: float) -> Counts:
    """Return the wanted items per bin, (B,): at least ``floor(ratio x largest)`` where there is one at all.

    A bin without a training item is not filled: no one voted like that, so nothing is known about its sound.
    """
    least = int(np.floor(ratio * counts.max(initial=0) + 1e-9))
    return np.where(counts > 0, np.maximum(counts, least), 0)


def bin_report(bins: Bins, before: Counts, target: Counts, after: Counts, kinds: pd.DataFrame) -> pd.DataFrame:
    """Return one row per bin: items before, wanted and after, new items by kind, and the three shares.

    Args:
        bins: The bins, B of them.
        before: (B,) training items.
        target: (B,) wanted items.
        after: (B,) training and new items.
        kinds: New items, columns ``bin`` (its number) and ``kind`` (mixed, transformed, copied).
    """
    made = {
        kind: np.bincount(kinds.loc[kinds["kind"] == kind, "bin"].to_numpy(dtype=np.intp), minlength=len(before))
        for kind in ("mixed", "transformed", "copied")
    }
    columns = {"bin": list(bins.names), "before": before, "target": target, **made, "after": after}
    columns["shortfall"] = np.maximum(target - after, 0)
    shares = {"share_before": before, "share_target": target, "share_after": after}
    return pd.DataFrame(columns | {name: shares_of(counts) for name, counts in shares.items()})


def shares_of(counts: NDArray) -> NDArray[np.float64]:
    """Return counts / their sum; zeros if the sum is 0."""
    total = counts.sum()
    return counts / total if total else np.zeros(len(counts))


def distances(before: Counts, target: Counts, after: Counts) -> dict[str, dict[str, float]]:
    """Return how far the items are from the target and from balance, before and after.

    Balance is the uniform distribution over the bins with a training item. ``total_variation``
    in [0, 1] is the share of items that would have to move; ``js_distance`` = sqrt(JSD in bits), in [0, 1].
    """
    goals = {"target": shares_of(target), "balance": shares_of((before > 0).astype(float))}
    result: dict[str, dict[str, float]] = {}
    for goal, wanted in goals.items():
        for when, counts in (("before", before), ("after", after)):
            pair = shares_of(counts), wanted
            result[f"{goal}_{when}"] = {
                "total_variation": float(total_variation(*pair)),
                "js_distance": float(js_distance(*pair)),
            }
    return result
