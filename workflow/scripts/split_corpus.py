"""Split a corpus into training, validation and test parts, and search for what leaks between them."""

import argparse
from pathlib import Path

from scaling_ambiguity import cli
from scaling_ambiguity.corpora.leakage import find_leaks, read_hashes, refuse_shared_speakers, summary
from scaling_ambiguity.corpora.splits import split
from scaling_ambiguity.io import write_csv
from scaling_ambiguity.tables.splits import SPLITS
from scaling_ambiguity.tables.utterances import UTTERANCES


def main(arguments: argparse.Namespace) -> None:
    """Read the utterances, split them, report leaks and write the parts."""
    utterances = UTTERANCES.read(arguments.utterances)
    parts = split(utterances, arguments.options, arguments.seed)
    sha256 = read_hashes(arguments.hashes, utterances) if arguments.hashes else None
    leaks = find_leaks(parts, utterances, sha256)
    if arguments.leakage is not None:
        write_csv(leaks, arguments.leakage)
    for line in summary(leaks):
        print(line)
    refuse_shared_speakers(leaks, arguments.options["scheme"])
    SPLITS.write(parts, arguments.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--utterances", type=Path, required=True, help="utterances table of the corpus")
    parser.add_argument(
        "--options", type=cli.json_value, required=True, help="the protocol's splits in the configuration"
    )
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--hashes", type=Path, nargs="*", default=[], help="tables with the SHA-256 of the audio")
    parser.add_argument("--leakage", type=Path, help="report of what is in several parts, to write as CSV")
    parser.add_argument("--output", type=Path, required=True, help="splits table to write")
    cli.run(main, parser)
