"""Augment the training part of one fold by the method that the configuration names.

Labels of validation and test utterances are never read. The folder written holds the new items
and their parents (items.parquet), their audio and the classes or bins before and after (summary.csv);
except for the published method, also the distances from the target distribution and from balance (distances.json).
"""

import argparse
from importlib import import_module
from pathlib import Path

from scaling_ambiguity import cli
from scaling_ambiguity.augmentation.training_part import Part
from scaling_ambiguity.tables.splits import SPLITS
from scaling_ambiguity.tables.utterances import UTTERANCES


def main(arguments: argparse.Namespace) -> None:
    """Write the augmented items of one label table and fold."""
    way = "published" if arguments.options.get("method") == "published" else "fold"
    part = Part(
        name=arguments.name,
        utterances=UTTERANCES.read(arguments.utterances),
        root=arguments.root,
        labels=arguments.labels_table,
        splits=SPLITS.read(arguments.splits),
        features=arguments.features,
        fold=arguments.fold,
        classes=arguments.classes,
        options=arguments.options,
        seed=arguments.seed,
    )
    import_module(f"scaling_ambiguity.augmentation.{way}").augment(part, arguments.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True, help="name of the augmentation; the items' names begin with it")
    parser.add_argument("--utterances", required=True, type=Path)
    parser.add_argument("--root", required=True, type=Path, help="corpus folder; paths are relative to it")
    parser.add_argument("--labels-table", required=True, type=Path)
    parser.add_argument("--splits", required=True, type=Path)
    parser.add_argument("--features", required=True, type=Path)
    parser.add_argument("--fold", required=True, type=int)
    parser.add_argument("--options", required=True, type=cli.json_value, help="method and its options, as JSON")
    parser.add_argument("--classes", required=True, type=cli.name_list)
    parser.add_argument("--seed", required=True, type=int)
    parser.add_argument("--output", required=True, type=Path, help="folder")
    cli.run(main, parser)
