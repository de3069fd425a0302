"""Read the label distributions of an annotator on one shard of a corpus: the limit of infinitely many of its votes.

Every prompt of its design is read once; the distribution is the mean over the design's prompts and temperatures.
What was read once is kept in a store, as answers are.
"""

import argparse
import importlib
from itertools import chain
from pathlib import Path

import torch

from scaling_ambiguity import cli
from scaling_ambiguity.proxies.annotation import collect
from scaling_ambiguity.proxies.context import Dialogues
from scaling_ambiguity.proxies.distribution import asked_once, distribution_table, read_out_options
from scaling_ambiguity.proxies.elicitation import items, shard_rows
from scaling_ambiguity.proxies.not_asked import lacking
from scaling_ambiguity.proxies.reading import prompts_for
from scaling_ambiguity.proxies.store import AnswerStore
from scaling_ambiguity.tables.labels import LABELS
from scaling_ambiguity.tables.turns import TURNS
from scaling_ambiguity.tables.utterances import UTTERANCES


def main(arguments: argparse.Namespace) -> None:
    """Open the model, read, write."""
    torch.set_num_threads(1)
    utterances = UTTERANCES.read(arguments.utterances)
    rows = shard_rows(utterances, arguments.shard, arguments.shards)
    rows = rows[~rows["utterance"].isin(lacking(utterances, arguments.options["modality"]))]
    prompts = prompts_for(arguments.options, arguments.prompts)
    options = read_out_options(arguments.options, len(prompts.focus_ids), len(arguments.classes))
    encoded = {"encoded": arguments.encodings} if arguments.encodings else {}
    engine = importlib.import_module(f"scaling_ambiguity.alms.engines.{arguments.alm['engine']}").open_engine(
        arguments.alm | encoded
    )
    dialogues = Dialogues(TURNS.read(arguments.turns), arguments.turns) if arguments.turns else None
    draws = items(rows, Path(arguments.root), engine, options, prompts, arguments.classes, arguments.seed, dialogues)
    store = AnswerStore(engine.folder if getattr(engine, "answers_only", False) else arguments.store)
    what = f"read out {arguments.corpus} {arguments.annotator} shard {arguments.shard}"
    records = collect(asked_once(draws), engine, store, what)
    store.close()
    table = distribution_table(draws, records, arguments.classes)
    found = ((item.utterance, records.get(item.request.key)) for item in chain.from_iterable(draws))
    reasons = {name: record["reason"] for name, record in found if record and record["status"] == "failed"}
    for name in sorted(set(reasons) - set(table["utterance"])):
        print(f"{name}: left out: {reasons[name]}")
    print(f"{len(table)} of {len(rows)} utterances; {options['votes']} cells of the design")
    LABELS.write(table, arguments.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--annotator", required=True)
    parser.add_argument("--utterances", required=True, help="utterances table")
    parser.add_argument("--root", required=True, help="folder that the utterances' paths are relative to")
    parser.add_argument(
        "--alm", type=cli.json_value, required=True, help="the model's entry in the configuration, JSON"
    )
    parser.add_argument("--options", type=cli.json_value, required=True, help="the annotator's entry, JSON")
    parser.add_argument("--prompts", required=True, help="prompt set, YAML")
    parser.add_argument("--encodings", nargs="+", default=[], help="encoder outputs of the shard's clips, folders")
    parser.add_argument("--turns", help="turns of the corpus' conversations, for annotators that are given context")
    parser.add_argument("--classes", type=cli.name_list, required=True, help="label words, comma-separated")
    parser.add_argument("--shard", type=int, required=True)
    parser.add_argument("--shards", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--store", required=True, help="folder of the store of read-outs")
    parser.add_argument("--output", required=True, help="distributions of the shard, a label table")
    cli.run(main, parser)
