"""Write the table of a run's settings and amounts: what was asked, trained and resampled."""

import argparse

import pandas as pd

from scaling_ambiguity.cli import json_value, run
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import write_csv, write_text
from scaling_ambiguity.reporting.naming import printed_as
from scaling_ambiguity.reporting.tables.settings import settings_table


def main(arguments: argparse.Namespace) -> None:
    """Write the table and the rows behind it."""
    names = list(arguments.settings["annotators"])
    if len(names) != len(arguments.answers):
        raise UserError(f"tab_settings: one status table for every annotator of {names}, in that order.")
    answers = {name: pd.read_csv(path) for name, path in zip(names, arguments.answers, strict=True)}
    with printed_as(arguments.names):
        table, shown = settings_table(arguments.settings, answers)
    write_text(table, arguments.table)
    write_csv(shown, arguments.data)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", type=json_value, required=True, help="of the run, JSON")
    parser.add_argument("--answers", nargs="*", default=[], help="status.csv of each annotator")
    parser.add_argument("--names", type=json_value, default={}, help="printed names of identifiers, JSON")
    parser.add_argument("--table", required=True, help="LaTeX")
    parser.add_argument("--data", required=True, help="CSV")
    run(main, parser)
