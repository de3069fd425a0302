"""Make the table of saturation in the number of synthetic votes."""

import argparse

from scaling_ambiguity.cli import run
from scaling_ambiguity.io import write_csv, write_text
from scaling_ambiguity.reporting.selection import read_statistics
from scaling_ambiguity.reporting.tables.saturation import saturation_table


def main(arguments: argparse.Namespace) -> None:
    """Write the table and the numbers behind it."""
    table, shown = saturation_table(read_statistics(arguments.statistics))
    write_text(table, arguments.table)
    write_csv(shown, arguments.data)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--statistics", nargs="+", required=True, help="saturation-*.parquet")
    parser.add_argument("--table", required=True, help="LaTeX")
    parser.add_argument("--data", required=True, help="CSV")
    run(main, parser)
