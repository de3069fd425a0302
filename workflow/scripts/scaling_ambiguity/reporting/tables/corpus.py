"""Description of the corpora: sizes, votes, classes and disagreement of raters."""

import numpy as np
import pandas as pd

from scaling_ambiguity.labels.levels import human_agreement
from scaling_ambiguity.metrics.divergences import normalised_entropy
from scaling_ambiguity.reporting.naming import escape_latex, plain
from scaling_ambiguity.reporting.tables.booktabs import tabular
from scaling_ambiguity.reporting.text import count, number, percent
from scaling_ambiguity.tables.votes import counted, observed


def vote_counts(votes: pd.DataFrame, classes: list[str]) -> pd.DataFrame:
    """Return the weights of in-set human votes summed, one row per utterance and one column per class."""
    valid = votes[counted(votes)]
    table = pd.crosstab(valid["utterance"], valid["label"], values=valid["weight"], aggfunc="sum")
    return table.reindex(columns=classes).fillna(0.0)


def describe_corpus(
    utterances: pd.DataFrame, votes: pd.DataFrame, rejects: pd.DataFrame, classes: list[str]
) -> dict[str, float]:
    """Return the numbers of one corpus by name; durations in minutes, shares in [0, 1].

    NaN means unknown: the minutes unless every duration is known, the raters if they have no names.
    """
    human = votes[observed(votes)]
    counts = vote_counts(votes, classes)
    # a vote of several labels is one vote
    per_utterance = human.dropna(subset="label").drop_duplicates(["utterance", "rater"]).groupby("utterance").size()
    agreement = human_agreement(votes, counts.index.tolist(), classes)
    matrix = counts.to_numpy(float)
    values = {
        "utterances": len(utterances),
        "minutes": float(utterances["duration"].sum()) / 60 if utterances["duration"].notna().all() else np.nan,
        "speakers": utterances["speaker"].nunique(),
        "raters": human["rater"].nunique() if bool(human["raters_known"].all()) else np.nan,
        "votes": int(per_utterance.sum()),
        "votes outside the classes": int(human["label"].isna().sum()),
        "votes per utterance, smallest": int(per_utterance.min()),
        "votes per utterance, mean": float(per_utterance.mean()),
        "votes per utterance, largest": int(per_utterance.max()),
        "normalised entropy": float(normalised_entropy(matrix / matrix.sum(axis=1, keepdims=True)).mean()),
        "pairwise agreement": float(agreement[~np.isnan(agreement)].mean()),
        "items left out": len(rejects),
    }
    shares = matrix.sum(axis=0) / matrix.sum()
    return values | {f"share of {label}": float(share) for label, share in zip(classes, shares, strict=True)}


def corpus_table(described: dict[str, dict[str, float]]) -> tuple[str, pd.DataFrame]:
    """Return the LaTeX table, one column per corpus, and the same numbers unrounded."""
    frame = pd.DataFrame(described)
    body: list[list[str]] = []

    def line(name: str, texts: list[str]) -> None:
        body.append([name, *texts])

    def values(name: str) -> list[float]:
        return [float(frame.loc[name, corpus]) if name in frame.index else np.nan for corpus in frame.columns]

    def whole(name: str) -> list[str]:
        return [count(v) if np.isfinite(v) else "not known" for v in values(name)]

    line("utterances", whole("utterances"))
    line("minutes of speech", [number(v, 1) for v in values("minutes")])
    for name in ("speakers", "raters", "votes"):
        line(name, whole(name))
    line("votes outside the classes", whole("votes outside the classes"))
    spread = zip(*(values(f"votes per utterance, {what}") for what in ("smallest", "mean", "largest")), strict=True)
    line("votes per utterance", [rf"{low:.0f} -- {mean:.1f} -- {high:.0f}" for low, mean, high in spread])
    for name in frame.index:
        if name.startswith("share of "):
            label = escape_latex(name.removeprefix("share of "))
            line(rf"share of \emph{{{label}}} votes", [percent(v, 1) for v in values(name)])
    line("normalised entropy, mean", [number(v, 2) for v in values("normalised entropy")])
    line("pairwise agreement, mean", [number(v, 2) for v in values("pairwise agreement")])
    line("items left out, with reason", whole("items left out"))
    head = ["", *(escape_latex(plain(corpus)) for corpus in frame.columns)]
    return tabular("l" + "r" * len(frame.columns), head, body), frame.rename_axis("quantity").reset_index()
