"""Write the table of the three hypotheses and their verdicts."""

import argparse

from scaling_ambiguity.cli import json_value, run
from scaling_ambiguity.io import read_json, write_csv, write_text
from scaling_ambiguity.reporting.naming import printed_as
from scaling_ambiguity.reporting.tables.hypotheses import hypotheses_table


def main(arguments: argparse.Namespace) -> None:
    """Write the table and the numbers behind it."""
    with printed_as(arguments.names):
        table, shown = hypotheses_table([read_json(path) for path in arguments.verdicts])
    write_text(table, arguments.table)
    write_csv(shown, arguments.data)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--verdicts", nargs="+", required=True, help="results/hypotheses/*.json")
    parser.add_argument("--names", type=json_value, default={}, help="printed names of identifiers, JSON")
    parser.add_argument("--table", required=True, help="LaTeX")
    parser.add_argument("--data", required=True, help="CSV")
    run(main, parser)
