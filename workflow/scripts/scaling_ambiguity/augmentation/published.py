"""The folder of items augmented by DiME-Aug as published, of one label table and fold; ``fold.py`` has the arms."""

from pathlib import Path

from scaling_ambiguity.augmentation.dime import check_parents, plan_mixtures
from scaling_ambiguity.augmentation.feature_table import FEATURES
from scaling_ambiguity.augmentation.mixing import write_mixtures
from scaling_ambiguity.augmentation.training_part import Part, require_rows, training_names
from scaling_ambiguity.io import atomic_path, write_csv
from scaling_ambiguity.tables.items import ITEMS
from scaling_ambiguity.tables.labels import LABELS


def augment(part: Part, output: Path) -> None:
    """Write ``output/{items.parquet, audio/, summary.csv}``, completely or not at all; replaced if it exists.

    Args:
        part: Its options are ``ratio`` and ``neighbours``.
        output: The folder to write.

    Raises:
        UserError: The fold is unknown, a training utterance has no label, or a parent is
            not in the training part.
    """
    training = training_names(part.splits, part.fold)
    table = LABELS.read(part.labels, utterances=training)
    require_rows(training, table["utterance"], part.labels, "pool_votes")
    plan = plan_mixtures(
        table,
        FEATURES.read(part.features, utterances=training),
        classes=part.classes,
        ratio=part.options["ratio"],
        neighbours=part.options["neighbours"],
        prefix=f"{part.name}{part.fold}",
        seed=part.seed,
    )
    check_parents(plan.items, part.splits, part.fold)
    with atomic_path(output) as temporary:
        temporary.mkdir()
        ITEMS.write(write_mixtures(plan.items, part.utterances, part.root, temporary), temporary / "items.parquet")
        write_csv(plan.summary, temporary / "summary.csv")
