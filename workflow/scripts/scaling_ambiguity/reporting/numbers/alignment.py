"""Numbers about the agreement of synthetic with human votes, and its saturation."""

import pandas as pd

from scaling_ambiguity.reporting.naming import LEVELS, escape_latex
from scaling_ambiguity.reporting.numbers.registry import Numbers
from scaling_ambiguity.reporting.selection import need, no_wider, one, pick
from scaling_ambiguity.reporting.text import p_text
from scaling_ambiguity.reporting.words import beside, overlap, trend

PREDICTORS = ("synthetic", "prior", "uniform", "human", "human-smoothed")


def add_alignment(numbers: Numbers, table: pd.DataFrame, annotator: str, classes: list[str]) -> None:
    """Define ``alignment.*`` from one table of align_votes; ``leveled``: its utterances have levels of ambiguity."""
    numbers.switch("leveled", bool(len(pick(table, stratum=LEVELS, metric="nll"))))
    synthetic, everybody = f"synthetic-{annotator}", table
    table = pick(table, population="these raters")
    flipped = pick(table, method="sign_flip")
    table = table[table["method"] != "sign_flip"]
    about = {"stratum": "all", "reference": "human"}
    for metric in ("nll", "jsd_bits"):
        for name in PREDICTORS if metric == "nll" else ("synthetic", "prior", "human"):
            labels = synthetic if name == "synthetic" else name
            numbers.estimate(f"alignment.{_short(metric)}.{name}", table, labels=labels, metric=metric, **about)
    numbers.estimate("alignment.jsd.matched", table, labels=f"{synthetic}-matched", metric="jsd_bits", **about)
    numbers.estimate("alignment.entropy", table, digits=2, labels=synthetic, metric="entropy_pearson", **about)
    row = numbers.estimate("alignment.minus-prior", table, labels=synthetic, metric="nll_minus_prior", **about)
    _add_p(numbers, "alignment.minus-prior.p", row)
    _add_p(
        numbers,
        "alignment.minus-prior.flip",
        one(flipped, "sign flips", labels=synthetic, metric="nll_minus_prior", **about),
    )
    matched = {"labels": f"{synthetic}-matched", "metric": "nll_minus_human"}
    numbers.estimate("alignment.minus-human", table, **matched, **about)
    numbers.estimate("alignment.leave-one-out", table, labels="leave-one-out", metric="nll", optional=True, **about)
    like = pick(everybody, population="raters like these")
    wanted = {"labels": synthetic, "metric": "nll_minus_prior"}
    numbers.switch("alignedlike", bool(len(pick(like, **wanted, **about))))
    across = pick(like, **wanted, **about)
    numbers.switch("alignedalone", row is not None and len(across) > 0 and no_wider(across.iloc[0], row, 3))
    if numbers.switches["alignedlike"] and not numbers.switches["alignedalone"]:
        numbers.estimate("alignment.minus-prior.like", like, **wanted, **about)
    for level in LEVELS:
        numbers.estimate(
            f"alignment.nll.{level}",
            table,
            labels=synthetic,
            metric="nll",
            stratum=level,
            reference="human",
            optional=True,
        )
    levels = [f"alignment.nll.{level}" for level in LEVELS]
    numbers.words("alignment.trend", trend([_or_nan(numbers[key].value) for key in levels]), levels)
    for other in ("prior", "human-smoothed"):
        ours, theirs = numbers["alignment.nll.synthetic"], numbers[f"alignment.nll.{other}"]
        keys = [ours.key, theirs.key]
        numbers.words(f"alignment.beside-{other}", beside(ours.value, theirs.value), keys)
        intervals = overlap(*((_or_nan(item.low), _or_nan(item.high)) for item in (ours, theirs)))
        numbers.words(f"alignment.overlap-{other}", intervals, keys)
    found = pick(table, labels=synthetic, metric=[f"pearson_{label}" for label in classes], **about)
    found = need(found.dropna(subset="estimate"), "alignment.pearson", labels=synthetic).sort_values("estimate")
    for key, row in (("least", found.iloc[0]), ("most", found.iloc[-1])):
        label = row["metric"].removeprefix("pearson_")
        numbers.estimate(f"alignment.pearson.{key}", table, digits=2, labels=synthetic, metric=row["metric"], **about)
        numbers.words(
            f"alignment.pearson.{key}.class", rf"\emph{{{escape_latex(label)}}}", [f"alignment.pearson.{key}"]
        )


def add_saturation(numbers: Numbers, table: pd.DataFrame, annotator: str) -> None:
    """Define ``saturation.*`` from one table of trace_saturation."""
    synthetic = f"synthetic-{annotator}"
    curve = need(table, "saturation", labels=synthetic, metric="jsd_bits").sort_values("votes")
    first, last = float(curve["votes"].iloc[0]), float(curve["votes"].iloc[-1])
    for place, key, votes in ((0, "first", first), (-1, "last", last)):
        numbers.cell(f"saturation.{key}.votes", curve.iloc[place], "votes", f"{votes:.0f}")
        numbers.estimate(f"saturation.{key}", table, labels=synthetic, metric="jsd_bits", votes=votes)
    optional = {"labels": synthetic, "optional": True}
    for key, metric in (("limit", "limit"), ("corrected", "corrected"), ("humannoise", "human_noise")):
        numbers.estimate(f"saturation.{key}", table, metric=f"jsd_bits_{metric}", **optional)
    for key, votes in (("first", first), ("last", last)):
        numbers.estimate(f"saturation.excess.{key}", table, metric="jsd_bits_excess", votes=votes, **optional)


def _add_p(numbers: Numbers, key: str, row: pd.Series) -> None:
    numbers.cell(key, row, "p_adjusted", p_text(row))


def _short(metric: str) -> str:
    return metric.removesuffix("_bits")


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value
