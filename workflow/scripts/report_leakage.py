"""Report leakage across a split: byte-identical sound, speakers and transcripts in several parts of a fold.

Sound is compared by the available hashes, of the full decode or of the published files; without them the report says
that none was compared.
"""

import argparse
from pathlib import Path

from scaling_ambiguity import cli
from scaling_ambiguity.corpora.leakage import (
    count_leaks,
    decoded_hashes,
    find_leaks,
    read_hashes,
    refuse_shared_speakers,
    summary,
)
from scaling_ambiguity.io import write_csv
from scaling_ambiguity.tables.splits import SPLITS
from scaling_ambiguity.tables.utterances import UTTERANCES


def main(arguments: argparse.Namespace) -> None:
    """Compare the parts of every fold, report what they share and write the counts."""
    utterances, parts = UTTERANCES.read(arguments.utterances), SPLITS.read(arguments.splits)
    sha256 = decoded_hashes(utterances)
    if sha256 is None and arguments.hashes:
        sha256 = read_hashes(arguments.hashes, utterances)
    leaks = find_leaks(parts, utterances, sha256)
    for line in summary(leaks):
        print(line)
    refuse_shared_speakers(leaks, arguments.options["scheme"])
    write_csv(count_leaks(leaks, parts, utterances, sha256), arguments.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--utterances", type=Path, required=True, help="utterances table of the corpus")
    parser.add_argument("--splits", type=Path, required=True, help="splits table of the protocol")
    parser.add_argument(
        "--options", type=cli.json_value, required=True, help="the protocol's splits in the configuration"
    )
    parser.add_argument(
        "--hashes", type=Path, nargs="*", default=[], help="SHA-256 of the sound: pinned lists or parquet tables"
    )
    parser.add_argument("--output", type=Path, required=True, help="counts by fold and kind to write, CSV")
    cli.run(main, parser)
