"""Fetch the models of a run from the hub, once and where there is internet: pinned commits, safetensors only, every
file checked. Files that have arrived are not fetched again; afterwards the jobs need no internet.
"""

import argparse
import os
from pathlib import Path

from scaling_ambiguity import cli
from scaling_ambiguity.alms.hub import fetch_all, pinned
from scaling_ambiguity.io import write_json


def main(arguments: argparse.Namespace) -> None:
    """Look up, fetch, check, write the list."""
    os.environ.pop("HF_HUB_OFFLINE", None)  # set for the jobs only
    os.environ.pop("TRANSFORMERS_OFFLINE", None)
    models = pinned(arguments.models)
    if not models:
        print("nothing to fetch: no model of this run is on the hub")
    write_json(fetch_all(models), arguments.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=cli.json_value, required=True, help="entries by configuration key, JSON")
    parser.add_argument("--output", type=Path, required=True, help="what was fetched, with SHA-256, JSON")
    cli.run(main, parser)
