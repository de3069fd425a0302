"""Predictions of every condition, gathered over folds and seeds and checked to be complete."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.tables.base import class_columns
from scaling_ambiguity.tables.predictions import PREDICTIONS

Condition = tuple[str, str, str]  # model, labels, augmentation


@dataclass(frozen=True)
class Place:
    """What a path ``.../{model}/{labels}/{augmentation}/fold-{fold}/seed-{seed}.parquet`` says."""

    condition: Condition
    fold: int
    seed: int


def parse_path(path: Path) -> Place:
    """Return the place of a prediction table; UserError if the path is not one."""
    try:
        model, labels, augmentation, fold, seed = path.with_suffix("").parts[-5:]
        if not (fold.startswith("fold-") and seed.startswith("seed-")):
            raise ValueError(path)
        return Place((model, labels, augmentation), int(fold[5:]), int(seed[5:]))
    except ValueError as error:
        raise UserError(f"{path}: expected .../model/labels/augmentation/fold-0/seed-0.parquet.") from error


def gather_predictions(
    paths: list[Path], splits: pd.DataFrame, names: list[str], classes: list[str]
) -> dict[Condition, np.ndarray]:
    """Return, for every condition in sorted order, predictions of shape (seeds, U, C).

    Args:
        paths: Prediction tables.
        splits: The protocol's splits; each table must hold its fold's test part, exactly.
        names: The U utterances that are tested in some fold, in order.
        classes: The class set, in order.

    Raises:
        UserError: A table misses or adds an utterance or class, or a condition lacks a fold or seed.
    """
    places = {parse_path(path): path for path in paths}
    conditions = sorted({place.condition for place in places})
    folds = sorted(splits.loc[splits["part"] == "test", "fold"].unique())
    row = {name: number for number, name in enumerate(names)}
    gathered = {}
    for condition in conditions:
        seeds = sorted({place.seed for place in places if place.condition == condition})
        values = np.full((len(seeds), len(names), len(classes)), np.nan)
        for number, seed in enumerate(seeds):
            for fold in folds:
                path = places.get(Place(condition, int(fold), seed))
                if path is None:
                    name = "/".join(condition)
                    raise UserError(f"no prediction of {name}, fold {fold}, seed {seed}. Run finetune for it.")
                table = _read(path, splits, int(fold), classes)
                values[number, [row[name] for name in table["utterance"]]] = table[class_columns(classes)].to_numpy()
        gathered[condition] = values
    return gathered


def _read(path: Path, splits: pd.DataFrame, fold: int, classes: list[str]) -> pd.DataFrame:
    table = PREDICTIONS.read(path)
    missing = sorted(set(class_columns(classes)) ^ set(table.columns[1:]))
    if missing:
        raise UserError(f"{path}: its classes differ from {classes} in {missing[0]}. Remove it and run finetune again.")
    wanted = set(splits.loc[(splits["fold"] == fold) & (splits["part"] == "test"), "utterance"])
    wrong = sorted(wanted ^ set(table["utterance"]))
    if wrong:
        raise UserError(f"{path}: not the test part of fold {fold} (see {wrong[0]}). Remove it and run finetune again.")
    return table
