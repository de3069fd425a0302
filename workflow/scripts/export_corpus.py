"""Export a corpus' votes and label distributions as a folder that Hugging Face datasets loads, with a data card.

Ids and votes only: never audio, paths, transcripts or the raters' free text.
"""

import argparse
from pathlib import Path

from scaling_ambiguity import cli
from scaling_ambiguity.corpora.export import export
from scaling_ambiguity.tables.labels import LABELS
from scaling_ambiguity.tables.votes import VOTES


def main(arguments: argparse.Namespace) -> None:
    """Read votes and labels, keep what may be published, write the folder."""
    labels = {path.stem: LABELS.read(path) for path in arguments.labels}
    export(arguments.name, arguments.options, VOTES.read(arguments.votes), labels, arguments.output)
    print(f"{arguments.output}: votes and {len(labels)} label tables of {arguments.name}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True, help="name of the corpus")
    parser.add_argument("--options", type=cli.json_value, required=True, help="the corpus' entry in the configuration")
    parser.add_argument("--votes", type=Path, required=True, help="votes table")
    parser.add_argument(
        "--labels", type=Path, nargs="*", default=[], help="label tables; their file names become names"
    )
    parser.add_argument("--output", type=Path, required=True, help="folder to write")
    cli.run(main, parser)
