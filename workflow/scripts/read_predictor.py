"""Read the distributions of a predictor that somebody computed elsewhere, and check every line of the table."""

import argparse
from pathlib import Path

from scaling_ambiguity import cli
from scaling_ambiguity.corpora.given_predictor import read_given
from scaling_ambiguity.tables.given import GIVEN
from scaling_ambiguity.tables.rejects import REJECTS
from scaling_ambiguity.tables.utterances import UTTERANCES


def main(arguments: argparse.Namespace) -> None:
    """Write the checked table."""
    names = UTTERANCES.read(arguments.utterances)["utterance"].tolist()
    left_out = set(REJECTS.read(arguments.rejects)["item"])
    GIVEN.write(read_given(arguments.table, names, arguments.classes, left_out), arguments.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", required=True, type=Path, help="CSV: utterance and p_<label> for every class")
    parser.add_argument("--utterances", required=True, help="utterances table")
    parser.add_argument("--rejects", required=True, help="rejects table of the corpus")
    parser.add_argument("--classes", type=cli.name_list, required=True)
    parser.add_argument("--output", required=True)
    cli.run(main, parser)
