"""Which utterances an augmentation may read: the training part of one fold."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from scaling_ambiguity.errors import UserError


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
