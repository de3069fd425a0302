"""Read the conversations of a corpus: every turn in the order of speaking, for annotators that receive context.

They are read by a module of scaling_ambiguity.corpora.dialogues, named like the corpus' reader.
"""

import argparse
from pathlib import Path

from scaling_ambiguity import cli
from scaling_ambiguity.corpora import module_of
from scaling_ambiguity.tables.turns import TURNS


def main(arguments: argparse.Namespace) -> None:
    """Read and write."""
    otherwise = f"corpora.{arguments.name}: reader {arguments.reader!r} has no conversations; set the annotator's "
    reader = module_of("dialogues", arguments.reader, otherwise + "context to 0.")
    turns, other = reader.turns(arguments.root)
    TURNS.write(turns, arguments.output)
    print(f"{len(turns)} turns of {turns['dialogue'].nunique()} conversations; {other} lines are no turn")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reader", required=True, help="module of corpora/dialogues")
    parser.add_argument("--name", required=True, help="name of the corpus")
    parser.add_argument("--root", type=Path, required=True, help="folder of the corpus")
    parser.add_argument("--output", type=Path, required=True, help="turns to write, parquet")
    cli.run(main, parser)
