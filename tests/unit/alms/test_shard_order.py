"""Shards that share one store of answers: whichever comes first, the same bytes, by a real model."""

import pandas as pd
import pytest

from scaling_ambiguity.alms.engines.transformers import Engine
from scaling_ambiguity.proxies.annotation import collect, vote_table
from scaling_ambiguity.proxies.elicitation import items
from scaling_ambiguity.proxies.reading import reader_for
from scaling_ambiguity.proxies.store import AnswerStore
from scaling_ambiguity.tables.proxies import PROXIES
from scaling_ambiguity.tables.utterances import shard_of

CLASSES = ["neutral", "happy", "sad", "angry"]
OPTIONS = {
    "mode": "sampled",
    "votes": 5,
    "design": "crossed",
    "temperatures": [0.2, 0.4, 0.6, 0.8, 0.93],
    "modality": "text",
}
SHARED = ("the road turns left", "so, she is never coming back tonight, my friend", "look")


@pytest.fixture(scope="module")
def utterances():
    """24 utterances: one in two is of words that stand in both shards, beside neighbours of other lengths."""
    words = [SHARED[i // 4 % 3] if i % 4 < 2 else "far away " * (1 + i * i % 11) for i in range(24)]
    return pd.DataFrame(
        {"utterance": [f"u_{i:02d}" for i in range(24)], "path": None, "transcript": [text.strip() for text in words]}
    )


def annotate(alm, prompts, utterances, folder, order):
    """Annotate both shards in this order into one store; return the bytes of each shard's table."""
    written = {}
    for shard in order:
        engine, store = Engine(alm, "tiny"), AnswerStore(folder / "store")
        asked = items(shard_of(utterances, shard, 2), folder, engine, OPTIONS, prompts, CLASSES, 42)
        votes = vote_table(asked, collect(asked, engine, store, "shard"), "tiny_text", reader_for(OPTIONS, CLASSES))
        store.close()
        PROXIES.write(votes, folder / f"{shard}.parquet")
        written[shard] = (folder / f"{shard}.parquet").read_bytes()
    return written


def test_the_order_of_shards_changes_no_byte(alm, prompts, utterances, tmp_path):
    """An answer shared by two shards would have the last digits of the batch of whichever came first."""
    ascending = annotate(alm, prompts, utterances, tmp_path / "ascending", (0, 1))
    descending = annotate(alm, prompts, utterances, tmp_path / "descending", (1, 0))
    assert ascending == descending
    shared = [set(shard_of(utterances, shard, 2)["transcript"]) for shard in (0, 1)]
    assert shared[0] & shared[1], "words that stand in both shards"
