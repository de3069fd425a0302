"""Predictions of every condition, gathered over folds and seeds and checked to be complete."""

from pathlib import Path

import numpy as np
import pandas as pd

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.tables.base import class_columns
from scaling_ambiguity.tables.predictions import NO_STRATEGY, PREDICTIONS

CONDITION = ["model", "labels", "augmentation"]
Condition = tuple[str, str, str]


def gather_predictions(
    paths: list[Path], corpus: str, protocol: str, splits: pd.DataFrame, names: list[str], classes: list[str]
) -> dict[Condition, np.ndarray]:
    """Return, for every condition in sorted order, predictions of shape (seeds, U, C).

    Args:
        paths: Prediction tables of trained models.
        corpus: The corpus to which all of them must belong.
        protocol: Likewise the protocol.
        splits: The protocol's splits; each fold of a table must hold that fold's test part, exactly.
        names: The U utterances that are tested in some fold, in order.
        classes: The class set, in order.

    Raises:
        UserError: A table belongs to another corpus or protocol, lacks or adds an utterance or class, or a condition
            lacks a fold or seed.
    """
    table = pd.concat([_read(path, corpus, protocol, splits, classes) for path in paths], ignore_index=True)
    folds = sorted(splits.loc[splits["part"] == "test", "fold"].unique())
    row = {name: number for number, name in enumerate(names)}
    gathered = {}
    for (model, labels, augmentation), rows in table.groupby(CONDITION, sort=True):
        condition: Condition = (model, labels, augmentation)
        seeds = sorted(rows["seed"].unique())
        values = np.full((len(seeds), len(names), len(classes)), np.nan)
        for number, seed in enumerate(seeds):
            for fold in folds:
                part = rows[(rows["seed"] == seed) & (rows["fold"] == fold)]
                if part.empty:
                    name = "/".join(condition)
                    raise UserError(f"no prediction of {name}, fold {fold}, seed {seed}. Run finetune for it.")
                values[number, [row[name] for name in part["utterance"]]] = part[class_columns(classes)].to_numpy(float)
        gathered[condition] = values
    return gathered


def _read(path: Path, corpus: str, protocol: str, splits: pd.DataFrame, classes: list[str]) -> pd.DataFrame:
    table = PREDICTIONS.read(path)
    for name, wanted in (("corpus", corpus), ("protocol", protocol), ("strategy", NO_STRATEGY)):
        other = table.loc[table[name] != wanted, name]
        if len(other):
            raise UserError(f"{path}: predictions of {name} {other.iloc[0]!r}, not {wanted!r}. Leave this table out.")
    differing = sorted(set(class_columns(classes)) ^ {column for column in table if column.startswith("p_")})
    if differing:
        raise UserError(
            f"{path}: its classes differ from {classes} in {differing[0]}. Remove it and run finetune again."
        )
    for fold, rows in table.groupby("fold"):
        tested = set(splits.loc[(splits["fold"] == fold) & (splits["part"] == "test"), "utterance"])
        wrong = sorted(tested ^ set(rows["utterance"]))
        if wrong:
            raise UserError(
                f"{path}: not the test part of fold {fold} (see {wrong[0]}). Remove it and run finetune again."
            )
    return table
