"""Split a corpus into training, validation and test parts; no speaker is in two of them unless the split is random."""

import argparse
from pathlib import Path

from scaling_ambiguity import cli
from scaling_ambiguity.corpora.leakage import find_leaks, refuse_shared_speakers
from scaling_ambiguity.corpora.splits import split
from scaling_ambiguity.tables.splits import SPLITS
from scaling_ambiguity.tables.utterances import UTTERANCES


def main(arguments: argparse.Namespace) -> None:
    """Read the utterances, split them and write the parts."""
    utterances = UTTERANCES.read(arguments.utterances)
    parts = split(utterances, arguments.options, arguments.seed)
    speakers = parts.assign(speaker=parts["utterance"].map(utterances.set_index("utterance")["speaker"]))
    numbers = speakers[speakers["part"] != "test"].groupby("fold")["speaker"].nunique()
    refuse_shared_speakers(find_leaks(parts, utterances), arguments.options["scheme"], numbers.index[numbers == 1])
    SPLITS.write(parts, arguments.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--utterances", type=Path, required=True, help="utterances table of the corpus")
    parser.add_argument(
        "--options", type=cli.json_value, required=True, help="the protocol's splits in the configuration"
    )
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", type=Path, required=True, help="splits table to write")
    cli.run(main, parser)
