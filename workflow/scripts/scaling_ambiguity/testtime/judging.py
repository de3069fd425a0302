"""Questions to a verifier about written candidates, and what its answers say of each candidate.

All candidates of an utterance are shown at once and one is named (``pick``), in several cyclic orders, so that each
stands at other places; or each is shown alone and rated (``score``). Randomness is in neither: the answer is the most
probable one, or the probabilities of all accepted answers are read out.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling_ambiguity.alms.engine import Engine
from scaling_ambiguity.corpora.sound_paths import sound_paths
from scaling_ambiguity.proxies.elicitation import Item, sound_key
from scaling_ambiguity.proxies.parsing import Parsed
from scaling_ambiguity.proxies.prompts import PromptSet, render
from scaling_ambiguity.proxies.requests import Request, text_sha256
from scaling_ambiguity.proxies.verifying import HIGHEST, PICK, QUESTIONS, SCORE, accepted, read_number

Shown = tuple[tuple[int, str], ...]  # number and text of candidates, in the order in which they are shown
Records = Mapping[str, Mapping[str, Any]]
_TEMPERATURE = 0.0  # nothing is drawn
_ANY = tuple(map(str, range(100)))
_NOT_ASKED = "not asked: the utterance lacks the sound, or the words, that the verifier is to judge by"
_WHY = {"cut": "cut at the token limit", "refused": "declined, or taken away by a filter", "failed": "no answer"}


@dataclass(frozen=True)
class Asked:
    """One question to a verifier.

    Attributes:
        item: The question as engines and the answer store take it.
        annotator: Whose candidates are judged.
        question: ``pick`` or ``score``.
        order: Number of the order, from 0.
        shown: Numbers of the candidates, in the order shown.
    """

    item: Item
    annotator: str
    question: str
    order: int
    shown: tuple[int, ...]

    @property
    def numbers(self) -> tuple[str, ...]:
        """The accepted answers."""
        return accepted(self.question, len(self.shown))


def usable(candidates: pd.DataFrame, most: int | None) -> dict[str, Shown]:
    """Return utterance -> the first ``most`` candidates with a distribution, by number; None: all of them."""
    rows = candidates[candidates["status"] == "ok"].sort_values(["utterance", "draw"], kind="stable")
    return {
        str(name): tuple(zip(same["draw"].tolist(), same["response"].tolist(), strict=True))[:most]
        for name, same in rows.groupby("utterance", sort=True)
    }


def cyclic_orders(shown: Shown, orders: int | None) -> list[Shown]:
    """Return rows of the cyclic Latin square, evenly spaced, the candidates' own order first.

    As many as there are candidates, the most that differ, put each candidate at each place once.

    Args:
        shown: B candidates.
        orders: How many; None or more than B: B.
    """
    size = len(shown)
    number = min(size, orders or size)
    shifts = [place * size // number for place in range(number)]
    return [shown[shift:] + shown[:shift] for shift in shifts]


def questions(
    rows: pd.DataFrame,
    root: Path,
    engine: Engine,
    options: Mapping[str, Any],
    prompts: Mapping[str, PromptSet],
    classes: Sequence[str],
    seed: int,
    pools: Mapping[str, Mapping[str, Shown]],
) -> list[list[Asked]]:
    """Return the questions about each utterance that has candidates.

    Args:
        rows: Utterances with what the modality needs; path (relative to ``root``) and transcript.
        root: Root of the corpus.
        engine: The open model.
        options: Of the verifier: modality, mode, orders.
        prompts: Question that is asked -> its prompts (``proxies.verifying.load_verifier``).
        classes: The label words.
        seed: The run's seed.
        pools: Annotator -> :func:`usable`.
    """
    modality, read_out = options["modality"], options["mode"] == "readout"
    sounds = sound_paths(rows, root) if modality != "text" else [None] * len(rows)
    result = []
    for row, audio in zip(rows.itertuples(), sounds, strict=True):
        sound = sound_key(row, audio, root)
        transcript = None if pd.isna(row.transcript) else row.transcript
        asked = []
        for annotator, question, order, shown in _shown(row.utterance, options, prompts, pools):
            numbers, focus = accepted(question, len(shown)), prompts[question].focus_ids[0]
            filled = prompts[question].judging(*(text for _, text in shown))
            prompt = render(engine, filled, focus, transcript, classes, modality)
            key = text_sha256("\0".join([*(["readout", *numbers] if read_out else []), prompt]))
            limit = None if read_out else engine.longest
            request = Request(engine.model, engine.revision, key, sound, _TEMPERATURE, seed, order, limit)
            item = Item(row.utterance, order, focus, prompt, audio, request, numbers if read_out else None)
            asked.append(Asked(item, annotator, question, order, tuple(number for number, _ in shown)))
        result.append(asked)
    return [asked for asked in result if asked]


def _shown(
    utterance: str,
    options: Mapping[str, Any],
    prompts: Mapping[str, PromptSet],
    pools: Mapping[str, Mapping[str, Shown]],
) -> list[tuple[str, str, int, Shown]]:
    """Return (annotator, question, order, candidates) of every question about an utterance."""
    listed: list[tuple[str, str, int, Shown]] = []
    for annotator, by_utterance in pools.items():
        shown = by_utterance.get(utterance, ())
        if shown and PICK in prompts:
            orders = cyclic_orders(shown, options.get("orders"))
            listed += [(annotator, PICK, order, turned) for order, turned in enumerate(orders)]
        if SCORE in prompts:
            listed += [(annotator, SCORE, 0, (one,)) for one in shown]
    return listed


def read_any(response: str, stream: tuple) -> Parsed:
    """Return (number, status) of an answer to any question: whether a verifier says numbers at all."""
    return read_number(response, _ANY)


def not_asked_rows(rows: pd.DataFrame, pools: Mapping[str, Mapping[str, Shown]]) -> pd.DataFrame:
    """Return a row for each candidate of utterances that lack the sound, or the words, that a verifier is to judge by.

    Args:
        rows: These utterances.
        pools: Annotator -> :func:`usable`.
    """
    listed = [
        (annotator, utterance, draw, place, _NOT_ASKED)
        for utterance in rows["utterance"]
        for annotator, by_utterance in pools.items()
        for place, (draw, _) in enumerate(by_utterance.get(utterance, ()))
    ]
    return pd.DataFrame(listed, columns=["annotator", "utterance", "draw", "place", "reason"])


def summary(asked: Sequence[Sequence[Asked]], records: Records, table: pd.DataFrame) -> list[str]:
    """Return lines for the log: how many questions of each kind got a number, and why others got none.

    Where answers were read out a number is certain: then it is said which share of all answers begins with one.
    """
    lines = []
    for question in QUESTIONS:
        same = [one for one in chain.from_iterable(asked) if one.question == question]
        said = [_said(one, records[one.item.request.key]) for one in same]
        if not said:
            continue
        decided = sum(one.number is not None for one in said) / len(said)
        lines.append(f"{question}: {len(said)} questions, {decided:.1%} answered by a number")
        read = [one.record["label_logprobs"] for one in said if one.record.get("label_logprobs") is not None]
        if read:
            mass = np.mean([math.fsum(map(math.exp, logs)) for logs in read])
            lines[-1] += f" that was read out; {100 * mass:.2g} % of all answers begin with one"
    counts = table["reason"].value_counts()
    return lines + [f"{count} rows undecided: {reason}" for reason, count in counts.items()]


def judgement_table(
    asked: Sequence[Sequence[Asked]], records: Records, corpus: str, judge: str, not_asked: pd.DataFrame
) -> pd.DataFrame:
    """Return one row per candidate and order (``tables.judgements``): a pure function of the stored answers.

    A score that was asked for stands in the rows of all orders; what it cost, in those of the first. Where only picks
    were asked for and read out, the score is ``10 p``, p the probability of the candidate's number among the numbers.

    Args:
        asked: By utterance.
        records: Request key -> stored answer.
        corpus: Name of the corpus.
        judge: ``verifier``, or the name of a control.
        not_asked: Rows for candidates about which nothing was asked (annotator, utterance, draw, place, reason).
    """
    numbers = dict.fromkeys(("score", "requests", "tokens", "seconds"), "float64")
    types = numbers | dict.fromkeys(("draw", "order", "place"), "int64") | {"picked": "boolean"}
    types |= dict.fromkeys(("annotator", "utterance", "reason", "revision"), "str")
    left = not_asked.assign(order=0, requests=0.0).to_dict("records")
    frame = pd.DataFrame([*chain.from_iterable(_rows(one, records) for one in asked), *left], columns=list(types))
    return frame.astype(types).assign(corpus=corpus, verifier=judge)


def _rows(asked: Sequence[Asked], records: Records) -> list[dict[str, Any]]:
    """Return the rows about the candidates of one utterance."""
    rows: dict[tuple[str, int, int], dict[str, Any]] = {}  # annotator, draw, order
    scored, paid = any(one.question == SCORE for one in asked), set()
    for one in sorted(asked, key=lambda one: one.question == SCORE):  # picks first
        said = _said(one, records[one.item.request.key])
        cost = _cost(said.record, len(one.shown), free=one.item.request.key in paid)
        paid.add(one.item.request.key)
        if one.question == SCORE:
            _add_score(rows, one, said, cost)
            continue
        for place, draw in enumerate(one.shown):
            score = math.nan if scored or said.shares is None else HIGHEST * float(said.shares[place])
            picked = None if said.number is None else place + 1 == said.number
            verdict = {"place": place, "score": score, "picked": picked, "reason": said.reason}
            rows[one.annotator, draw, one.order] = verdict | cost
    key = ("annotator", "draw", "order")
    common = {"utterance": asked[0].item.utterance, "revision": asked[0].item.request.revision}
    return [dict(zip(key, names, strict=True)) | common | row for names, row in rows.items()]


@dataclass(frozen=True)
class _Said:
    """An answer: its number and, read out, the probabilities of the accepted ones; or why there is none."""

    record: Mapping[str, Any]
    number: int | None
    shares: NDArray[np.float64] | None
    reason: str | None


def _said(one: Asked, record: Mapping[str, Any]) -> _Said:
    status = record["status"]
    number = None
    if status == "answered":
        number, status = read_number(record["response"], one.numbers)
    if number is None:
        wanted = f"the answer is no whole number from {one.numbers[0]} to {one.numbers[-1]}"
        return _Said(record, None, None, f"{one.question}: {record.get('reason') or _WHY.get(status, wanted)}")
    if record.get("label_logprobs") is None:
        return _Said(record, int(number), None, None)
    logs = np.asarray(record["label_logprobs"], dtype=np.float64)
    shares = np.exp(logs - logs.max())
    return _Said(record, int(number), shares / shares.sum(), None)


def _add_score(
    rows: dict[tuple[str, int, int], dict[str, Any]], one: Asked, said: _Said, cost: dict[str, float]
) -> None:
    """Add the score of one candidate to its rows, or make one: the expected score where it was read out."""
    (draw,) = one.shown
    value = math.nan if said.number is None else float(said.number)
    if said.shares is not None:
        value = float(said.shares @ np.arange(len(said.shares)))
    same = [key for key in rows if key[:2] == (one.annotator, draw)]
    if not same:
        place = sum(key[0] == one.annotator for key in rows)
        rows[one.annotator, draw, 0] = {"place": place, "score": value, "picked": None, "reason": said.reason} | cost
    for key in same:
        rows[key]["score"] = value
        rows[key]["reason"] = "; ".join(filter(None, (rows[key]["reason"], said.reason))) or None
    if same:
        first = rows[min(same)]
        first |= {name: first[name] + value for name, value in cost.items()}


def _cost(record: Mapping[str, Any], shared_by: int, *, free: bool) -> dict[str, float]:
    """Return what a row bears of the cost of an answer about ``shared_by`` candidates; nothing if it was ``free``."""
    if free:
        return dict.fromkeys(("requests", "tokens", "seconds"), 0.0)
    tokens = math.nan if record["tokens"] is None else record["tokens"]
    return {"requests": 1 / shared_by, "tokens": tokens / shared_by, "seconds": record["latency_s"] / shared_by}
