"""Write a table of the paper from tables of estimates: LaTeX, and the numbers behind it as CSV."""

import argparse

from scaling_ambiguity.cli import json_value, name_list, run
from scaling_ambiguity.io import write_csv, write_text
from scaling_ambiguity.reporting.chapters import TABLES
from scaling_ambiguity.reporting.naming import printed_as
from scaling_ambiguity.reporting.selection import read_statistics


def main(arguments: argparse.Namespace) -> None:
    """Write the table and the rows that it shows."""
    display = TABLES[arguments.name]
    more = [arguments.classes] if display.classes else []
    more += [arguments.proxies] if display.proxies else []
    with printed_as(arguments.names):
        table, shown = display.load()(read_statistics(arguments.statistics), *more)
    write_text(table, arguments.table)
    write_csv(shown, arguments.data)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True, choices=[name for name, one in TABLES.items() if one.shows])
    parser.add_argument("--statistics", nargs="+", required=True)
    parser.add_argument("--classes", type=name_list, help="order of the columns by class; default: alphabetical")
    parser.add_argument("--proxies", type=json_value, default={}, help="name of the votes of each annotator, JSON")
    parser.add_argument("--names", type=json_value, default={}, help="printed names of identifiers, JSON")
    parser.add_argument("--table", required=True, help="LaTeX")
    parser.add_argument("--data", required=True, help="CSV")
    run(main, parser)
