"""Measure how often each statistical test rejects, where the null hypothesis is true and where it is not."""

import argparse

import pandas as pd

from scaling_ambiguity import cli
from scaling_ambiguity.inference.designs import design_of
from scaling_ambiguity.inference.type_one import rejection_rates
from scaling_ambiguity.io import write_csv


def main(arguments: argparse.Namespace) -> None:
    """Simulate the corpora of each design, test, and write the rates; tests that reject too often are printed."""
    cells = []
    for name in arguments.cells:
        cells.append(rejection_rates(design_of(name), arguments.corpora, arguments.resamples, arguments.seed))
        for row in cells[-1].query("verdict == 'liberal'").itertuples():
            where = f"{row.speakers} speakers, {row.world} differences"
            print(f"{row.test} rejects a true hypothesis too often, {where}: {row.rate:.3f}")
    write_csv(pd.concat(cells, ignore_index=True), arguments.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="validate_tests.py", description=__doc__)
    parser.add_argument(
        "--cells", nargs="+", required=True, help="e.g. g12_h30_c4_n5: speakers, raters, classes, votes"
    )
    parser.add_argument("--corpora", type=int, required=True, help="simulated corpora, 2,000 for the study")
    parser.add_argument("--resamples", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", required=True)
    cli.run(main, parser)
