"""Write the table of utterances and votes found, kept and lost in each corpus, by reason."""

import argparse

from scaling_ambiguity.cli import json_value, name_list, run
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import read_json, write_csv, write_text
from scaling_ambiguity.reporting.naming import printed_as
from scaling_ambiguity.reporting.tables.votes_lost import votes_lost_table


def main(arguments: argparse.Namespace) -> None:
    """Write the table and the numbers behind it."""
    if len(arguments.corpora) != len(arguments.audits):
        raise UserError(f"tab_votes_lost: one audit for every corpus of {arguments.corpora}, in that order.")
    audits = {corpus: read_json(path) for corpus, path in zip(arguments.corpora, arguments.audits, strict=True)}
    with printed_as(arguments.names):
        table, shown = votes_lost_table(audits)
    write_text(table, arguments.table)
    write_csv(shown, arguments.data)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpora", type=name_list, required=True, help="names, joined by commas")
    parser.add_argument("--audits", nargs="+", required=True, help="audit.json of each corpus")
    parser.add_argument("--names", type=json_value, default={}, help="printed names of identifiers, JSON")
    parser.add_argument("--table", required=True, help="LaTeX")
    parser.add_argument("--data", required=True, help="CSV")
    run(main, parser)
