"""Make the table of classes and bins of a training part before and after each augmentation."""

import argparse
from pathlib import Path

from scaling_ambiguity import cli
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import write_csv, write_text
from scaling_ambiguity.reporting.tables.augmentation import augmentation_table
from scaling_ambiguity.tables.items import ITEMS
from scaling_ambiguity.tables.labels import LABELS
from scaling_ambiguity.tables.splits import SPLITS


def main(arguments: argparse.Namespace) -> None:
    """Write the table and the counts behind it; an arm's name is that of the folder above fold-N."""
    splits = SPLITS.read(arguments.splits)
    training = splits.loc[(splits["fold"] == arguments.fold) & (splits["part"] == "train"), "utterance"].tolist()
    arms = {path.parent.name: ITEMS.read(path / "items.parquet") for path in arguments.augmented}
    if len(arms) < len(arguments.augmented):
        raise UserError("--augmented: two folders of the same augmentation; give one of each.")
    labels = LABELS.read(arguments.labels_table, utterances=training)
    table, shown = augmentation_table(labels, arms, arguments.classes)
    write_text(table, arguments.table)
    write_csv(shown, arguments.data)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels-table", required=True)
    parser.add_argument("--splits", required=True)
    parser.add_argument("--augmented", required=True, nargs="+", type=Path, help=".../{augmentation}/fold-{fold}")
    parser.add_argument("--fold", type=int, default=0)
    parser.add_argument("--classes", type=cli.name_list, required=True)
    parser.add_argument("--table", required=True, help="LaTeX")
    parser.add_argument("--data", required=True, help="CSV")
    cli.run(main, parser)
