"""Describe every utterance by 72 audio features and 10 text counts, the space of DiME-Aug's neighbours."""

import argparse
from pathlib import Path

from scaling_ambiguity import cli
from scaling_ambiguity.augmentation.extraction import extract_features
from scaling_ambiguity.augmentation.feature_table import FEATURES
from scaling_ambiguity.tables.utterances import UTTERANCES


def main(arguments: argparse.Namespace) -> None:
    """Write the feature table of one corpus."""
    FEATURES.write(extract_features(UTTERANCES.read(arguments.utterances), arguments.root), arguments.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--utterances", required=True, type=Path)
    parser.add_argument("--root", required=True, type=Path, help="corpus folder; paths are relative to it")
    parser.add_argument("--output", required=True, type=Path)
    cli.run(main, parser)
