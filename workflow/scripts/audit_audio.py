"""Decode every sound file of a shard to its end: rate, level, clipping, hash and faults.

Files that are not 16 kHz mono are resampled once into a cache, named by the SHA-256 of its source.
"""

import argparse
from pathlib import Path

from scaling_ambiguity import cli
from scaling_ambiguity.corpora.accounting import tally
from scaling_ambiguity.corpora.sound_check import SOUNDS, check_utterance, fault_kinds, sounds_frame
from scaling_ambiguity.progress import progress
from scaling_ambiguity.tables.utterances import UTTERANCES, shard_of


def main(arguments: argparse.Namespace) -> None:
    """Check the sounds of one shard and write the measurements."""
    mine = shard_of(UTTERANCES.read(arguments.utterances), arguments.shard, arguments.shards)
    pairs = list(zip(mine["utterance"], mine["path"].astype(object).where(mine["path"].notna(), None), strict=True))
    rows = [
        check_utterance(utterance, path, arguments.root, arguments.cache)
        for utterance, path in progress(pairs, "audit audio", total=len(pairs), unit="file")
    ]
    sounds = sounds_frame(rows)
    SOUNDS.write(sounds, arguments.output)
    faulty = sounds[sounds["fault"].notna()]
    kind = fault_kinds(faulty["fault"])
    for reason, number in tally(kind).items():
        first = faulty.loc[kind == reason, "path"].iloc[0]
        print(f"{number} files: {reason}, e.g. {first}")
    print(f"{len(sounds)} files, {len(faulty)} faulty, {sounds['cached'].notna().sum()} resampled")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--utterances", type=Path, required=True, help="utterances table of the corpus")
    parser.add_argument("--root", type=Path, required=True, help="folder of the corpus")
    parser.add_argument("--shard", type=int, required=True, help="number of the shard, from 0")
    parser.add_argument("--shards", type=int, required=True, help="number of shards")
    parser.add_argument("--cache", type=Path, required=True, help="folder of resampled copies")
    parser.add_argument("--output", type=Path, required=True, help="table of measurements to write")
    cli.run(main, parser)
