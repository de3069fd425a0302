"""Export the adapters of every fine-tuned condition as folders that peft loads, with card, curve and checksums."""

import argparse
from pathlib import Path

from scaling_ambiguity import cli
from scaling_ambiguity.finetuning.export import export_adapters


def main(arguments: argparse.Namespace) -> None:
    """Copy the adapters of the run folders, named by their place below ``--below``."""
    runs = {run.relative_to(arguments.below).as_posix(): run for run in arguments.runs}
    export_adapters(runs, arguments.output)
    print(f"{arguments.output}: {len(runs)} adapters")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, nargs="*", default=[], help="run folders, as finetune writes them")
    parser.add_argument("--below", type=Path, required=True, help="folder that contains the run folders")
    parser.add_argument("--output", type=Path, required=True, help="folder to write")
    cli.run(main, parser)
