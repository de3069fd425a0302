"""Check the exchange rate on simulated corpora in which what every proxy is worth is known."""

import argparse

import pandas as pd

from scaling_ambiguity import cli
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.inference.population_worth import worths
from scaling_ambiguity.inference.recovery import UTTERANCES, recovery
from scaling_ambiguity.io import write_csv


def main(arguments: argparse.Namespace) -> None:
    """Simulate corpora of each number of speakers, value the proxies in them, and write how often that was right."""
    for speakers in arguments.speakers:
        if speakers < 2 or UTTERANCES % speakers:
            raise UserError(f"--speakers {speakers}: must be 2 or more and divide {UTTERANCES} utterances.")
    truths = worths(arguments.seed)
    cells = [recovery(g, arguments.corpora, arguments.resamples, arguments.seed, truths) for g in arguments.speakers]
    write_csv(pd.concat(cells, ignore_index=True), arguments.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="validate_recovery.py", description=__doc__)
    parser.add_argument("--speakers", type=int, nargs="+", required=True, help="12 and 24 for the study")
    parser.add_argument("--corpora", type=int, required=True, help="simulated corpora, 600 for the study")
    parser.add_argument("--resamples", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", required=True)
    cli.run(main, parser)
