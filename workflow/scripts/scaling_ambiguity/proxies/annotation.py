"""Ask the questions without a stored answer, keep every answer, and return the votes of a shard."""

import math
import time
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from scaling_ambiguity.alms.ahead import Ahead
from scaling_ambiguity.alms.engine import AnyEngine, BatchEngine, StreamEngine
from scaling_ambiguity.alms.questions import Answer, Question
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.progress import progress
from scaling_ambiguity.proxies.asking import prepare_store, store_for
from scaling_ambiguity.proxies.elicitation import Item
from scaling_ambiguity.proxies.published import missing_reasons, report_missing
from scaling_ambiguity.proxies.reading import Reader
from scaling_ambiguity.proxies.requests import identity
from scaling_ambiguity.proxies.store import AnswerStore
from scaling_ambiguity.proxies.watch import Watch
from scaling_ambiguity.seeds import uniform

ORDER_JOIN = "|"
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
_EXTRA = {"class_order": "str", "label_mass": "float64", "reason": "str"}
_NO_ANSWER: dict[str, Any] = {"response": "", "status": "failed", "logprob": math.nan}


def collect(
    utterances: list[list[Item]], engine: AnyEngine, store: AnswerStore, what: str, watch: Watch | None = None
) -> dict[str, dict[str, Any]]:
    """Return the record of every request, asking the engine only where the store has none.

    Batches of ``clips_at_once`` utterances are cut from all utterances, whatever is already answered. Engines in this
    process: utterances of similar length are batched together, so that little is padded; a batch with any missing
        answer
    is computed whole, because neighbours in a batch change the last digits of a result, but only the missing
    answers are added to the store, in one synced append; the next batch is prepared in a thread
    meanwhile, which does not change any answer. Engines with ``asks_alone`` (servers, where each answer is
    paid for): only missing answers are requested, and each is on disk before the next is processed, so that
    a batch that is interrupted by an error, a kill or a full disk loses no answer that was received. Engines with
    ``answers_only`` (published ones) are never queried: requests missing in the store stay without a record.

    Raises:
        UserError: The first answers give no vote, or too many draws fail; see :class:`Watch`. Answers are kept.
    """
    records = store.find((item.request for draws in utterances for item in draws), engine.repeats)
    if engine.answers_only:
        return records
    for item in chain.from_iterable(utterances):
        if watch is not None and item.request.key in records:
            watch.see(item.request, records[item.request.key])
    if engine.asks_alone:
        _ask_alone(utterances, engine, store, records, what, watch)
    else:
        _ask_together(utterances, engine, store, records, what, watch)
    if watch is not None:
        watch.stop(complete=all(item.request.key in records for item in chain.from_iterable(utterances)))
    return records


def ask_all(
    utterances: list[list[Item]], engine: AnyEngine, folder: str | Path, what: str, watch: Watch | None = None
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Return {request key: stored answer} and, of published answers, {request key: why there is none}.

    What is to be known of the store and of the engine is printed.

    Args:
        utterances: The draws, by utterance.
        engine: The open model.
        folder: Where its answers are stored.
        what: Named by the progress line.
        watch: When to stop; None: never.

    Raises:
        UserError: See :func:`collect`.
    """
    for line in prepare_store(engine, folder):
        print(line)
    store = store_for(engine, folder)
    records = collect(utterances, engine, store, what, watch)
    store.close()
    reasons = missing_reasons(utterances, records, store) if engine.answers_only else {}
    for line in [*engine.remarks(), *report_missing(utterances, reasons)]:
        print(line)
    return records, reasons


def _batches(utterances: list[list[Item]], size: int) -> list[list[Item]]:
    """Return the draws of ``size`` utterances at a time."""
    starts = range(0, len(utterances), size)
    return [list(chain.from_iterable(utterances[start : start + size])) for start in starts]


def _missing(batch: list[Item], records: dict[str, dict[str, Any]], watch: Watch | None) -> list[Item]:
    """Return the first item of every request of a batch without a record, if the watch allows more requests."""
    missing = {item.request.key: item for item in reversed(batch) if item.request.key not in records}
    if missing and watch is not None:
        watch.stop()
    return list(missing.values())[::-1]


def _ask_together(
    utterances: list[list[Item]],
    engine: BatchEngine,
    store: AnswerStore,
    records: dict[str, dict[str, Any]],
    what: str,
    watch: Watch | None,
) -> None:
    """Answer whole batches and keep the missing answers of each; the latency is the mean over the batch."""
    batches = _batches(sorted(utterances, key=_length), engine.clips_at_once)

    def ready(batch: list[Item]) -> Any:
        wanted = any(item.request.key not in records for item in batch)
        return engine.prepare([_question(item) for item in batch]) if wanted else None

    for batch, prepared in progress(Ahead(batches, ready), what, total=len(batches), unit="batch"):
        missing = {item.request.key: item for item in _missing(batch, records, watch)}
        if not missing:
            continue
        started = time.perf_counter()
        answers = engine.answer([_question(item) for item in batch], uniform, prepared)
        latency = (time.perf_counter() - started) / len(batch)
        fresh: dict[str, dict[str, Any]] = {}
        for item, answer in zip(batch, answers, strict=True):
            if item.request.key in missing:
                fresh.setdefault(item.request.key, _record(item, answer, latency))
        store.append(list(fresh.values()))
        records |= fresh
        for key, record in fresh.items():
            if watch is not None:
                watch.see(missing[key].request, record)


def _length(draws: list[Item]) -> tuple[int, int]:
    """Return the sort key for the reading length of an utterance: bytes of sound, then letters of the prompt."""
    sounds = [item.audio for item in draws if item.audio is not None]
    return (
        max((sound.stat().st_size if sound.is_file() else 0 for sound in sounds[:1]), default=0),
        max((len(item.prompt) for item in draws), default=0),
    )


def _ask_alone(
    utterances: list[list[Item]],
    engine: StreamEngine,
    store: AnswerStore,
    records: dict[str, dict[str, Any]],
    what: str,
    watch: Watch | None,
) -> None:
    """Request the missing answers and keep each as it arrives; the latency is the mean up to it."""
    go_on = (lambda: True) if watch is None else watch.go_on
    for batch in progress(_batches(utterances, engine.clips_at_once), what, unit="batch"):
        items = _missing(batch, records, watch)
        if not items:
            continue
        answered = (item for item in chain.from_iterable(utterances) if _is_answered(records.get(item.request.key)))
        proven = next((_question(item) for item in answered), None)
        started = time.perf_counter()
        answers = engine.stream([_question(item) for item in items], uniform, go_on=go_on, proven=proven)
        for count, (place, answer) in enumerate(answers, start=1):
            record = _record(items[place], answer, (time.perf_counter() - started) / count)
            store.append([record])
            records[record["key"]] = record
            if watch is not None:
                watch.see(items[place].request, record)


def _is_answered(record: dict[str, Any] | None) -> bool:
    return record is not None and record["status"] != "failed"


def _question(item: Item) -> Question:
    """Return the question for the engine; its randomness is derived from the request, never from its position."""
    request = item.request
    subject = item.labels, item.utterance, item.beam
    return Question(item.prompt, item.audio, request.temperature, request.stream, *subject)


def _record(item: Item, answer: Answer, latency: float) -> dict[str, Any]:
    """Return the record to be stored: the request's parts, the raw answer, its cost."""
    request = item.request
    if item.labels is not None and answer.label_logprobs is None and answer.status != "failed":
        raise UserError(f"mode `readout`: {request.model} gives no log-probabilities of labels; use mode `sampled`.")
    return {
        **identity(request),
        "response": answer.response,
        "logprob": answer.logprob,
        "label_logprobs": None if answer.label_logprobs is None else list(answer.label_logprobs),
        **({} if answer.logprob_answer is None else {"logprob_answer": answer.logprob_answer}),
        "seconds_cut": answer.seconds_cut,
        "status": answer.status,
        "finish": answer.finish,
        "reason": answer.fault,
        "served": answer.served,
        "latency_s": round(latency, 6),
        "tokens": answer.tokens,
        "time": time.time(),
    }


def extra_columns(options: dict[str, Any]) -> list[str]:
    """Return the columns that an annotator's votes have in addition to the common ones, judged by its entry."""
    columns = ["class_order"] if options.get("class_order", "fixed") != "fixed" else []
    return [*columns, "label_mass"] if options.get("mode") == "readout" else columns


def vote_table(
    utterances: list[list[Item]],
    records: dict[str, dict[str, Any]],
    annotator: str,
    read: Reader,
    extra: Sequence[str] = (),
    reasons: dict[str, str] | None = None,
) -> pd.DataFrame:
    """Return one row per draw: a pure function of the stored answers.

    An answer that is not exactly a label stays as a row without a label; one that was cut at the token limit is
    ``cut`` even if its beginning is a label, one that a filter withheld is ``refused``, whatever is left of it; a
    request without an answer is ``failed``, with the reason.

    Args:
        utterances: The draws, by utterance.
        records: Request key -> stored answer.
        annotator: Name of the annotator, the rater of its votes.
        read: Turns an answer into (label, status); see ``proxies.reading.reader_for``.
        extra: Columns in addition to those that all votes have; see :func:`extra_columns`.
        reasons: Request key -> why there is no answer, for every request without a record.
    """
    asked = [item for draws in utterances for item in draws]
    failed = {key: record["reason"] for key, record in records.items() if record["status"] == "failed"}
    reasons = {item.request.key: failed[item.request.key] for item in asked if item.request.key in failed} | (
        reasons or {}
    )
    rows, columns = [], _TYPES | {name: _EXTRA[name] for name in [*extra, *(["reason"] if reasons else [])]}
    for item in asked:
        key = item.request.key
        record = _NO_ANSWER if key in reasons else records[key]
        answered = record["status"] == "answered"
        label, status = read(record["response"], item.request.stream) if answered else (None, record["status"])
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
                "class_order": None if item.class_order is None else ORDER_JOIN.join(item.class_order),
                "label_mass": _label_mass(record.get("label_logprobs")),
                "reason": reasons.get(key),
            }
        )
    return pd.DataFrame(rows, columns=list(columns)).astype(columns)


def _label_mass(label_logprobs: list[float] | None) -> float:
    """Return the share of all answers that begin with a label, at temperature 1; NaN where it was not read out."""
    return math.nan if label_logprobs is None else math.fsum(map(math.exp, label_logprobs))
