"""Join the shards of the audio audit into one table of sounds, and list the faulty ones with their reasons.

The table of utterances stays as read_corpus wrote it: what a run uses is decided there, by the
header of every file. The full decode is a separate, expensive stage that nothing else waits for;
its result is a table of its own, one row an utterance, to be joined by that key.
"""

import argparse
from pathlib import Path

from scaling_ambiguity import cli
from scaling_ambiguity.corpora.accounting import tally
from scaling_ambiguity.corpora.audit import LARGEST_REJECT_SHARE
from scaling_ambiguity.corpora.sound_check import SOUNDS, fault_kinds
from scaling_ambiguity.corpora.sound_gathering import faults_of, gather, refuse_if_too_many
from scaling_ambiguity.tables.rejects import REJECTS
from scaling_ambiguity.tables.utterances import UTTERANCES


def main(arguments: argparse.Namespace) -> None:
    """Gather, count by reason, refuse a corpus that is mostly broken, write."""
    sounds = gather(arguments.shards, UTTERANCES.read(arguments.utterances)["utterance"])
    rejects = faults_of(sounds)
    for reason, number in tally(fault_kinds(sounds["fault"].dropna())).items():
        print(f"{number} files: {reason}")
    print(f"{len(sounds)} files, {len(rejects)} faulty, {sounds['cached'].notna().sum()} resampled")
    largest = arguments.options.get("max_reject_share", LARGEST_REJECT_SHARE)
    refuse_if_too_many(rejects, len(sounds), name=arguments.name, largest=largest)
    SOUNDS.write(sounds, arguments.output)
    text = dict.fromkeys(["item", "stage", "reason", "source_file"], "str")
    REJECTS.write(rejects.astype(text), arguments.rejects)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True, help="name of the corpus")
    parser.add_argument("--options", type=cli.json_value, required=True, help="{max_reject_share: ...} or {}")
    parser.add_argument("--utterances", type=Path, required=True, help="utterances table of the corpus")
    parser.add_argument("--shards", type=Path, nargs="+", required=True, help="tables of audit_audio, one a shard")
    parser.add_argument("--output", type=Path, required=True, help="table of sounds to write")
    parser.add_argument("--rejects", type=Path, required=True, help="table of faulty sounds to write")
    cli.run(main, parser)
