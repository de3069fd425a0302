"""Draw a figure of the paper from tables of estimates: PDF, SVG and the data behind it."""

import argparse

from scaling_ambiguity.cli import json_value, run
from scaling_ambiguity.io import write_csv
from scaling_ambiguity.reporting.chapters import FIGURES
from scaling_ambiguity.reporting.naming import printed_as
from scaling_ambiguity.reporting.selection import read_statistics
from scaling_ambiguity.reporting.style import save_figure, styled


def main(arguments: argparse.Namespace) -> None:
    """Draw the figure and write it with the rows that it shows."""
    display, statistics = FIGURES[arguments.name], read_statistics(arguments.statistics)
    more = [arguments.proxies] if display.proxies else []
    with styled(arguments.style), printed_as(arguments.names):
        figure, shown = display.load()(statistics, *more)
        save_figure(figure, arguments.figure, arguments.svg)
    write_csv(shown, arguments.data)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True, choices=[name for name, one in FIGURES.items() if one.shows])
    parser.add_argument("--statistics", nargs="+", required=True)
    parser.add_argument("--proxies", type=json_value, default={}, help="name of the votes of each annotator, JSON")
    parser.add_argument("--names", type=json_value, default={}, help="printed names of identifiers, JSON")
    parser.add_argument("--style", required=True)
    parser.add_argument("--figure", required=True, help="PDF")
    parser.add_argument("--svg", required=True)
    parser.add_argument("--data", required=True, help="CSV")
    run(main, parser)
