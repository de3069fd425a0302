"""Ask an audio-language model for the synthetic votes of one shard of a corpus.

Answers come from the answer store if they were given before; missing ones are requested and added to it. The votes
are a pure function of the stored answers.
"""

import argparse
from contextlib import closing
from pathlib import Path
from typing import Any

import torch

from scaling_ambiguity import cli
from scaling_ambiguity.alms.members import members_of
from scaling_ambiguity.proxies import asking
from scaling_ambiguity.proxies.annotation import ask_all, extra_columns, vote_table
from scaling_ambiguity.proxies.elicitation import Item, items
from scaling_ambiguity.proxies.not_asked import lacking, with_not_asked
from scaling_ambiguity.proxies.played import as_played
from scaling_ambiguity.proxies.reading import prompts_for, reader_for, vocabulary_for
from scaling_ambiguity.proxies.watch import LIMITS, Watch
from scaling_ambiguity.tables.proxies import PROXIES
from scaling_ambiguity.tables.utterances import UTTERANCES, shard_of


def main(arguments: argparse.Namespace) -> None:
    """Open the model, query it, write the votes."""
    torch.set_num_threads(1)
    options = arguments.options
    utterances = as_played(UTTERANCES.read(arguments.utterances), options, arguments.seed)
    rows = shard_of(utterances, arguments.shard, arguments.shards)
    left = rows["utterance"].isin(lacking(utterances, options["modality"]))
    design = (options, prompts_for(options, arguments.prompts), arguments.classes, arguments.seed)
    read = reader_for(options, vocabulary_for(arguments.classes, arguments.synonyms))
    dialogues = asking.dialogues_of(arguments.turns, rows.loc[~left, "utterance"])
    asked: list[list[Item]] = []
    records: dict[str, dict[str, Any]] = {}
    reasons: dict[str, str] = {}
    for alm, members in members_of(arguments.alm, rows[~left]):
        entry = asking.entry_of(alm, options, arguments.classes, arguments.store, arguments.encodings)
        with closing(asking.open_annotator(entry, options, arguments.annotator, arguments.server_log)) as engine:
            requested = items(members, Path(arguments.root), engine, *design, dialogues)
            watch = Watch(requested, read, **{name: options[name] for name in LIMITS if name in options})
            what = f"annotate {arguments.corpus} {arguments.annotator} shard {arguments.shard}"
            member_records, member_reasons = ask_all(requested, engine, arguments.store, what, watch)
        asked, records, reasons = asked + requested, records | member_records, reasons | member_reasons
    votes = vote_table(asked, records, arguments.annotator, read, extra_columns(options), reasons)
    if left.any():
        print(f"{left.sum()} utterances lack what the modality needs: their draws are kept with status not_asked")
        votes = with_not_asked(votes, rows[left], arguments.annotator, *design)
    PROXIES.write(votes, arguments.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asking.add_arguments(parser)
    asking.add_shard_arguments(parser)
    parser.add_argument("--synonyms", help="table of synonyms, YAML; without it labels count as they are spelled")
    parser.add_argument("--server-log", default="server.log", help="log file of the server of an entry with `serve`")
    parser.add_argument("--output", required=True, help="synthetic votes of the shard, parquet")
    cli.run(main, parser)
