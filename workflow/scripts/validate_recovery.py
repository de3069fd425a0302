"""Check the exchange rate on simulated corpora in which the worth of every proxy is known."""

import argparse

import pandas as pd

from scaling_ambiguity import cli
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.inference.population_worth import worths
from scaling_ambiguity.inference.recovery import recovery
from scaling_ambiguity.io import write_csv
from scaling_ambiguity.tables.statistics import LEAST_CLUSTERS


def main(arguments: argparse.Namespace) -> None:
    """Simulate corpora of each number of speakers, value the proxies in them, and write the coverage."""
    for speakers in arguments.speakers:
        if speakers < LEAST_CLUSTERS:
            raise UserError(f"--speakers {speakers}: an interval needs {LEAST_CLUSTERS} or more.")
    if len(arguments.corpora) != len(arguments.speakers):
        raise UserError(f"--corpora: {len(arguments.corpora)} numbers for {len(arguments.speakers)} of speakers.")
    truths = worths(arguments.seed)
    cells = [
        recovery(speakers, corpora, arguments.resamples, arguments.seed, truths)
        for speakers, corpora in zip(arguments.speakers, arguments.corpora, strict=True)
    ]
    write_csv(pd.concat(cells, ignore_index=True), arguments.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="validate_recovery.py", description=__doc__)
    parser.add_argument("--speakers", type=int, nargs="+", required=True, help="12, 24 and 91 for the study")
    parser.add_argument("--corpora", type=int, nargs="+", required=True, help="simulated corpora of each")
    parser.add_argument("--resamples", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", required=True)
    cli.run(main, parser)
