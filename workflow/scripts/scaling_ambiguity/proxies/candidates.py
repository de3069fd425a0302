"""Candidates: the stored answers of an annotator, each with the distribution it represents, its cost and its status."""

from collections.abc import Callable
from itertools import chain, product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scaling_ambiguity.alms.chat_format import ChatFormat
from scaling_ambiguity.alms.engines.replay_answers import Engine
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies.distribution import heated
from scaling_ambiguity.proxies.elicitation import Item
from scaling_ambiguity.proxies.published import kept_formats
from scaling_ambiguity.proxies.store import AnswerStore
from scaling_ambiguity.proxies.synonyms import Vocabulary
from scaling_ambiguity.proxies.verbalised import parse_distribution
from scaling_ambiguity.tables.base import class_columns

Records = dict[str, dict[str, Any]]
_WHY = {
    "invalid": "the answer is not exactly one of the classes",
    "cut": "cut at the token limit",
    "refused": "declined, or taken away by a filter",
    "failed": "no answer is stored",
    "not_asked": "the utterance lacks what the modality needs",
}


def stored_answers(
    votes: pd.DataFrame,
    store: str | Path,
    limit: int | None,
    asked_of: Callable[[Engine], list[list[Item]]],
) -> tuple[list[list[Item]], Records]:
    """Return the requests from which votes were made, and {request key: stored answer}; no model is opened or queried.

    Among the models and revisions whose chat formats are in the store, the one is used under which the answers of all
    votes are found.

    Args:
        votes: The annotator's votes.
        store: Folder of its answers.
        limit: Token limit of an answer for which the votes were requested; None: answers of any limit.
        asked_of: Engine -> the requests of the annotator's design.

    Raises:
        UserError: The store holds no such model: it, the prompts or the sounds changed after the votes were gathered.
    """
    said = {(row.utterance, row.draw): row.response for row in votes[votes["response"] != ""].itertuples()}
    for ((model, revision), kept), repeats in product(kept_formats(Path(store)).items(), (True, False)):
        engine = Engine(Path(store), model, revision, ChatFormat(**kept["format"]))
        engine.longest, engine.repeats = limit, repeats
        asked = asked_of(engine)
        items = list(chain.from_iterable(asked))
        records = AnswerStore(store).find((item.request for item in items), repeats)
        answers = {(i.utterance, i.draw): records[i.request.key]["response"] for i in items if i.request.key in records}
        if said == {place: response for place, response in answers.items() if response}:
            return asked, records
    raise UserError(
        f"{store}: holds no model whose answers are those of the votes. The answers, the prompts or the sounds changed "
        "after the votes were gathered: remove the annotator's votes.parquet and shards and run again; what is stored "
        "is not asked again."
    )


def candidate_table(
    votes: pd.DataFrame,
    utterances: list[list[Item]],
    records: Records,
    corpus: str,
    options: dict[str, Any],
    vocabulary: Vocabulary,
) -> pd.DataFrame:
    """Return one row per vote (``tables.candidates``): a pure function of the votes and the stored answers.

    Args:
        votes: The annotator's votes, those without a label included.
        utterances: The draws, by utterance.
        records: Request key -> stored answer.
        corpus: Name of the corpus.
        options: The annotator's entry; its mode determines which distribution an answer represents.
        vocabulary: The accepted answers.
    """
    keys = {(item.utterance, item.draw): item.request.key for item in chain.from_iterable(utterances)}
    rows = []
    for vote in votes.to_dict("records"):
        record = records.get(keys.get((vote["utterance"], vote["draw"]), ""), {})
        shares, reason = _shares(vote, record, options, vocabulary)
        row = {name: vote[name] for name in ("utterance", "draw", "prompt", "temperature", "response", "status")}
        row |= {"corpus": corpus, "annotator": vote["rater"], "reason": reason, "logprob": vote["logprob"]}
        row |= {"logprob_answer": record.get("logprob_answer")} if options.get("mode") == "verbalised" else {}
        row |= {"tokens": record.get("tokens"), "seconds": record.get("latency_s"), "revision": record.get("revision")}
        rows.append(row | dict(zip(class_columns(list(vocabulary.classes)), shares, strict=True)))
    numbers = dict.fromkeys(["logprob", "tokens", "seconds", *class_columns(list(vocabulary.classes))], "float64")
    numbers |= {"logprob_answer": "float64"} if options.get("mode") == "verbalised" else {}
    return pd.DataFrame(rows).astype(numbers | {"draw": "int64", "reason": "str", "revision": "str"})


def _shares(
    vote: dict[str, Any], record: dict[str, Any], options: dict[str, Any], vocabulary: Vocabulary
) -> tuple[np.ndarray, str | None]:
    """Return the shares of the classes, (C,), and no reason; or NaN and the reason why there are none."""
    status, mode = vote["status"], options.get("mode", "sampled")
    if status == "ok":
        if mode == "readout":
            return heated(np.asarray(record["label_logprobs"], dtype=np.float64), vote["temperature"]), None
        if mode == "sampled":
            return np.eye(len(vocabulary.classes))[list(vocabulary.classes).index(vote["label"])], None
    stated, why = None, record.get("reason") or vote.get("reason")
    if mode == "verbalised" and status in ("ok", "invalid"):
        how = {"reasoned": options.get("reasoning", False), "counts": options.get("stated", "shares") == "counts"}
        stated = parse_distribution(record["response"], vocabulary, **how)
        if stated.distribution is not None:
            return np.asarray(stated.distribution), None
    if not isinstance(why, str):
        why = _WHY[status] if stated is None else stated.reason
    return np.full(len(vocabulary.classes), np.nan), why
