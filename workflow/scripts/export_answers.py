"""Publish the answers of an annotator: a folder that engine `replay_answers` reads without the model."""

import argparse
import shutil
from pathlib import Path

from scaling_ambiguity import cli
from scaling_ambiguity.proxies.published import export


def main(arguments: argparse.Namespace) -> None:
    """Write answers, chat formats and manifest."""
    shutil.rmtree(arguments.output, ignore_errors=True)
    metadata = {"annotator": arguments.annotator, "elicitation": arguments.options, "seed": arguments.seed}
    manifest = export(arguments.store, arguments.output, metadata)
    for model in manifest["models"]:
        print(f"{model['answers']} answers of {model['model']}, revision {model['revision']}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, required=True, help="folder of the answers")
    parser.add_argument("--annotator", required=True, help="name of the annotator")
    parser.add_argument("--options", type=cli.json_value, required=True, help="the annotator's entry, JSON")
    parser.add_argument("--seed", type=int, required=True, help="seed of the run")
    parser.add_argument("--output", type=Path, required=True, help="folder to write")
    cli.run(main, parser)
