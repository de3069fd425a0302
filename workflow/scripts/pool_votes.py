"""Make one label table: human, synthetic, combined or control labels of every utterance."""

import argparse

import pandas as pd

from scaling_ambiguity import cli
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.labels.making import gather, make
from scaling_ambiguity.labels.names import Labels
from scaling_ambiguity.tables.base import class_columns
from scaling_ambiguity.tables.labels import LABELS
from scaling_ambiguity.tables.proxies import PROXIES
from scaling_ambiguity.tables.splits import SPLITS
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES


def main(arguments: argparse.Namespace) -> None:
    """Read the votes, make the labels of the given name, write the table."""
    labels = Labels.parse(arguments.labels)
    if labels.annotator and (arguments.proxies is None or arguments.annotator != labels.annotator):
        raise UserError(f"labels {arguments.labels!r} need --proxies and --annotator {labels.annotator}.")
    table, classes = UTTERANCES.read(arguments.utterances), arguments.classes
    source = gather(
        table,
        VOTES.read(arguments.votes),
        PROXIES.read(arguments.proxies) if labels.annotator else None,
        SPLITS.read(arguments.splits),
        classes,
        arguments.seed,
        where=(str(arguments.votes), str(arguments.proxies), str(arguments.splits)),
    )
    if len(source.names) < len(table):
        print(f"{len(table) - len(source.names)} utterances are left out of the splits and have no label")
    made = make(labels, source)
    if made.note:
        print(made.note)
    frame = pd.DataFrame({"utterance": source.names})
    for column, counts in (("n_human", made.human), ("n_synthetic", made.synthetic)):
        frame[column] = 0 if counts is None else counts.sum(axis=1).round().astype(int)
    frame[class_columns(classes)] = made.labels
    for prefix, limits in zip(("low_", "high_"), made.band, strict=False):
        frame[class_columns(classes, prefix)] = limits
    LABELS.write(frame, arguments.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="pool_votes.py", description=__doc__)
    parser.add_argument("--votes", required=True)
    parser.add_argument("--splits", required=True)
    parser.add_argument("--proxies")
    parser.add_argument("--annotator")
    parser.add_argument("--utterances", required=True)
    parser.add_argument("--labels", required=True)
    parser.add_argument("--classes", type=cli.name_list, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", required=True)
    cli.run(main, parser)
