"""Lay out the tables of an archive in the folder of a run, once every byte of it has been verified."""

import argparse
from pathlib import Path

from scaling_ambiguity.cli import run
from scaling_ambiguity.reporting.archive.opening import lay_out


def main(arguments: argparse.Namespace) -> None:
    """Write the files that a redraw starts from."""
    names = lay_out(arguments.archive, Path())
    print(f"{len(names)} files of {arguments.archive}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--archive", type=Path, required=True, help="a .zip that build_archive wrote")
    run(main, parser)
