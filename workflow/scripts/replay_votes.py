"""Use the votes of another corpus entry as an annotator's votes, e.g. CREMA-D's face votes on its voices.

The first votes of each utterance, in an order hashed from seed, utterance and rater, become its draws;
an utterance with fewer votes has failed draws, which are counted.
"""

import argparse
from pathlib import Path

from scaling_ambiguity import cli
from scaling_ambiguity.io import write_csv
from scaling_ambiguity.proxies.effective import draw_counts, intraclass_correlation, summary
from scaling_ambiguity.proxies.gathering import status_counts
from scaling_ambiguity.proxies.replay import replay
from scaling_ambiguity.tables.proxies import PROXIES
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES


def main(arguments: argparse.Namespace) -> None:
    """Read, replay, write."""
    utterances = UTTERANCES.read(arguments.utterances)["utterance"]
    source = VOTES.read(arguments.votes)
    votes = replay(
        source,
        list(utterances),
        annotator=arguments.annotator,
        draws=arguments.draws,
        classes=arguments.classes,
        seed=arguments.seed,
        where=str(arguments.votes),
    )
    PROXIES.write(votes, arguments.output)
    write_csv(status_counts(votes), arguments.status)
    counted = draw_counts(votes)
    write_csv(counted, arguments.draws_table)
    print(summary(counted, intraclass_correlation(votes)))
    elsewhere = source["utterance"].nunique() - source.loc[source["utterance"].isin(utterances), "utterance"].nunique()
    counts = votes["status"].value_counts().to_dict()
    print(f"{len(utterances)} utterances, draws {counts}; {elsewhere} utterances of {arguments.votes} ignored")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--votes", type=Path, required=True, help="votes table to replay, of another corpus entry")
    parser.add_argument("--utterances", type=Path, required=True, help="utterances to vote on, parquet")
    parser.add_argument("--annotator", required=True, help="name of the annotator")
    parser.add_argument("--draws", type=int, required=True, help="votes per utterance")
    parser.add_argument("--classes", type=cli.name_list, required=True, help="class set, comma-separated")
    parser.add_argument("--seed", type=int, required=True, help="seed of the run")
    parser.add_argument("--output", type=Path, required=True, help="synthetic votes to write, parquet")
    parser.add_argument("--status", type=Path, required=True, help="counts by status to write, CSV")
    parser.add_argument("--draws-table", type=Path, required=True, help="votes of each utterance to write, CSV")
    cli.run(main, parser)
