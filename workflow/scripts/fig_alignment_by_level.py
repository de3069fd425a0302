"""Draw the alignment of synthetic votes with held-out human votes by ambiguity level."""

import argparse

from scaling_ambiguity.cli import name_list, run
from scaling_ambiguity.io import write_csv
from scaling_ambiguity.reporting.figures.levels import draw_alignment_by_level
from scaling_ambiguity.reporting.selection import read_statistics
from scaling_ambiguity.reporting.style import save_figure, styled


def main(arguments: argparse.Namespace) -> None:
    """Draw the figure and write it with the data behind it."""
    statistics = read_statistics(arguments.statistics)
    with styled(arguments.style):
        figure, shown = draw_alignment_by_level(statistics)
        save_figure(figure, arguments.figure, arguments.svg)
    write_csv(shown, arguments.data)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--statistics", nargs="+", required=True)
    parser.add_argument("--classes", type=name_list)
    parser.add_argument("--style", required=True)
    parser.add_argument("--figure", required=True, help="PDF")
    parser.add_argument("--svg", required=True)
    parser.add_argument("--data", required=True, help="CSV")
    run(main, parser)
