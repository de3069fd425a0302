"""Read the label distributions of an annotator on one shard of a corpus: the limit of infinitely many of its votes.

Every prompt of its design is read once; the distribution is the mean over the design's prompts and temperatures.
Results are kept in a store, as answers are.
"""

import argparse
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any

import torch

from scaling_ambiguity import cli
from scaling_ambiguity.alms.members import members_of
from scaling_ambiguity.proxies import asking
from scaling_ambiguity.proxies.annotation import collect
from scaling_ambiguity.proxies.distribution import asked_once, distribution_table, read_out_options
from scaling_ambiguity.proxies.elicitation import Item, items
from scaling_ambiguity.proxies.not_asked import lacking
from scaling_ambiguity.proxies.played import as_played
from scaling_ambiguity.proxies.reading import prompts_for
from scaling_ambiguity.tables.labels import LABELS
from scaling_ambiguity.tables.utterances import UTTERANCES, shard_of


def main(arguments: argparse.Namespace) -> None:
    """Open the model, read, write."""
    torch.set_num_threads(1)
    classes = arguments.classes
    utterances = as_played(UTTERANCES.read(arguments.utterances), arguments.options, arguments.seed)
    rows = shard_of(utterances, arguments.shard, arguments.shards)
    rows = rows[~rows["utterance"].isin(lacking(utterances, arguments.options["modality"]))]
    prompts = prompts_for(arguments.options, arguments.prompts)
    options = read_out_options(arguments.options, len(prompts.focus_ids), len(classes))
    dialogues = asking.dialogues_of(arguments.turns, rows["utterance"])
    draws: list[list[Item]] = []
    records: dict[str, dict[str, Any]] = {}
    what = f"read out {arguments.corpus} {arguments.annotator} shard {arguments.shard}"
    for alm, members in members_of(arguments.alm, rows):
        entry = asking.entry_of(alm, options, classes, arguments.store, arguments.encodings)
        with closing(asking.open_annotator(entry, options, arguments.annotator)) as engine:
            asked = items(members, Path(arguments.root), engine, options, prompts, classes, arguments.seed, dialogues)
            store = asking.store_for(engine, arguments.store)
            records |= collect(asked_once(asked), engine, store, what)
            store.close()
        draws += asked
    table = distribution_table(draws, records, classes)
    answered = ((item.utterance, records.get(item.request.key)) for item in chain.from_iterable(draws))
    reasons = {name: record["reason"] for name, record in answered if record and record["status"] == "failed"}
    for name in sorted(set(reasons) - set(table["utterance"])):
        print(f"{name}: left out: {reasons[name]}")
    print(f"{len(table)} of {len(rows)} utterances; {options['votes']} cells of the design")
    LABELS.write(table, arguments.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asking.add_arguments(parser)
    asking.add_shard_arguments(parser)
    parser.add_argument("--output", required=True, help="distributions of the shard, a label table")
    cli.run(main, parser)
