"""Numbers about strategies at test time; which words are used follows from tests and intervals alone."""

import math

import pandas as pd

from scaling_ambiguity.reporting.naming import escape_latex, plain
from scaling_ambiguity.reporting.numbers.registry import Numbers
from scaling_ambiguity.reporting.selection import need, pick
from scaling_ambiguity.reporting.strategy_names import FORMS, PUBLISHED, why_not
from scaling_ambiguity.reporting.tables.strategies import has_diversity
from scaling_ambiguity.reporting.text import joined, percent
from scaling_ambiguity.reporting.words import difference
from scaling_ambiguity.testtime.projecting import NOT_AVAILABLE

MEAN, CONTROL = "mean", "control"


def add_strategies(numbers: Numbers, table: pd.DataFrame, level: float, submission: tuple[str, str]) -> None:
    """Define ``strategies.*`` of one submission, its corpus and ALM, in a table of gather_strategies.

    Switches: ``poolvaried``, the candidates differ enough to choose from; ``firstasked`` and ``reasoned``, a first
    answer and reasoned ones were asked for; ``readoutasked``, the labels' probabilities were.
    """
    rows = pick(table, corpus=submission[0], model=submission[1])
    first = need(rows, "strategies", labels=MEAN, metric="nll").iloc[0]
    pool = str(first["stratum"])
    for name, column in (("alm", "model"), ("corpus", "corpus"), ("pool", "stratum")):
        numbers.cell(f"strategies.{name}", first, column, escape_latex(plain(first[column])))
    numbers.cell("strategies.utterances", first, "n", str(int(first["n"])))
    usable = need(rows, "strategies", labels=f"pool_{pool}", metric="usable_share").iloc[0]
    numbers.cell("strategies.usable", usable, "estimate", percent(float(usable["estimate"])))
    numbers.estimate("strategies.mean", rows, labels=MEAN, augmentation=CONTROL, metric="nll")
    read = _tested(rows)["stratum"]  # the pool that most strategies read may be another one than that of the controls
    chosen = str(read.mode().iloc[0]) if len(read) else pool
    pairs = pick(rows, labels=f"pool_{chosen}")
    numbers.switch("poolvaried", has_diversity(rows, chosen))
    numbers.estimate("strategies.diversity", pairs, interval=False, optional=True, metric="pairwise_jsd_bits")
    numbers.words("strategies.chosen", escape_latex(chosen), ["strategies.diversity"])
    _add_winners(numbers, rows, level)
    _add_compared(numbers, "firstasked", "mean.first", rows, MEAN, "nll_minus_single", level)
    _add_compared(numbers, "readoutasked", "readout", rows, "readout", "nll_minus_mean", level)
    _add_reasoning(numbers, rows, level)


def _tested(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the differences of published strategies from the mean of the candidates that they read."""
    matches = pick(rows, metric="nll_minus_mean", labels=list(PUBLISHED))
    return matches[(matches["augmentation"] != CONTROL) & matches["p_adjusted"].notna()]


def _add_winners(numbers: Numbers, rows: pd.DataFrame, level: float) -> None:
    """Define how many strategies were tested against the mean, and which are better or worse than it.

    Where candidates do not differ, none is called better.
    """
    tested = _tested(rows)
    wanted = {"corpus": rows["corpus"].iloc[0], "model": rows["model"].iloc[0], "metric": "nll_minus_mean"}
    file = rows["file"].iloc[0]
    numbers.value("strategies.tested", len(tested), str(len(tested)), file=file, column="p_adjusted", rows=wanted,
                  function="number known")  # fmt: skip
    matches: dict[str, dict[str, list[str]]] = {"better than": {}, "worse than": {}}
    keys: list[str] = []
    for row in tested.itertuples():
        key = f"strategies.{row.labels}.{row.augmentation}.difference"
        kept = numbers.estimate(key, rows, labels=row.labels, augmentation=row.augmentation, metric="nll_minus_mean")
        keys.append(key)
        said = difference(row.estimate, row.p_adjusted, level)
        claimed = said in matches and (said == "worse than" or has_diversity(rows, row.stratum))
        if claimed and kept is not None:
            matches[said].setdefault(PUBLISHED[row.labels], []).append(FORMS[row.augmentation])
    order = list(PUBLISHED.values())
    for key, said in (("better", "better than"), ("worse", "worse than")):
        # without the abbreviations, which stand in parentheses
        names = [
            f"{name.partition(' (')[0]} ({', '.join(matches[said][name])})" for name in order if name in matches[said]
        ]
        numbers.words(f"strategies.{key}", joined(names) if names else "none", keys or ["strategies.tested"])


def _add_compared(
    numbers: Numbers, switch: str, key: str, rows: pd.DataFrame, labels: str, metric: str, level: float
) -> None:
    """Define a control's difference and its wording, if there is one; its p belongs to no family of tests."""
    matches = pick(rows, labels=labels, augmentation=CONTROL, metric=metric)
    numbers.switch(switch, len(matches) > 0)
    if matches.empty:
        return
    row = numbers.estimate(f"strategies.{key}.difference", matches, metric=metric)
    assert row is not None, "it was found above"
    said = difference(float(row["estimate"]), float(row["p"]), level)
    numbers.words(f"strategies.{key}.words", said, [f"strategies.{key}.difference"])


def _add_reasoning(numbers: Numbers, rows: pd.DataFrame, level: float) -> None:
    """Define what reasoning changes over the first answer, or why that is not known."""
    matches = pick(rows, labels="cot", augmentation="faithful", metric="nll_minus_single")
    matches = matches[matches["estimate"].map(math.isfinite)]
    numbers.switch("reasoned", len(matches) > 0)
    if len(matches):
        row = numbers.estimate("strategies.cot.single", matches, metric="nll_minus_single")
        assert row is not None, "it was found above"
        said = difference(float(row["estimate"]), float(row["p_adjusted"]), level)
        numbers.words("strategies.cot.words", said, ["strategies.cot.single"])
        return
    absent = pick(rows, labels="cot", augmentation="faithful", metric="nll")
    absent = absent[absent["method"].str.startswith(NOT_AVAILABLE)]
    if absent.empty:
        numbers.absent("strategies.cot.why")
    else:
        numbers.cell("strategies.cot.why", absent.iloc[0], "method", escape_latex(why_not(absent.iloc[0]["method"])))
