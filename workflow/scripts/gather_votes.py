"""Join the shards of an annotator into one table of synthetic votes, and count the answers by status."""

import argparse

from scaling_ambiguity import cli
from scaling_ambiguity.io import write_csv
from scaling_ambiguity.proxies.effective import draw_counts, intraclass_correlation, summary
from scaling_ambiguity.proxies.gathering import gather, status_counts
from scaling_ambiguity.tables.proxies import PROXIES


def main(arguments: argparse.Namespace) -> None:
    """Gather, check, write."""
    votes = gather(arguments.shards)
    PROXIES.write(votes, arguments.votes)
    write_csv(status_counts(votes), arguments.status)
    counts = draw_counts(votes)
    write_csv(counts, arguments.draws_table)
    print(summary(counts, intraclass_correlation(votes)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shards", nargs="+", required=True, help="synthetic votes of every shard, parquet")
    parser.add_argument("--votes", required=True, help="all synthetic votes, parquet")
    parser.add_argument("--status", required=True, help="counts by prompt, temperature and status, CSV")
    parser.add_argument("--draws-table", required=True, help="valid and effective votes of each utterance, CSV")
    cli.run(main, parser)
