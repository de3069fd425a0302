"""Draw the results of the exchange rate and the tests on simulated corpora with known truth."""

import argparse

import pandas as pd

from scaling_ambiguity.cli import run
from scaling_ambiguity.io import write_csv
from scaling_ambiguity.reporting.figures.validity import draw_validity
from scaling_ambiguity.reporting.style import save_figure, styled


def main(arguments: argparse.Namespace) -> None:
    """Draw the figure and write it with the data behind it."""
    with styled(arguments.style):
        figure, shown = draw_validity(pd.read_csv(arguments.recovery), pd.read_csv(arguments.type_one))
        save_figure(figure, arguments.figure, arguments.svg)
    write_csv(shown, arguments.data)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recovery", required=True, help="CSV of validate_recovery")
    parser.add_argument("--type-one", required=True, help="CSV of validate_tests")
    parser.add_argument("--style", required=True)
    parser.add_argument("--figure", required=True, help="PDF")
    parser.add_argument("--svg", required=True)
    parser.add_argument("--data", required=True, help="CSV")
    run(main, parser)
