"""Join the shards of the audio audit to a corpus and leave out truncated, silent or invalid files, with reasons.

The measurements of each sound go to the table of utterances; faulty utterances and their votes
go to the rejects, and the report on what was found and lost is updated. A corpus without sound, or
whose sound is not used, passes unchanged.
"""

import argparse
from pathlib import Path

from scaling_ambiguity import cli
from scaling_ambiguity.corpora import LARGEST_REJECT_SHARE
from scaling_ambiguity.corpora.accounting import refuse_if_too_many, tally
from scaling_ambiguity.corpora.audit_report import after_screening
from scaling_ambiguity.corpora.leakage import read_hashes
from scaling_ambiguity.corpora.model import Corpus
from scaling_ambiguity.corpora.screening import compare_with_published, faults_of, gather, screen
from scaling_ambiguity.corpora.sound_check import fault_kinds
from scaling_ambiguity.io import read_json, write_json
from scaling_ambiguity.tables.rejects import REJECTS
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES


def main(arguments: argparse.Namespace) -> None:
    """Gather, count by reason, refuse a mostly unusable corpus, write."""
    folder = arguments.found
    corpus = Corpus(
        UTTERANCES.read(folder / "utterances.parquet"),
        VOTES.read(folder / "votes.parquet"),
        REJECTS.read(folder / "rejects.parquet"),
    )
    account = read_json(folder / "audit.json")
    if arguments.shards and corpus.utterances["path"].notna().any():
        sounds = gather(arguments.shards, corpus.utterances["utterance"])
        sounds = sounds[sounds["path"] != ""]
        faults = faults_of(sounds)
        kinds = tally(fault_kinds(sounds["fault"].dropna()))
        for reason, number in kinds.items():
            print(f"{number} files: {reason}")
        print(f"{len(sounds)} files, {len(faults)} faulty, {sounds['cached'].notna().sum()} resampled")
        largest = arguments.options.get("max_reject_share", LARGEST_REJECT_SHARE)
        refuse_if_too_many(
            faults, len(sounds), len(sounds) - len(faults), "sounds", name=arguments.name, largest=largest
        )
        corpus = screen(corpus, sounds, arguments.cache)
        account = after_screening(account, corpus, {f"audio: {reason}": n for reason, n in kinds.items()})
        if arguments.hashes:
            account["sound"] = compare_with_published(
                corpus.utterances, read_hashes(arguments.hashes, corpus.utterances)
            )
    UTTERANCES.write(corpus.utterances, arguments.utterances)
    VOTES.write(corpus.votes, arguments.votes)
    text = dict.fromkeys(["item", "stage", "reason", "source_file"], "str")
    REJECTS.write(corpus.rejects.astype(text), arguments.rejects)
    write_json(account, arguments.audit)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True, help="name of the corpus")
    parser.add_argument("--options", type=cli.json_value, required=True, help="{max_reject_share: ...} or {}")
    parser.add_argument("--found", type=Path, required=True, help="folder of what read_corpus wrote")
    parser.add_argument("--shards", type=Path, nargs="*", default=[], help="tables of audit_audio, one per shard")
    parser.add_argument("--hashes", type=Path, nargs="*", default=[], help="pinned lists of the published files")
    parser.add_argument("--cache", type=Path, required=True, help="folder of resampled copies")
    for name in ("utterances", "votes", "rejects"):
        parser.add_argument(f"--{name}", type=Path, required=True, help="table to write")
    parser.add_argument("--audit", type=Path, required=True, help="account of what was found, lost and allowed")
    cli.run(main, parser)
