"""Which utterances an augmentation may read: the training part of one fold."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from scaling_ambiguity.errors import UserError


@dataclass(frozen=True)
class Part:
    """What an augmentation is made from: the training part of one fold, under one kind of labels.

    Attributes:
        name: Name of the augmentation, with which the new items' names begin.
        utterances: The corpus' utterances.
        root: The corpus folder.
        labels: Path of a label table; only its training rows are read.
        splits: The protocol's splits.
        features: Path of the feature table; only its training rows are read.
        fold: The fold whose training part is augmented.
        classes: The class set, in order.
        options: ``method`` and the options of that method.
        seed: Global seed.
    """

    name: str
    utterances: pd.DataFrame
    root: Path
    labels: Path
    splits: pd.DataFrame
    features: Path
    fold: int
    classes: list[str]
    options: dict[str, Any]
    seed: int


def training_names(splits: pd.DataFrame, fold: int) -> list[str]:
    """Return the training utterances of ``fold``, sorted; UserError if there is none."""
    names = sorted(splits.loc[(splits["fold"] == fold) & (splits["part"] == "train"), "utterance"])
    if not names:
        raise UserError(f"splits: fold {fold} has no training utterance; it has {sorted(splits['fold'].unique())}.")
    return names


def require_rows(names: list[str], present: Iterable[str], source: Path | str, remedy: str) -> None:
    """Raise UserError, naming ``source`` and the rule to run again, unless every name is present."""
    absent = sorted(set(names) - set(present))
    if absent:
        raise UserError(f"{source}: no row for {absent[0]} and {len(absent) - 1} more in training. Run {remedy} again.")
