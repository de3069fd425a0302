"""The answer of a run in four rows: what one vote, and many, are worth alone and added to human votes, and may cost."""

import math

import pandas as pd

from scaling_ambiguity.reporting.selection import need, pick
from scaling_ambiguity.reporting.tables.booktabs import Row, tabular
from scaling_ambiguity.reporting.tables.exchange import votes_cell
from scaling_ambiguity.reporting.text import number
from scaling_ambiguity.tables.statistics import THESE

MOST = 4  # rows
EQUIVALENT = "equivalent_votes"
SHOWN = (EQUIVALENT, "typical_votes", r"gain_k\d+")


def _candidates(m: float) -> list[tuple[str, float, str]]:
    """Return (labels, votes, name) of the rows in the order in which they are taken."""
    many = f"{m:.0f} vote{'s' if m != 1 else ''}"
    first = [("weighted", 1.0, "1 vote")] if m != 1 else []
    return [
        *first,
        ("as_pooled", m, f"{many}, each counted as one"),
        ("weighted", m, f"{many}, one fitted weight"),
        ("weighted", math.inf, "unlimited votes, one fitted weight"),
        ("calibrated", m, f"{many}, calibrated"),
    ]


def headline_table(statistics: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """Return the LaTeX table and the rows behind it.

    A row needs an interval. The price is that of one vote, in prices of a human vote, below which votes cost less than
    the human votes that they equal: k* / m.

    Args:
        statistics: One table of estimate_exchange_rate.

    Raises:
        UserError: It has no equivalent votes with a fitted weight.
    """
    table = pick(statistics, population=THESE)
    sizes = need(table, "tab_headline", labels="weighted", metric=EQUIVALENT)["votes"]
    largest = float(need(table, "tab_headline", labels="human", metric="nll")["votes"].max())
    m = float(sizes[sizes < math.inf].max())
    typical = pick(table, labels="human", metric="typical_votes")
    k = int(typical["estimate"].iloc[0]) if len(typical) else 1
    body: list[Row] = []
    for labels, votes, name in _candidates(m):
        rows = pick(table, labels=labels, metric=EQUIVALENT, votes=votes, stratum="all")
        if rows.empty or not math.isfinite(rows["estimate"].iloc[0]) or len(body) == MOST:
            continue
        row = rows.iloc[0]
        if labels == "calibrated" and not math.isfinite(row["low"]):
            continue
        gain = pick(table, labels=labels, votes=votes, metric=f"gain_k{k}", stratum="all")
        beside = votes_cell(gain.iloc[0], largest, offset=k) if len(gain) else "--"
        beyond = row["one_sided"] == "low" and row["estimate"] >= largest
        price = "--" if math.isinf(votes) else ("$>$" if beyond else "") + number(float(row["estimate"]) / votes)
        body.append([name, votes_cell(row, largest), beside, price])
    head = ["", "alone", f"added to {k} human vote{'s' if k != 1 else ''}", "price"]
    shown = table["metric"].str.fullmatch("|".join(SHOWN))
    return tabular("llll", head, body), table[shown].reset_index(drop=True)
