"""Join the scores of strategies at test time of all submissions of a run: one family of tests, one table."""

import argparse

from scaling_ambiguity import cli
from scaling_ambiguity.io import write_csv
from scaling_ambiguity.tables.statistics import STATISTICS
from scaling_ambiguity.tables.strategy_scores import STRATEGY_SCORES
from scaling_ambiguity.testtime.projecting import as_statistics
from scaling_ambiguity.testtime.scoring import joined_scores, wide


def main(arguments: argparse.Namespace) -> None:
    """Adjust p over all models and corpora, project, write."""
    scores = joined_scores([STRATEGY_SCORES.read(path) for path in arguments.scores], arguments.scores)
    STATISTICS.write(as_statistics(scores), arguments.output)
    write_csv(wide(scores), arguments.csv)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", nargs="+", required=True, help="of each submission, parquet")
    parser.add_argument("--output", required=True, help="statistics, parquet")
    parser.add_argument("--csv", required=True, help="one row per ALM, corpus and strategy")
    cli.run(main, parser)
