"""Start the server of an audio-language model, write its address once it is healthy, and stop it, with everything that
it started, when the process that needs it ends: on SIGTERM, and after a kill -9 of any of them.
"""

import argparse
import os
from pathlib import Path

from scaling_ambiguity import cli
from scaling_ambiguity.alms.serving import keep, read_recipe


def main(arguments: argparse.Namespace) -> None:
    """Start, wait, stop."""
    raise SystemExit(keep(read_recipe(arguments.alm), arguments.address, arguments.owner))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--alm", type=cli.json_value, required=True, help="the model's entry in the configuration, with `serve`, JSON"
    )
    parser.add_argument("--address", type=Path, required=True, help="file that holds the address while it answers")
    parser.add_argument(
        "--owner", type=int, default=os.getppid(), help="process whose end ends the server; default: who starts this"
    )
    cli.run(main, parser)
