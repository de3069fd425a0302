"""Numbers about the agreement of synthetic with human votes, and its saturation."""

from typing import Any

import pandas as pd

from scaling_ambiguity.reporting.naming import LEVELS, escape_latex
from scaling_ambiguity.reporting.numbers.levels import add_trend
from scaling_ambiguity.reporting.numbers.registry import Numbers
from scaling_ambiguity.reporting.selection import need, no_wider, one, pick
from scaling_ambiguity.reporting.text import p_text
from scaling_ambiguity.reporting.words import difference
from scaling_ambiguity.tables.statistics import LIKE_THESE, SIGN_FLIP, THESE

SMOOTHED = ("synthetic", "matched", "prior", "uniform", "human-smoothed")
RAW = ("synthetic", "matched", "prior", "human")


def add_alignment(numbers: Numbers, table: pd.DataFrame, annotator: str, classes: list[str], level: float) -> None:
    """Define ``alignment.*`` from one table of align_votes; ``leveled``: its utterances have levels of ambiguity.

    The NLL is that of smoothed votes on both sides, the JSD that of histograms.
    """
    numbers.switch("leveled", bool(len(pick(table, stratum=LEVELS, metric="nll"))))
    synthetic, everybody = f"synthetic-{annotator}", table
    table = pick(table, population=THESE)
    flipped = pick(table, method=SIGN_FLIP)
    table = table[table["method"] != SIGN_FLIP]
    common: dict[str, Any] = {"stratum": "all", "reference": "human"}
    raw = {"synthetic": synthetic, "matched": f"{synthetic}-matched"}
    smoothed = {key: f"{labels}-smoothed" for key, labels in raw.items()}
    for name in SMOOTHED:
        numbers.estimate(f"alignment.nll.{name}", table, labels=smoothed.get(name, name), metric="nll", **common)
    for name in RAW:
        numbers.estimate(f"alignment.jsd.{name}", table, labels=raw.get(name, name), metric="jsd_bits", **common)
    numbers.estimate("alignment.entropy", table, digits=2, labels=synthetic, metric="entropy_pearson", **common)
    for key, labels, baseline in (
        ("minus-prior", smoothed["synthetic"], "prior"),
        ("minus-smoothed", smoothed["synthetic"], "human-smoothed"),
        ("minus-human", smoothed["matched"], "human-smoothed"),
    ):
        wanted: dict[str, Any] = {"labels": labels, "metric": f"nll_minus_{baseline}"}
        row = numbers.estimate(f"alignment.{key}", table, **wanted, **common)
        assert row is not None  # only optional ones can be absent
        _add_p(numbers, f"alignment.{key}.p", row)
        words = difference(float(row["estimate"]), float(row["p_adjusted"]), level)
        numbers.words(f"alignment.{key}.words", words, [f"alignment.{key}", f"alignment.{key}.p"])
    wanted = {"labels": smoothed["synthetic"], "metric": "nll_minus_prior"}
    _add_p(numbers, "alignment.minus-prior.flip", one(flipped, "sign flips", **wanted, **common))
    numbers.estimate("alignment.leave-one-out", table, labels="leave-one-out", metric="nll", optional=True, **common)
    like = pick(everybody, population=LIKE_THESE)
    numbers.switch("alignedlike", bool(len(pick(like, **wanted, **common))))
    across = pick(like, **wanted, **common)
    numbers.switch("alignedalone", row is not None and len(across) > 0 and no_wider(across.iloc[0], row, 3))
    if numbers.switches["alignedlike"] and not numbers.switches["alignedalone"]:
        numbers.estimate("alignment.minus-prior.like", like, **wanted, **common)
    subset: dict[str, Any] = {"labels": smoothed["synthetic"], "reference": "human", "optional": True}
    for stratum in LEVELS:
        numbers.estimate(f"alignment.nll.{stratum}", table, metric="nll", stratum=stratum, **subset)
    numbers.estimate("alignment.rise", table, metric="nll_rise", stratum="all", **subset)
    add_trend(numbers, "alignment.trend", "alignment.rise")
    matches = pick(table, labels=synthetic, metric=[f"pearson_{label}" for label in classes], **common)
    matches = need(matches.dropna(subset="estimate"), "alignment.pearson", labels=synthetic).sort_values("estimate")
    for key, row in (("least", matches.iloc[0]), ("most", matches.iloc[-1])):
        label = row["metric"].removeprefix("pearson_")
        numbers.estimate(f"alignment.pearson.{key}", table, digits=2, labels=synthetic, metric=row["metric"], **common)
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
    optional: dict[str, Any] = {"labels": synthetic, "optional": True}
    for key, metric in (("limit", "limit"), ("corrected", "corrected"), ("humannoise", "human_noise")):
        numbers.estimate(f"saturation.{key}", table, metric=f"jsd_bits_{metric}", **optional)
    for key, votes in (("first", first), ("last", last)):
        numbers.estimate(f"saturation.excess.{key}", table, metric="jsd_bits_excess", votes=votes, **optional)


def _add_p(numbers: Numbers, key: str, row: pd.Series) -> None:
    numbers.cell(key, row, "p_adjusted", p_text(row))
