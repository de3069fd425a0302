"""Numbers about the cost surface: what human and synthetic votes buy, by the number of each."""

import math

import pandas as pd

from scaling_ambiguity.reporting.numbers.registry import Numbers
from scaling_ambiguity.reporting.selection import need, pick
from scaling_ambiguity.reporting.text import count, p_value
from scaling_ambiguity.reporting.words import difference

ALL = "all"


def add_costs(numbers: Numbers, table: pd.DataFrame, level: float) -> None:
    """Define ``costs.*`` from a table of trace_costs: fewest and most human votes, most synthetic ones."""
    human = need(table, "costs", labels="human", metric="nll")
    file, n = human["file"].iloc[0], int(human["n"].max())
    strata = sorted(set(human["stratum"]), key=lambda name: math.inf if name.endswith(ALL) else int(name[6:]))
    weighted = need(table, "costs", labels="weighted", metric="nll")
    m = float(weighted["votes"].max())
    numbers.value("costs.utterances", n, count(n), file=file, column="n", rows={"labels": "human"}, n=n)
    numbers.value("costs.m", m, count(m), file=file, column="votes", rows={"labels": "weighted"}, n=n)
    for end, stratum in (("least", strata[0]), ("most", strata[-1])):
        mean = pick(table, metric="mean_votes", stratum=stratum)
        k = float(mean["estimate"].iloc[0]) if len(mean) else float(stratum.removeprefix("human="))
        rows = {"labels": "human", "stratum": stratum}
        numbers.value(f"costs.votes.{end}", k, f"{k:.3g}", file=file, column="stratum", rows=rows, n=n)
        numbers.estimate(f"costs.human.{end}", table, labels="human", metric="nll", stratum=stratum)
        for labels, name in (("weighted", "weighted"), ("as_pooled", "pooled")):
            key = f"costs.{name}.{end}"
            wanted = {"labels": labels, "metric": "nll_minus_human", "stratum": stratum, "votes": m}
            row = numbers.estimate(f"{key}.difference", table, **wanted)
            p = float(row["p_adjusted"])
            shown = p if math.isfinite(p) else "none"
            numbers.value(f"{key}.p", shown, p_value(p), file=file, column="p_adjusted", rows=wanted, n=n)
            words = difference(float(row["estimate"]), p, level)
            numbers.words(f"{key}.words", words, [f"{key}.difference", f"{key}.p"])
