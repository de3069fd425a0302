"""Ask an audio-language model for the synthetic votes of one shard of a corpus.

Answers come from the answer store where they were ever given; what is missing is asked and
added to it. The votes are a pure function of the stored answers.
"""

import argparse
import importlib
from pathlib import Path

import torch

from scaling_ambiguity import cli
from scaling_ambiguity.proxies.annotation import collect, vote_table
from scaling_ambiguity.proxies.elicitation import items, shard_rows
from scaling_ambiguity.proxies.not_asked import lacking, with_not_asked
from scaling_ambiguity.proxies.reading import longest_answer, prompts_for, reader_for, vocabulary_for
from scaling_ambiguity.proxies.store import AnswerStore
from scaling_ambiguity.tables.proxies import PROXIES
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
    if arguments.alm.get("spending"):  # one cap for all shards and restarts
        arguments.alm["spending"].setdefault("ledger", str(Path(arguments.store) / "spending.log"))
    engine = engines.open_engine({"max_tokens": longest} | arguments.alm)
    asked = items(
        rows[~left], Path(arguments.root), engine, arguments.options, prompts, arguments.classes, arguments.seed
    )
    store = AnswerStore(arguments.store)
    what = f"annotate {arguments.corpus} {arguments.annotator} shard {arguments.shard}"
    records = collect(asked, engine, store, what)
    store.close()
    votes = vote_table(asked, records, arguments.annotator, read)
    if left.any():
        print(f"{left.sum()} utterances lack what the modality needs: their draws are kept with status not_asked")
        votes = with_not_asked(votes, rows[left], arguments.options, prompts, arguments.annotator)
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
    parser.add_argument("--classes", type=cli.name_list, required=True, help="label words, comma-separated")
    parser.add_argument("--shard", type=int, required=True)
    parser.add_argument("--shards", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--store", required=True, help="folder of the answer store")
    parser.add_argument("--output", required=True, help="synthetic votes of the shard, parquet")
    cli.run(main, parser)
