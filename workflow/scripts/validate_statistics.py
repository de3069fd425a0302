"""Join the cells of the coverage study and judge each method in each design."""

import argparse

import pandas as pd

from scaling_ambiguity import cli
from scaling_ambiguity.inference.validity import judge
from scaling_ambiguity.io import write_csv


def main(arguments: argparse.Namespace) -> None:
    """Write all cells with their verdicts; refused methods are printed."""
    table = judge(pd.concat([pd.read_csv(path) for path in arguments.cells], ignore_index=True))
    for row in table[table["verdict"] == "refused"].itertuples():
        design = f"{row.speakers} speakers, {row.raters} raters"
        print(f"refused: {row.method} for {row.population}, {design}: {row.coverage:.3f}")
    write_csv(table, arguments.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="validate_statistics.py", description=__doc__)
    parser.add_argument("--cells", nargs="+", required=True)
    parser.add_argument("--output", required=True)
    cli.run(main, parser)
