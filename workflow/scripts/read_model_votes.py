"""Read the votes of a model that were given as a table, as the answers of an annotator.

Rows that are not a vote on an utterance of the corpus are left out, each with its line and reason; a draw that the
table lacks counts as failed.
"""

import argparse
from pathlib import Path

from scaling_ambiguity import cli
from scaling_ambiguity.io import write_csv
from scaling_ambiguity.progress import announce
from scaling_ambiguity.proxies.effective import draw_counts, intraclass_correlation, summary
from scaling_ambiguity.proxies.gathering import status_counts
from scaling_ambiguity.proxies.tabulated import as_proxies, read_model_votes
from scaling_ambiguity.tables.proxies import PROXIES
from scaling_ambiguity.tables.utterances import UTTERANCES


def main(arguments: argparse.Namespace) -> None:
    """Read, write and report what was left out."""
    utterances = list(UTTERANCES.read(arguments.utterances)["utterance"])
    given, lost = read_model_votes(arguments.table, utterances, arguments.columns)
    votes = as_proxies(
        given,
        utterances,
        annotator=arguments.annotator,
        draws=arguments.draws,
        classes=arguments.classes,
        merge=arguments.merge,
    )
    PROXIES.write(votes, arguments.output)
    write_csv(lost, arguments.rejects)
    write_csv(status_counts(votes), arguments.status)
    counted = draw_counts(votes)
    write_csv(counted, arguments.draws_table)
    print(summary(counted, intraclass_correlation(votes)))
    counts = votes["status"].value_counts().to_dict()
    beyond = int((given["place"] >= arguments.draws).sum())
    print(f"{len(utterances)} utterances, draws {counts}; {beyond} votes beyond the first {arguments.draws} ignored")
    if len(lost):
        reasons = ", ".join(f"{number} {reason}" for reason, number in lost["reason"].value_counts().items())
        line = f"{arguments.table}: {len(lost)} rows left out ({reasons}), listed in {arguments.rejects}"
        print(line)
        announce(line)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="read_model_votes.py", description=__doc__)
    parser.add_argument("--table", type=Path, required=True, help="votes of the model, CSV, TSV or parquet")
    parser.add_argument("--columns", type=cli.json_value, default={}, help="{our column: column of the table}")
    parser.add_argument("--merge", type=cli.json_value, default={}, help="{label: class} of the corpus' class policy")
    parser.add_argument("--utterances", type=Path, required=True, help="utterances to vote on, parquet")
    parser.add_argument("--annotator", required=True, help="name of the annotator")
    parser.add_argument("--draws", type=int, required=True, help="votes per utterance")
    parser.add_argument("--classes", type=cli.name_list, required=True, help="class set, comma-separated")
    parser.add_argument("--output", type=Path, required=True, help="synthetic votes to write, parquet")
    parser.add_argument("--rejects", type=Path, required=True, help="rows left out, to write, CSV")
    parser.add_argument("--status", type=Path, required=True, help="counts by status to write, CSV")
    parser.add_argument("--draws-table", type=Path, required=True, help="votes of each utterance to write, CSV")
    cli.run(main, parser)
