"""Draw the label distributions of a training part before and after each augmentation."""

import argparse
from pathlib import Path

from scaling_ambiguity.cli import name_list, run
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import write_csv
from scaling_ambiguity.reporting.figures.simplex import draw_simplex
from scaling_ambiguity.reporting.style import save_figure, styled
from scaling_ambiguity.tables.items import ITEMS
from scaling_ambiguity.tables.labels import LABELS
from scaling_ambiguity.tables.splits import SPLITS


def main(arguments: argparse.Namespace) -> None:
    """Draw the figure and write it with the data behind it; an arm's name is that of the folder above fold-N."""
    splits = SPLITS.read(arguments.splits)
    training = splits.loc[(splits["fold"] == arguments.fold) & (splits["part"] == "train"), "utterance"].tolist()
    labels = LABELS.read(arguments.labels_table, utterances=training)
    arms = {path.parent.name: ITEMS.read(path / "items.parquet") for path in arguments.augmented}
    if len(arms) < len(arguments.augmented):
        raise UserError("--augmented: two folders of the same augmentation; give one of each.")
    with styled(arguments.style):
        figure, shown = draw_simplex(labels, arms, training, arguments.classes)
        save_figure(figure, arguments.figure, arguments.svg)
    write_csv(shown, arguments.data)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels-table", required=True)
    parser.add_argument("--splits", required=True)
    parser.add_argument("--augmented", required=True, nargs="+", type=Path, help=".../{augmentation}/fold-{fold}")
    parser.add_argument("--fold", type=int, default=0)
    parser.add_argument("--classes", type=name_list, required=True)
    parser.add_argument("--style", required=True)
    parser.add_argument("--figure", required=True, help="PDF")
    parser.add_argument("--svg", required=True)
    parser.add_argument("--data", required=True, help="CSV")
    run(main, parser)
