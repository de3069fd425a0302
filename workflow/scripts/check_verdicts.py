"""Fail, with reasons, if a gating verdict of a notebook did not pass; otherwise list all verdicts."""

import argparse
from pathlib import Path

from scaling_ambiguity.cli import run
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import write_json
from scaling_ambiguity.reporting.verdicts import failures, read_verdicts


def main(arguments: argparse.Namespace) -> None:
    """Read the verdicts of all notebooks and gate."""
    verdicts = [{"notebook": path.name, **verdict} for path in arguments.verdicts for verdict in read_verdicts(path)]
    failed = failures(verdicts)
    if failed:
        raise UserError("\n  ".join([f"{len(failed)} of {len(verdicts)} verdicts stop the paper:", *failed]))
    write_json(verdicts, arguments.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--verdicts", type=Path, nargs="+", required=True)
    parser.add_argument("--output", type=Path, required=True)
    run(main, parser)
