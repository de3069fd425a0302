"""Ask what was never asked, keep every answer, and return the votes of a shard."""

import time
from typing import Any

import pandas as pd

from scaling_ambiguity.alms.questions import Question
from scaling_ambiguity.progress import progress
from scaling_ambiguity.proxies.elicitation import Item
from scaling_ambiguity.proxies.parsing import parse
from scaling_ambiguity.proxies.store import AnswerStore
from scaling_ambiguity.seeds import uniform

CLIPS_AT_ONCE = 8
_TYPES = {
    "utterance": "str",
    "presentation": "str",
    "rater": "str",
    "kind": "str",
    "role": "str",
    "rank": "int64",
    "label": "str",
    "label_raw": "str",
    "weight": "float64",
    "raters_known": "bool",
    "draw": "int64",
    "prompt": "str",
    "temperature": "float64",
    "response": "str",
    "status": "str",
    "logprob": "float64",
}


def collect(utterances: list[list[Item]], engine: Any, store: AnswerStore, what: str) -> dict[str, dict[str, Any]]:
    """Return the record of every request, asking the engine only where the store has none.

    Batches are cut from all utterances, whatever is done; a batch with anything missing is computed
    whole, because neighbours in a batch change the last digits of a result, but only the
    missing answers are added to the store, in one synced append.
    """
    records = store.read({item.request.key for draws in utterances for item in draws})
    batches = [utterances[start : start + CLIPS_AT_ONCE] for start in range(0, len(utterances), CLIPS_AT_ONCE)]
    for batch in progress(batches, what, unit="batch"):
        flat = [item for draws in batch for item in draws]
        if all(item.request.key in records for item in flat):
            continue
        started = time.perf_counter()
        answers = engine.answer([_question(item) for item in flat], uniform)
        latency = (time.perf_counter() - started) / len(flat)
        fresh: dict[str, dict[str, Any]] = {}
        for item, answer in zip(flat, answers, strict=True):
            if item.request.key not in records:
                fresh.setdefault(item.request.key, _record(item, answer, latency))
        store.append(list(fresh.values()))
        records |= fresh
    return records


def _question(item: Item) -> Question:
    """Return what the engine is asked; its randomness comes from the request, never from its place."""
    request = item.request
    stream = (request.seed, "answer", request.audio_sha256, request.prompt_sha256, request.draw)
    return Question(item.prompt, item.audio, request.temperature, stream)


def _record(item: Item, answer: Any, latency: float) -> dict[str, Any]:
    """Return what is kept: the request's parts, the raw answer, its cost."""
    request = item.request
    return {
        "key": request.key,
        "model": request.model,
        "revision": request.revision,
        "prompt_sha256": request.prompt_sha256,
        "audio_sha256": request.audio_sha256,
        "temperature": request.temperature,
        "seed": request.seed,
        "draw": request.draw,
        "response": answer.response,
        "logprob": answer.logprob,
        "status": "answered" if answer.ended else "cut",
        "latency_s": round(latency, 6),
        "tokens": answer.tokens,
        "time": time.time(),
    }


def vote_table(
    utterances: list[list[Item]], records: dict[str, dict[str, Any]], annotator: str, classes: list[str]
) -> pd.DataFrame:
    """Return one row a draw: a pure function of the stored answers.

    An answer that is not exactly a label stays as a row without label; one that was cut at the
    longest length is ``invalid`` even if its beginning is a label.
    """
    rows = []
    for item in (item for draws in utterances for item in draws):
        record = records[item.request.key]
        label, status = parse(record["response"], classes) if record["status"] == "answered" else (None, "invalid")
        rows.append(
            {
                "utterance": item.utterance,
                "presentation": "voice",
                "rater": annotator,
                "kind": "synthetic",
                "role": "primary",
                "rank": 0,
                "label": label,
                "label_raw": record["response"],
                "weight": 1.0,
                "raters_known": True,
                "draw": item.draw,
                "prompt": item.focus,
                "temperature": item.request.temperature,
                "response": record["response"],
                "status": status,
                "logprob": record["logprob"],
            }
        )
    return pd.DataFrame(rows, columns=list(_TYPES)).astype(_TYPES)
