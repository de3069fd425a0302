"""Encode the sound or the text of items into one vector each, by a frozen encoder, once for all programs that use them.

The output is a memory-mapped array, the item of each row, and the encoder's identity. A killed job continues from its
own blocks.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import torch

from scaling_ambiguity import cli
from scaling_ambiguity.code_identity import SCRIPTS, code_hash
from scaling_ambiguity.corpora.sound_paths import sound_paths
from scaling_ambiguity.encoders.encoding import Source, encode_items
from scaling_ambiguity.encoders.kinds import KINDS, SOUND, open_encoder
from scaling_ambiguity.progress import announce
from scaling_ambiguity.tables.items import ITEMS
from scaling_ambiguity.tables.utterances import UTTERANCES, shard_of


def main(arguments: argparse.Namespace) -> None:
    """Open the encoder, encode, write."""
    torch.set_num_threads(1)
    if arguments.augmented:
        rows, root = ITEMS.read(arguments.augmented / "items.parquet"), arguments.augmented
    else:
        rows, root = shard_of(UTTERANCES.read(arguments.utterances), arguments.shard, arguments.shards), arguments.root
    rows = rows.sort_values("utterance")
    kind = KINDS[arguments.encoder["kind"]]
    sources: Sequence[Source]
    if kind.reads == SOUND:
        sources = sound_paths(rows, root)
    else:
        sources = [None if pd.isna(text) else str(text) for text in rows["transcript"]]
    made_by = code_hash(SCRIPTS / "encode_items.py", (f"scaling_ambiguity.{kind.module}",))
    encoder = open_encoder(arguments.encoder)
    lacking = encode_items(encoder, rows["utterance"].tolist(), sources, arguments.state, arguments.output, made_by)
    for name, reason in lacking.items():
        print(f"{name}: no vector: {reason}")
    if lacking:
        announce(
            f"encode_items: {len(lacking)} of {len(rows)} items have no vector; {arguments.output}/ids.parquet says why"
        )
    print(f"{len(rows) - len(lacking)} items, {encoder.width} numbers each")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    items = parser.add_mutually_exclusive_group(required=True)
    items.add_argument("--utterances", type=Path, help="utterances table")
    items.add_argument("--augmented", type=Path, help="folder of augmented items")
    parser.add_argument("--root", type=Path, help="folder that the utterances' paths are relative to")
    parser.add_argument("--encoder", type=cli.json_value, required=True, help="kind and how it is opened, JSON")
    parser.add_argument("--shard", type=int, default=0)
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--state", type=Path, required=True, help="folder of unfinished work")
    parser.add_argument("--output", type=Path, required=True, help="folder of the vectors")
    cli.run(main, parser)
