"""Write the table of coverage: which interval reaches its nominal coverage in which design."""

import argparse

import pandas as pd

from scaling_ambiguity.cli import run
from scaling_ambiguity.io import write_csv, write_text
from scaling_ambiguity.reporting.tables.validity import validity_table


def main(arguments: argparse.Namespace) -> None:
    """Write the table and the numbers behind it."""
    own_cells = pd.concat([pd.read_csv(path) for path in arguments.own]) if arguments.own else None
    table, shown = validity_table(pd.read_csv(arguments.study), own_cells)
    write_text(table, arguments.table)
    write_csv(shown, arguments.data)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", required=True, help="the coverage study, CSV")
    parser.add_argument("--own", nargs="*", default=[], help="the cell of this run's design, CSV")
    parser.add_argument("--table", required=True, help="LaTeX")
    parser.add_argument("--data", required=True, help="CSV")
    run(main, parser)
