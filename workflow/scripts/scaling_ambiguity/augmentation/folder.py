"""The folder of augmented items of one label table and fold."""

from pathlib import Path

import pandas as pd

from scaling_ambiguity.augmentation.dime import check_parents, plan_mixtures
from scaling_ambiguity.augmentation.feature_table import FEATURES
from scaling_ambiguity.augmentation.mixing import write_mixtures
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import atomic_path, write_csv
from scaling_ambiguity.tables.items import ITEMS
from scaling_ambiguity.tables.labels import LABELS


def augment_fold(
    *,
    utterances: pd.DataFrame,
    root: Path,
    labels: Path,
    splits: pd.DataFrame,
    features: Path,
    fold: int,
    classes: list[str],
    options: dict,
    seed: int,
    output: Path,
) -> None:
    """Write ``output/{items.parquet, audio/, summary.csv}``, whole or not at all.

    Args:
        utterances: The corpus' utterances.
        root: The corpus folder.
        labels: Path of a label table; only its training rows are read.
        splits: The protocol's splits.
        features: Path of the feature table.
        fold: The fold whose training part is balanced.
        classes: The class set, in order.
        options: ``ratio`` and ``neighbours``.
        seed: Global seed.
        output: The folder to write; replaced if it exists.

    Raises:
        UserError: The fold is unknown, a training utterance has no label, or a parent is
            not in the training part.
    """
    training = sorted(splits.loc[(splits["fold"] == fold) & (splits["part"] == "train"), "utterance"])
    if not training:
        raise UserError(f"splits: fold {fold} has no training utterance; it has {sorted(splits['fold'].unique())}.")
    table = LABELS.read(labels, utterances=training)
    absent = sorted(set(training) - set(table["utterance"]))
    if absent:
        raise UserError(
            f"{labels}: no label for {absent[0]} and {len(absent) - 1} more in training. Run pool_votes again."
        )
    plan = plan_mixtures(
        table,
        FEATURES.read(features, utterances=training),
        classes=classes,
        ratio=options["ratio"],
        neighbours=options["neighbours"],
        prefix=f"dime{fold}",
        seed=seed,
    )
    check_parents(plan.items, splits, fold)
    with atomic_path(output) as temporary:
        temporary.mkdir()
        ITEMS.write(write_mixtures(plan.items, utterances, root, temporary), temporary / "items.parquet")
        write_csv(plan.summary, temporary / "summary.csv")
