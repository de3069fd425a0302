"""Write the leaderboard of everything that a run valued in human votes, as CSV and parquet."""

import argparse

from scaling_ambiguity import cli
from scaling_ambiguity.evaluation.leaderboard import leaderboard
from scaling_ambiguity.io import write_csv, write_parquet
from scaling_ambiguity.reporting.selection import read_statistics

SHOWN = ["rank", "model", "labels", "augmentation", "votes", "equivalent_votes", "equivalent_votes_low", "nll"]


def main(arguments: argparse.Namespace) -> None:
    """Write and print it."""
    board = leaderboard(read_statistics(arguments.statistics))
    write_csv(board, arguments.csv)
    write_parquet(board, arguments.parquet)
    for (corpus, protocol), rows in board.groupby(["corpus", "protocol"]):
        print(f"{corpus}, {protocol}: equivalent human votes")
        print(rows[SHOWN].round(3).to_string(index=False))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--statistics", nargs="+", required=True, help="tables of value_predictors")
    parser.add_argument("--csv", required=True)
    parser.add_argument("--parquet", required=True)
    cli.run(main, parser)
