"""What every program that draws a figure from tables of estimates does."""

import argparse
from collections.abc import Callable

import pandas as pd
from matplotlib.figure import Figure

from scaling_ambiguity.cli import name_list, run
from scaling_ambiguity.io import write_csv
from scaling_ambiguity.reporting.selection import read_statistics
from scaling_ambiguity.reporting.style import save_figure, styled


def run_figure(draw: Callable[[pd.DataFrame], tuple[Figure, pd.DataFrame]], description: str | None) -> None:
    """Parse the arguments, draw, and write the figure as PDF and SVG with the data behind it.

    Args:
        draw: Takes the estimates as :func:`read_statistics` returns them; returns the figure and the rows shown.
        description: What `--help` says, the program's docstring.
    """

    def main(arguments: argparse.Namespace) -> None:
        statistics = read_statistics(arguments.statistics)
        with styled(arguments.style):
            figure, shown = draw(statistics)
            save_figure(figure, arguments.figure, arguments.svg)
        write_csv(shown, arguments.data)

    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--statistics", nargs="+", required=True)
    parser.add_argument("--classes", type=name_list)
    parser.add_argument("--style", required=True)
    parser.add_argument("--figure", required=True, help="PDF")
    parser.add_argument("--svg", required=True)
    parser.add_argument("--data", required=True, help="CSV")
    run(main, parser)
