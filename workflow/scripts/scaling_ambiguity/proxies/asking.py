"""Shared parts of programs that query an annotator about a corpus: the engine, the store and the conversations."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from scaling_ambiguity import cli
from scaling_ambiguity.alms.engine import AnyEngine, Capability, open_engine
from scaling_ambiguity.proxies.context import Dialogues
from scaling_ambiguity.proxies.published import keep_chat_format, other_revisions
from scaling_ambiguity.proxies.reading import longest_answer
from scaling_ambiguity.proxies.store import AnswerStore
from scaling_ambiguity.tables.turns import TURNS

_CAPABILITIES: dict[str, Capability] = {"sampled": "sample", "verbalised": "sample", "readout": "read_labels"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments by which a program is given an annotator and a corpus."""
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--annotator", required=True)
    parser.add_argument("--utterances", required=True, help="utterances table")
    parser.add_argument("--root", required=True, help="folder that the utterances' paths are relative to")
    parser.add_argument(
        "--alm", type=cli.json_value, required=True, help="the model's entry in the configuration, JSON"
    )
    parser.add_argument("--options", type=cli.json_value, required=True, help="the annotator's entry, JSON")
    parser.add_argument("--prompts", required=True, help="prompt set, YAML")
    parser.add_argument("--turns", help="turns of the corpus' conversations, for annotators that receive context")
    parser.add_argument("--classes", type=cli.name_list, required=True, help="label words, comma-separated")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--store", required=True, help="folder of the answer store")


def add_shard_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that name a shard of the corpus."""
    parser.add_argument("--shard", type=int, required=True)
    parser.add_argument("--shards", type=int, required=True)
    parser.add_argument("--encodings", nargs="+", default=[], help="encoder outputs of the shard's clips, folders")


def entry_of(
    alm: dict[str, Any], options: dict[str, Any], classes: list[str], store: str | Path, encodings: Sequence[str] = ()
) -> dict[str, Any]:
    """Return an ``alms`` entry with the additions of an annotator.

    These are the token limit of its answers, unless the entry has one; with a spending limit the ledger, one for
    all shards and restarts; and the folders of the clips' encoder outputs.
    """
    entry = {"max_tokens": longest_answer(options, classes)} | alm
    if entry.get("spending"):
        entry["spending"] = {"ledger": str(Path(store) / "spending.log")} | entry["spending"]
    return entry | ({"encoded": encodings} if encodings else {})


def open_annotator(
    entry: dict[str, Any], options: dict[str, Any], annotator: str, server_log: str | Path = "server.log"
) -> AnyEngine:
    """Open the engine of an annotator's ALM.

    Args:
        entry: See :func:`entry_of`.
        options: The annotator's entry; its mode determines the required capability of the engine.
        annotator: Its name, for messages.
        server_log: What the server of an entry with ``serve`` prints.

    Raises:
        UserError: See :func:`open_engine`.
    """
    mode = options.get("mode", "sampled")
    if options.get("design") == "beam":
        return open_engine(entry, "beam", f"annotators.{annotator}, design `beam`", server_log)
    return open_engine(entry, _CAPABILITIES[mode], f"annotators.{annotator}, mode `{mode}`", server_log)


def store_for(engine: AnyEngine, folder: str | Path) -> AnswerStore:
    """Return the store of an engine's answers: its published ones, or those in ``folder``."""
    return AnswerStore(engine.folder if engine.answers_only else folder)


def prepare_store(engine: AnyEngine, folder: str | Path) -> list[str]:
    """Store the chat format of a model next to its answers; return lines for the log about the store's contents."""
    if engine.answers_only:
        return []
    kept = keep_chat_format(engine, folder)
    lines = (
        [] if kept else ["the chat format of this model cannot be stored: its answers cannot be replayed without it"]
    )
    return lines + [
        f"answers of {engine.model} under another revision are kept but not used: {revision}"
        for revision in other_revisions(engine, folder)
    ]


def dialogues_of(turns: str | None, utterances: pd.Series) -> Dialogues | None:
    """Return the conversations of a corpus, if it has any, and print how many utterances are in none."""
    if not turns:
        return None
    dialogues = Dialogues(TURNS.read(turns), turns)
    alone = sum(utterance not in dialogues for utterance in utterances)
    print(f"{alone} utterances have no place in a conversation: they are asked without context")
    return dialogues
