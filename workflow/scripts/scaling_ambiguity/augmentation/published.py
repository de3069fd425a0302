"""The folder of items augmented by DiME-Aug as published, of one label table and fold; ``fold.py`` has the arms."""

from pathlib import Path

import pandas as pd

from scaling_ambiguity.augmentation.dime import check_parents, plan_mixtures
from scaling_ambiguity.augmentation.feature_table import FEATURES
from scaling_ambiguity.augmentation.mixing import write_mixtures
from scaling_ambiguity.augmentation.training_part import require_rows, training_names
from scaling_ambiguity.io import atomic_path, write_csv
from scaling_ambiguity.tables.items import ITEMS
from scaling_ambiguity.tables.labels import LABELS


def augment(
    *,
    name: str,
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
    """Write ``output/{items.parquet, audio/, summary.csv}``, completely or not at all.

    Args:
        name: Name of the augmentation, with which the new items' names begin.
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
    training = training_names(splits, fold)
    table = LABELS.read(labels, utterances=training)
    require_rows(training, table["utterance"], labels, "pool_votes")
    plan = plan_mixtures(
        table,
        FEATURES.read(features, utterances=training),
        classes=classes,
        ratio=options["ratio"],
        neighbours=options["neighbours"],
        prefix=f"{name}{fold}",
        seed=seed,
    )
    check_parents(plan.items, splits, fold)
    with atomic_path(output) as temporary:
        temporary.mkdir()
        ITEMS.write(write_mixtures(plan.items, utterances, root, temporary), temporary / "items.parquet")
        write_csv(plan.summary, temporary / "summary.csv")
