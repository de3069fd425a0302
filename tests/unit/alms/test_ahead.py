"""The next batch is prepared while this one is worked on; order, errors and bytes are as without."""

import threading

import pytest
import soundfile

from scaling_ambiguity.alms.ahead import Ahead
from scaling_ambiguity.alms.engine import BatchEngine
from scaling_ambiguity.alms.engines.transformers import open_engine
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies import annotation
from scaling_ambiguity.proxies.elicitation import items
from scaling_ambiguity.proxies.store import AnswerStore

CLASSES = ["neutral", "happy", "sad", "angry"]
PATIENCE = 30


def test_order_and_one_ahead():
    ready = {n: threading.Event() for n in range(6)}

    def prepare(n):
        ready[n].set()
        return 10 * n

    for n, prepared in Ahead(range(5), prepare):
        assert prepared == 10 * n
        if n < 4:  # the next is prepared while this batch is at work
            assert ready[n + 1].wait(PATIENCE)
        assert not any(ready[later].is_set() for later in range(n + 2, 6))


def test_nothing_to_prepare_and_no_batch():
    assert list(Ahead("ab", None)) == [("a", None), ("b", None)]
    assert list(Ahead([], lambda batch: 1)) == []
    assert list(Ahead("a", str.upper)) == [("a", "A")]


def test_an_error_comes_where_its_batch_would():
    seen = []

    def prepare(n):
        if n == 2:
            raise UserError("the third")
        return n

    with pytest.raises(UserError, match="the third"):
        seen.extend(n for n, _ in Ahead(range(5), prepare))
    queue = iter(Ahead(range(5), prepare))
    assert [next(queue), next(queue)] == [(0, 0), (1, 1)]
    with pytest.raises(UserError, match="the third"):
        next(queue)


def test_the_thread_ends_with_the_caller():
    before = set(threading.enumerate())
    queue = iter(Ahead(range(5), str))
    next(queue)
    queue.close()
    assert set(threading.enumerate()) <= before


def shard(engine, prompts, folder, count):
    import numpy as np
    import pandas as pd

    for place in range(count):
        samples = np.random.default_rng(place).normal(0, 0.1, 8_000 + 400 * place)
        soundfile.write(folder / f"{place:02d}.wav", samples, 16_000)
    table = pd.DataFrame({"utterance": [f"u{place:02d}" for place in range(count)], "transcript": "look"})
    table["path"] = [f"{place:02d}.wav" for place in range(count)]
    options = {"votes": 5, "design": "crossed", "temperatures": [0.8], "modality": "both"}
    return items(table, folder, engine, options, prompts, CLASSES, 1)


class Alone(BatchEngine):
    """An engine that prepares nothing."""

    def __init__(self, engine):
        self.engine, self.repeats, self.clips_at_once = engine, engine.repeats, engine.clips_at_once

    def answer(self, questions, uniform, prepared=None):
        assert prepared is None
        return self.engine.answer(questions, uniform)


def test_a_shard_has_the_same_bytes_and_prepares_in_another_thread(checkpoint, prompts, tmp_path, monkeypatch):
    found, threads = {}, []
    prepare = annotation.Ahead
    assert prepare is Ahead
    for way in ("ahead", "alone"):
        engine = open_engine({"checkpoint": str(checkpoint)})
        asked = shard(engine, prompts, tmp_path, 19)
        make = engine.prepare
        monkeypatch.setattr(
            engine, "prepare", lambda q, make=make: threads.append(threading.current_thread()) or make(q)
        )
        store = AnswerStore(tmp_path / way)
        records = annotation.collect(asked, engine if way == "ahead" else Alone(engine), store, way)
        store.close()
        drop = ("latency_s", "time")
        found[way] = {k: {f: v for f, v in r.items() if f not in drop} for k, r in records.items()}
    assert found["ahead"] == found["alone"] and len(found["ahead"]) == 19 * 5
    assert len(threads) == 2 * 3
    assert threading.main_thread() not in threads[:3] and set(threads[3:]) == {threading.main_thread()}


def test_what_is_in_the_store_is_not_read_again(checkpoint, prompts, tmp_path, monkeypatch):
    engine = open_engine({"checkpoint": str(checkpoint)})
    asked = shard(engine, prompts, tmp_path, 17)
    store = AnswerStore(tmp_path / "store")
    annotation.collect(asked[:16], engine, store, "first")
    prepared, make = [], engine.prepare
    monkeypatch.setattr(engine, "prepare", lambda questions: prepared.append(len(questions)) or make(questions))
    annotation.collect(asked, engine, store, "second")
    store.close()
    assert prepared == [5]
