"""Measure how often nominal 95 % intervals contain the truth, over simulated corpora of one design."""

import argparse

import pandas as pd

from scaling_ambiguity import cli
from scaling_ambiguity.inference.designs import design_of
from scaling_ambiguity.inference.validity import coverage
from scaling_ambiguity.io import write_csv


def main(arguments: argparse.Namespace) -> None:
    """Simulate, count and write one row per population and method."""
    rows = coverage(design_of(arguments.cell), arguments.corpora, arguments.resamples, arguments.seed)
    write_csv(pd.DataFrame(rows), arguments.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="validate_cell.py", description=__doc__)
    parser.add_argument("--cell", required=True, help="e.g. g12_h30_c4_n5: speakers, raters, classes, votes")
    parser.add_argument("--corpora", type=int, required=True, help="simulated corpora, 2,000 for the study")
    parser.add_argument("--resamples", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", required=True)
    cli.run(main, parser)
