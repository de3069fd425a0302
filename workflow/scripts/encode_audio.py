"""Run the frozen audio encoder of an audio-language model over one shard of a corpus, once for all its users.

The output consists of the audio tokens that the language model reads, in the number type that the model computes
with: a clip of s seconds takes about s x tokens per second x hidden size x bytes per number. Annotation, fine-tuning
and small peers read them instead of decoding and encoding every clip again. A killed job continues from its
own pieces.
"""

import argparse
from pathlib import Path

import torch

from scaling_ambiguity import cli
from scaling_ambiguity.alms.encoding_shards import encode_shard
from scaling_ambiguity.alms.loading import load_alm
from scaling_ambiguity.corpora.sound_paths import sound_paths
from scaling_ambiguity.tables.utterances import UTTERANCES, shard_of


def main(arguments: argparse.Namespace) -> None:
    """Open the model, encode, write."""
    torch.set_num_threads(1)
    rows = shard_of(UTTERANCES.read(arguments.utterances), arguments.shard, arguments.shards)
    rows = rows.sort_values("utterance")
    named = zip(rows["utterance"], sound_paths(rows, arguments.root), strict=True)
    clips = [(name, path) for name, path in named if path is not None]
    print(f"{len(rows) - len(clips)} of {len(rows)} utterances have no sound and are not encoded")
    entry = dict(arguments.alm)
    unheard = encode_shard(load_alm(entry.pop("checkpoint"), **entry), clips, arguments.state, arguments.output)
    for name, reason in unheard.items():
        print(f"{name}: not encoded: {reason}")
    size = sum(path.stat().st_size for path in arguments.output.iterdir())
    encoded = len(clips) - len(unheard)
    print(f"{encoded} clips, {size / 1e6:.1f} MB, {size / 1e3 / max(1, encoded):.1f} kB per clip")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--utterances", required=True, help="utterances table")
    parser.add_argument("--root", type=Path, required=True, help="folder that the utterances' paths are relative to")
    parser.add_argument("--alm", type=cli.json_value, required=True, help="checkpoint and how it is opened, JSON")
    parser.add_argument("--shard", type=int, required=True)
    parser.add_argument("--shards", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True, help="folder of unfinished work")
    parser.add_argument("--output", type=Path, required=True, help="folder of the encoder's outputs")
    cli.run(main, parser)
