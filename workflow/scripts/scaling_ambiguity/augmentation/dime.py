"""DiME-Aug as published (arXiv 2601.14620, section 2.3): which training items to mix, and in which proportion."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from scaling_ambiguity.augmentation.neighbours import nearest_neighbours
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.seeds import generator
from scaling_ambiguity.tables.base import class_columns

TRANSFORM = "dime"


@dataclass(frozen=True)
class Plan:
    """The items that DiME-Aug will make.

    Attributes:
        items: One row per new item: utterance, first, second (the parents), alpha (weight of
            the first), p_<label>.
        summary: One row per class: label, before, target, made, after, pairs (distinct pairs
            of parents), near_copies (items in which one parent weighs more than .95).
    """

    items: pd.DataFrame
    summary: pd.DataFrame


def plan_mixtures(
    labels: pd.DataFrame,
    features: pd.DataFrame,
    *,
    classes: list[str],
    ratio: float,
    neighbours: int,
    prefix: str,
    seed: int,
) -> Plan:
    """Choose parents and weights so that every class reaches ``floor(ratio x largest class)`` items.

    The class of an item is the largest entry of its label distribution (the first in class
    order on ties). A new item takes a random item i of the class, a random one j of its
    neighbours and alpha ~ U(0, 1): p = alpha p_i + (1 - alpha) p_j. A class with one item
    cannot be lifted, one without items has nothing to mix; the summary shows both.

    Args:
        labels: Label table of the training part only.
        features: Feature table holding at least those utterances.
        classes: The class set, in order.
        ratio: Share of the largest class in [0, 1].
        neighbours: k of the neighbour search, the item itself included.
        prefix: Start of the new items' names, ``{prefix}_{label}_{number}``.
        seed: Items are drawn by (seed, prefix, class, number) only.

    Raises:
        UserError: A label has no features, or ratio or neighbours are out of range.
    """
    if not 0 <= ratio <= 1 or neighbours < 2:
        raise UserError(
            f"DiME-Aug as published: ratio {ratio} must lie in [0, 1] and neighbours {neighbours} be at least 2."
        )
    labels = labels.sort_values("utterance", kind="stable").reset_index(drop=True)
    columns = class_columns(classes)
    names = labels["utterance"].to_numpy()
    indexed = features.set_index("utterance")
    absent = sorted(set(names) - set(indexed.index))
    if absent:
        raise UserError(f"features: no row for {absent[0]} ({len(absent)} absent). Run extract_features again.")
    space = indexed.loc[names].to_numpy(dtype=np.float64)
    distributions = labels[columns].to_numpy(dtype=np.float64)
    top = distributions.argmax(axis=1)
    before = np.bincount(top, minlength=len(classes))
    target = int(np.floor(ratio * before.max() + 1e-9)) if len(names) else 0
    rows, summary = [], []
    for number, label in enumerate(classes):
        members = np.flatnonzero(top == number)
        wanted = max(0, target - len(members)) if len(members) > 1 else 0
        made = _mix_class(
            names[members], space[members], distributions[members], wanted, neighbours, seed, prefix, label
        )
        rows += made
        summary.append(
            {
                "label": label,
                "before": len(members),
                "target": target,
                "made": len(made),
                "after": len(members) + len(made),
                "pairs": len({frozenset(row[1:3]) for row in made}),
                "near_copies": sum(max(row[3], 1 - row[3]) > 0.95 for row in made),
            }
        )
    flat = [[*row[:4], *row[4]] for row in rows]
    items = pd.DataFrame(flat, columns=["utterance", "first", "second", "alpha", *columns])
    return Plan(items.astype(dict.fromkeys(["alpha", *columns], float)), pd.DataFrame(summary))


def _mix_class(
    names: np.ndarray, space: np.ndarray, distributions: np.ndarray, wanted: int, neighbours: int, seed: int,
    prefix: str, label: str,
) -> list[tuple]:  # fmt: skip
    """Return ``wanted`` tuples (name, first parent, second parent, alpha, distribution) of one class."""
    if not wanted:
        return []
    partners = nearest_neighbours(space, neighbours)
    made = []
    for number in range(wanted):
        random = generator(seed, TRANSFORM, prefix, label, number)
        first = int(random.integers(len(names)))
        second = int(partners[first, random.integers(partners.shape[1])])
        alpha = float(random.random())
        mixed = alpha * distributions[first] + (1 - alpha) * distributions[second]
        made.append((f"{prefix}_{label}_{number:04d}", names[first], names[second], alpha, mixed / mixed.sum()))
    return made


def check_parents(items: pd.DataFrame, splits: pd.DataFrame, fold: int) -> None:
    """Raise UserError unless every parent lies in the training part of ``fold``."""
    part = splits.loc[splits["fold"] == fold].set_index("utterance")["part"]
    for column in ("first", "second"):
        parts = items[column].map(part)
        wrong = parts.ne("train")
        if wrong.any():
            item = items.loc[wrong].iloc[0]
            raise UserError(
                f"augmented item {item['utterance']}: parent {item[column]} lies in part "
                f"{parts[wrong].iloc[0]} of fold {fold}, not in train. Rebuild labels and split."
            )
