"""Ask an audio-language model for the synthetic votes of one shard of a corpus.

Answers come from the answer store where they were ever given; what is missing is asked and
added to it. The votes are a pure function of the stored answers.
"""

import argparse
import importlib
from contextlib import nullcontext
from pathlib import Path

import torch

from scaling_ambiguity import cli
from scaling_ambiguity.proxies.annotation import collect, extra_columns, vote_table
from scaling_ambiguity.proxies.context import Dialogues
from scaling_ambiguity.proxies.elicitation import items, shard_rows
from scaling_ambiguity.proxies.not_asked import lacking, with_not_asked
from scaling_ambiguity.proxies.published import keep_chat_format, missing_reasons, other_revisions, report_missing
from scaling_ambiguity.proxies.reading import longest_answer, prompts_for, reader_for, vocabulary_for
from scaling_ambiguity.proxies.store import AnswerStore
from scaling_ambiguity.proxies.watch import Watch
from scaling_ambiguity.tables.proxies import PROXIES
from scaling_ambiguity.tables.turns import TURNS
from scaling_ambiguity.tables.utterances import UTTERANCES


def main(arguments: argparse.Namespace) -> None:
    """Open the model, ask, write."""
    torch.set_num_threads(1)
    utterances = UTTERANCES.read(arguments.utterances)
    without = lacking(utterances, arguments.options["modality"])
    rows = shard_rows(utterances, arguments.shard, arguments.shards)
    left = rows["utterance"].isin(without)
    engines = importlib.import_module(f"scaling_ambiguity.alms.engines.{arguments.alm['engine']}")
    prompts = prompts_for(arguments.options, arguments.prompts)
    read = reader_for(arguments.options, vocabulary_for(arguments.classes, arguments.synonyms))
    longest = longest_answer(arguments.options, arguments.classes)
    alm = {"max_tokens": longest} | arguments.alm
    if alm.get("spending"):  # one cap for all shards and restarts
        alm["spending"] = {"ledger": str(Path(arguments.store) / "spending.log")} | alm["spending"]
    if arguments.encodings:
        alm["encoded"] = arguments.encodings
    if "serve" in alm:  # a server of this job's own, by a module that other annotators do not depend on
        engine = importlib.import_module("scaling_ambiguity.alms.served").open_served(alm, arguments.server_log)
    else:
        engine = engines.open_engine(alm)
    dialogues = None
    if arguments.turns:
        dialogues = Dialogues(TURNS.read(arguments.turns), arguments.turns)
        alone = sum(utterance not in dialogues for utterance in rows.loc[~left, "utterance"])
        print(f"{alone} utterances have no place in a conversation: they are asked without context")
    design = (arguments.options, prompts, arguments.classes, arguments.seed)
    asked = items(rows[~left], Path(arguments.root), engine, *design, dialogues)
    published = getattr(engine, "answers_only", False)
    store = AnswerStore(engine.folder if published else arguments.store)
    if not published and not keep_chat_format(engine, arguments.store):
        print("the chat format of this model cannot be kept: its answers cannot be replayed without it")
    for revision in [] if published else other_revisions(engine, arguments.store):
        print(f"answers of {engine.model} under another revision are kept and not used: {revision}")
    what = f"annotate {arguments.corpus} {arguments.annotator} shard {arguments.shard}"
    limits = {
        name: arguments.options[name] for name in ("largest_failed_share", "first_answers") if name in arguments.options
    }
    watch = Watch(asked, read, **limits)
    with engine if "serve" in alm else nullcontext():
        records = collect(asked, engine, store, what, watch)
    store.close()
    if arguments.encodings and engine.encodings.missed:
        print(f"{len(engine.encodings.missed)} sounds were not among the encoder outputs and were encoded here")
    reasons = missing_reasons(asked, records, store) if published else {}
    for line in report_missing(asked, reasons):
        print(line)
    votes = vote_table(asked, records, arguments.annotator, read, extra_columns(arguments.options), reasons)
    if left.any():
        print(f"{left.sum()} utterances lack what the modality needs: their draws are kept with status not_asked")
        votes = with_not_asked(votes, rows[left], arguments.annotator, *design)
    PROXIES.write(votes, arguments.output)


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
    parser.add_argument("--synonyms", help="table of synonyms, YAML; without it labels count as they are spelled")
    parser.add_argument("--encodings", nargs="+", default=[], help="encoder outputs of the shard's clips, folders")
    parser.add_argument("--turns", help="turns of the corpus' conversations, for annotators that are given context")
    parser.add_argument("--classes", type=cli.name_list, required=True, help="label words, comma-separated")
    parser.add_argument("--shard", type=int, required=True)
    parser.add_argument("--shards", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--store", required=True, help="folder of the answer store")
    parser.add_argument("--server-log", default="server.log", help="what the server of an entry with `serve` prints")
    parser.add_argument("--output", required=True, help="synthetic votes of the shard, parquet")
    cli.run(main, parser)
