"""Read a corpus into tables: utterances, votes and rejects.

The reader is a module of scaling_ambiguity.corpora.readers, chosen by name. Every audio file's
header is read; what is faulty is left out and stands in the rejects with its reason.
"""

import argparse
import importlib
from pathlib import Path

from scaling_ambiguity import cli
from scaling_ambiguity.corpora.audit import LARGEST_REJECT_SHARE, audit
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.tables.rejects import REJECTS
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES


def main(arguments: argparse.Namespace) -> None:
    """Read, audit and write the corpus."""
    module = f"scaling_ambiguity.corpora.readers.{arguments.reader}"
    try:
        reader = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise UserError(
            f"corpora.{arguments.name}.reader is {arguments.reader!r}; there is no module {module}."
        ) from None
    if not arguments.root.is_dir():
        raise UserError(f"{arguments.root}: no such folder; correct the root of corpus {arguments.name}.")
    share = arguments.options.get("max_reject_share", LARGEST_REJECT_SHARE)
    corpus = audit(
        reader.read(arguments.root, arguments.options), arguments.root, name=arguments.name, largest_reject_share=share
    )
    UTTERANCES.write(corpus.utterances, arguments.utterances)
    VOTES.write(corpus.votes, arguments.votes)
    text = dict.fromkeys(["item", "stage", "reason", "source_file"], "str")
    REJECTS.write(corpus.rejects.astype(text), arguments.rejects)
    print(f"{len(corpus.utterances)} utterances, {len(corpus.votes)} votes, {len(corpus.rejects)} rejects")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reader", required=True, help="module of corpora/readers")
    parser.add_argument("--name", required=True, help="name of the corpus")
    parser.add_argument("--root", type=Path, required=True, help="folder of the corpus")
    parser.add_argument("--options", type=cli.json_value, required=True, help="the corpus' entry in the configuration")
    parser.add_argument("--utterances", type=Path, required=True, help="table to write")
    parser.add_argument("--votes", type=Path, required=True, help="table to write")
    parser.add_argument("--rejects", type=Path, required=True, help="table to write")
    cli.run(main, parser)
