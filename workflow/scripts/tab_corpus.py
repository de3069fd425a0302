"""Write the table that describes the corpora."""

import argparse

from scaling_ambiguity.cli import json_value, name_list, run
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import write_csv, write_text
from scaling_ambiguity.reporting.naming import printed_as
from scaling_ambiguity.reporting.tables.corpus import corpus_table, describe_corpus
from scaling_ambiguity.tables.rejects import REJECTS
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES


def main(arguments: argparse.Namespace) -> None:
    """Write the table and the numbers behind it."""
    corpora = [name for word in arguments.corpora for name in name_list(word)]
    files = (arguments.utterances, arguments.votes, arguments.rejects)
    if any(len(paths) != len(corpora) for paths in files):
        raise UserError(f"tab_corpus: one file of each kind for every corpus of {corpora}, in that order.")
    described = {
        corpus: describe_corpus(UTTERANCES.read(u), VOTES.read(v), REJECTS.read(r), arguments.classes)
        for corpus, u, v, r in zip(corpora, *files, strict=True)
    }
    with printed_as(arguments.names):
        table, shown = corpus_table(described)
    write_text(table, arguments.table)
    write_csv(shown, arguments.data)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpora", nargs="+", required=True)
    parser.add_argument("--utterances", nargs="+", required=True)
    parser.add_argument("--votes", nargs="+", required=True)
    parser.add_argument("--rejects", nargs="+", required=True)
    parser.add_argument("--classes", type=name_list, required=True)
    parser.add_argument("--names", type=json_value, default={}, help="printed names of identifiers, JSON")
    parser.add_argument("--table", required=True, help="LaTeX")
    parser.add_argument("--data", required=True, help="CSV")
    run(main, parser)
