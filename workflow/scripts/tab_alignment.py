"""Write the table of alignment between synthetic and held-out human votes."""

import argparse

from scaling_ambiguity.cli import name_list, run
from scaling_ambiguity.io import write_csv, write_text
from scaling_ambiguity.reporting.selection import read_statistics
from scaling_ambiguity.reporting.tables.alignment import alignment_table


def main(arguments: argparse.Namespace) -> None:
    """Write the table and the numbers behind it."""
    table, shown = alignment_table(read_statistics(arguments.statistics), arguments.classes)
    write_text(table, arguments.table)
    write_csv(shown, arguments.data)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--statistics", nargs="+", required=True)
    parser.add_argument("--classes", type=name_list, help="order of the columns; default: alphabetical")
    parser.add_argument("--table", required=True, help="LaTeX")
    parser.add_argument("--data", required=True, help="CSV")
    run(main, parser)
