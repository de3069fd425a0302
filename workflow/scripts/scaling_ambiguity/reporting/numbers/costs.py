"""Numbers about the cost surface: the score by the number of human and of synthetic votes."""

import math

import pandas as pd

from scaling_ambiguity.reporting.numbers.registry import Numbers
from scaling_ambiguity.reporting.selection import need, one, pick
from scaling_ambiguity.reporting.text import count, p_text
from scaling_ambiguity.reporting.words import difference

ALL = "all"


def add_costs(numbers: Numbers, table: pd.DataFrame, level: float) -> None:
    """Define ``costs.*`` from a table of trace_costs: fewest and most human votes, most synthetic ones."""
    human = need(table, "costs", labels="human", metric="nll")
    file, n = human["file"].iloc[0], int(human["n"].max())
    strata = sorted(set(human["stratum"]), key=lambda name: math.inf if name.endswith(ALL) else int(name[6:]))
    weighted = need(table, "costs", labels="weighted", metric="nll")
    m = float(weighted["votes"].max())
    common = {"file": file, "function": "max", "n": n}
    rows = {"labels": "human", "metric": "nll"}
    numbers.value("costs.utterances", n, count(n), column="n", rows=rows, **common)
    rows = {"labels": "weighted", "metric": "nll"}
    numbers.value("costs.m", m, count(m), column="votes", rows=rows, **common)
    for end, stratum in (("least", strata[0]), ("most", strata[-1])):
        mean = pick(table, metric="mean_votes", stratum=stratum)
        row = one(mean if len(mean) else human, f"costs of {stratum}", stratum=stratum)
        k = float(row["estimate"]) if len(mean) else float(stratum.removeprefix("human="))
        numbers.cell(f"costs.votes.{end}", row, "estimate" if len(mean) else "stratum", f"{k:.3g}")
        numbers.estimate(f"costs.human.{end}", table, labels="human", metric="nll", stratum=stratum)
        for labels, name in (("weighted", "weighted"), ("as_pooled", "pooled")):
            key = f"costs.{name}.{end}"
            wanted = {"labels": labels, "metric": "nll_minus_human", "stratum": stratum, "votes": m}
            row = numbers.estimate(f"{key}.difference", table, **wanted)
            assert row is not None  # only optional ones can be absent
            p = float(row["p_adjusted"])
            numbers.cell(f"{key}.p", row, "p_adjusted", p_text(row))
            words = difference(float(row["estimate"]), p, level)
            numbers.words(f"{key}.words", words, [f"{key}.difference", f"{key}.p"])
