"""Print for a number of the paper its file and row, the rule and program of the file, and the sentences that use it."""

import argparse
from pathlib import Path

from scaling_ambiguity.cli import run
from scaling_ambiguity.io import read_json
from scaling_ambiguity.reporting.where import where

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: argparse.Namespace) -> None:
    """Print the provenance of the number."""
    numbers = read_json(arguments.numbers)
    for line in where(arguments.key, numbers, ROOT / "workflow" / "rules", ROOT / "paper"):
        print(line)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("key", help="e.g. exchange.weighted")
    parser.add_argument("--numbers", default="paper/numbers.json")
    run(main, parser)
