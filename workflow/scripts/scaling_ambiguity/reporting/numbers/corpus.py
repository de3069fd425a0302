"""Numbers about the corpus, the audio-language model and its answers."""

import math
from typing import Any

import numpy as np
import pandas as pd

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import read_json
from scaling_ambiguity.reporting.naming import escape_latex
from scaling_ambiguity.reporting.numbers.provenance import CONFIGURATION, SHARE
from scaling_ambiguity.reporting.numbers.registry import Numbers
from scaling_ambiguity.reporting.tables.corpus import describe_corpus
from scaling_ambiguity.reporting.text import count, joined, number, percent
from scaling_ambiguity.tables.rejects import REJECTS
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES

WHOLE = {
    "utterances": "corpus.utterances",
    "speakers": "corpus.speakers",
    "raters": "corpus.raters",
    "votes": "corpus.votes",
    "votes per utterance, smallest": "corpus.votes.least",
    "votes per utterance, largest": "corpus.votes.most",
    "items left out": "corpus.rejects",
}
DECIMALS = {
    "minutes": ("corpus.minutes", 1),
    "votes per utterance, mean": ("corpus.votes.mean", 1),
    "normalised entropy": ("corpus.entropy", 2),
    "pairwise agreement": ("corpus.agreement", 2),
}


def add_corpus(numbers: Numbers, corpus: str, classes: list[str], paths: dict[str, str]) -> None:
    """Define ``corpus.*`` from the tables ``utterances``, ``votes`` and ``rejects`` of ``paths``.

    The switches ``durationsknown`` and ``ratersknown`` state whether there are minutes and raters to report.
    """
    described = describe_corpus(
        UTTERANCES.read(paths["utterances"]), VOTES.read(paths["votes"]), REJECTS.read(paths["rejects"]), classes
    )
    n = int(described["utterances"])
    common: dict[str, Any] = {
        "file": [paths[name] for name in ("utterances", "votes", "rejects")],
        "rows": {"classes": classes},
        "n": n,
    }
    whole: dict[str, Any] = common | {"function": "describe_corpus"}
    numbers.switch("durationsknown", bool(np.isfinite(described["minutes"])))
    numbers.switch("ratersknown", bool(np.isfinite(described["raters"])))
    for name, key in WHOLE.items():
        if np.isfinite(described[name]):
            numbers.value(key, described[name], count(described[name]), column=name, **whole)
    for name, (key, digits) in DECIMALS.items():
        if np.isfinite(described[name]):
            numbers.value(key, described[name], number(described[name], digits), column=name, **whole)
    left = int(described["items left out"])
    words = (
        f"{count(left)} items are left out, each with its reason" if left > 1 else "1 item is left out, with its reason"
    )
    numbers.words("corpus.rejects.words", words if left else "No item was left out", ["corpus.rejects"])
    listed: dict[str, Any] = {"file": CONFIGURATION, "column": f"corpora.{corpus}.classes"}
    numbers.value("corpus.classes", len(classes), count(len(classes)), function="length", **listed)
    names = joined([rf"\emph{{{escape_latex(label)}}}" for label in classes])
    numbers.value("corpus.class-names", ", ".join(classes), names, function="joined", **listed)
    shares = {label: described[f"share of {label}"] for label in classes}
    for key, pick, function in (("corpus.frequent", max, "largest share"), ("corpus.rare", min, "smallest share")):
        label = pick(shares, key=lambda name: shares[name])
        text = rf"\emph{{{escape_latex(label)}}}"
        numbers.value(key, label, text, column=f"{SHARE}each class", function=function, **common)
        numbers.value(f"{key}.share", shares[label], percent(shares[label]), column=f"{SHARE}{label}", **whole)


def add_altered_sound(numbers: Numbers, audit: str | None) -> None:
    """Define ``sound.*`` if sound differs from the published files, by the comparison in ``audit``, a JSON file.

    The switch ``soundaltered`` states whether there is such sound; without published hashes there is none.
    """
    compared = read_json(audit).get("sound", {}) if audit else {}
    numbers.switch("soundaltered", compared.get("differ", 0) > 0)
    for key in ("compared", "differ", "sample_rate") if compared.get("differ") else ():
        name = f"sound.{key.replace('_', '-')}"
        numbers.value(name, compared[key], count(compared[key]), file=audit, column=f"sound.{key}")


def add_heldout(numbers: Numbers, path: str) -> None:
    """Define ``alm.*``: the performance of the model trained by this workflow on unseen voices."""
    scores = read_json(path)
    try:
        numbers.value(
            "alm.parameters", scores["parameters"], f"{scores['parameters'] / 1e6:.1f}", file=path, column="parameters"
        )
        for key in ("trained_on_utterances", "utterances", "speakers"):
            name = "alm.training-utterances" if key == "trained_on_utterances" else f"alm.heldout.{key}"
            numbers.value(name, scores[key], count(scores[key]), file=path, column=key)
        n = int(scores["utterances"])
        for who in ("model", "prior", "ceiling"):
            value = float(scores[who]["nll"])
            numbers.value(f"alm.heldout.nll.{who}", value, number(value), file=path, column=f"{who}.nll", n=n)
        for who in ("model", "prior"):
            value = float(scores[who]["accuracy"])
            numbers.value(
                f"alm.heldout.accuracy.{who}", value, percent(value), file=path, column=f"{who}.accuracy", n=n
            )
    except KeyError as error:
        raise UserError(f"{path}: no {error} in the held-out scores; re-run train_tiny_alm.") from error


def add_member(numbers: Numbers, path: str) -> None:
    """Define ``alm.*`` of a cross-fitted model, from the report on its first member."""
    report = read_json(path)
    try:
        millions = f"{report['parameters'] / 1e6:.1f}"
        numbers.value("alm.parameters", report["parameters"], millions, file=path, column="parameters")
        for key, column in (("alm.member.utterances", "train"), ("alm.member.validated", "validated")):
            numbers.value(key, report[column], count(report[column]), file=path, column=column)
    except KeyError as error:
        raise UserError(f"{path}: no {error} in the report; re-run train_alm.") from error


def _add_valid_answers(numbers: Numbers, path: str) -> pd.DataFrame:
    """Define how many answers were requested and which share was valid, and return the counts of all statuses."""
    frame = pd.read_csv(path)
    needed = ["prompt", "ok", "invalid", "cut", "refused", "failed", "total"]
    if not set(needed) <= set(frame.columns):
        raise UserError(f"{path}: expected the columns {needed}; re-run the rule that writes it.")
    total, valid = int(frame["total"].sum()), int(frame["ok"].sum())
    common: dict[str, Any] = {"file": path, "n": total}
    numbers.value("answers.asked", total, count(total), column="total", function="sum", **common)
    share = valid / total
    numbers.value("answers.valid", share, percent(share, 1), column="ok", function="share of the total", **common)
    return frame


def add_replayed_answers(numbers: Numbers, path: str) -> None:
    """Define ``answers.*`` of a proxy whose votes are given: how many draws have a vote, and why others have none."""
    frame = _add_valid_answers(numbers, path)
    total = int(frame["total"].sum())
    for status in ("invalid", "failed"):
        value = int(frame[status].sum())
        common: dict[str, Any] = {"file": path, "column": status, "function": "sum", "n": total}
        numbers.value(f"answers.{status}", value, count(value), **common)


def add_answers(numbers: Numbers, path: str) -> None:
    """Define ``answers.*``: how many answers were requested, how many were valid, and the status of the others."""
    frame = _add_valid_answers(numbers, path)
    total, valid = int(frame["total"].sum()), int(frame["ok"].sum())
    common: dict[str, Any] = {"file": path, "n": total}
    lost = total - valid
    numbers.value("answers.lost", lost, count(lost), column="ok", function="rest of the total", **common)
    for status in ("cut", "refused", "failed"):
        value = int(frame[status].sum())
        numbers.value(f"answers.{status}", value, count(value), column=status, function="sum", **common)
    prompts = frame["prompt"].nunique()
    numbers.value("answers.prompts", int(prompts), count(prompts), column="prompt", function="distinct", **common)


def add_effective_answers(numbers: Numbers, path: str) -> None:
    """Define ``answers.each`` and ``answers.effective``: valid and effective votes of an utterance, means.

    Where no prompt was used twice, the effective number is unknown and reported as such.
    """
    frame = pd.read_csv(path)
    if not {"total", "valid", "effective"} <= set(frame.columns):
        raise UserError(f"{path}: expected the columns total, valid, effective; re-run the rule that writes it.")
    frame = frame[frame["total"] > 0]
    for key, column in (("each", "valid"), ("effective", "effective")):
        mean = float(frame[column].mean())
        text = number(mean, 1) if math.isfinite(mean) else "an unknown number of"
        common: dict[str, Any] = {"file": path, "column": column, "function": "mean where asked", "n": len(frame)}
        numbers.value(f"answers.{key}", mean, text, **common)
