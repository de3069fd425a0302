"""Numbers about what every predictor is worth in human votes."""

import pandas as pd

from scaling_ambiguity.evaluation.leaderboard import largest_k
from scaling_ambiguity.reporting.naming import escape_latex, valued_name
from scaling_ambiguity.reporting.numbers.registry import Numbers
from scaling_ambiguity.reporting.selection import need, pick
from scaling_ambiguity.reporting.tables.booktabs import plain_cell
from scaling_ambiguity.reporting.tables.exchange import votes_cell
from scaling_ambiguity.reporting.text import bounds, joined, number
from scaling_ambiguity.reporting.words import several

NAMED = ["model", "labels", "augmentation", "votes"]


def add_worth(numbers: Numbers, table: pd.DataFrame) -> None:
    """Define ``worth.*`` from one table of value_predictors: the best predictor by NLL, and votes of known worth.

    Switch ``rulers``: votes of the same raters were set apart and valued.
    """
    ranked = need(table, "worth", metric="rank").sort_values(["estimate", *NAMED], kind="stable")
    best = ranked.iloc[0]
    largest = largest_k(table)
    numbers.cell("worth.best.name", best, "model", escape_latex(valued_name(*best[NAMED])))
    worth = pick(table, metric="equivalent_votes", **best[NAMED]).iloc[0]
    numbers.cell("worth.best", worth, "estimate", plain_cell(votes_cell(worth, largest)))
    numbers.cell("worth.best.rank", best, "estimate", _rank(best["low"], best["high"], len(ranked)))
    numbers.cell("worth.utterances", best, "n", str(int(best["n"])))
    rulers = pick(table, labels="genuine", metric="equivalent_votes").sort_values("votes")
    numbers.switch("rulers", bool(len(rulers)))
    keys, texts = [], []
    for row in rulers.itertuples():
        key = f"worth.ruler-{row.votes:.0f}"
        numbers.estimate(key, table, digits=2, labels="genuine", metric="equivalent_votes", votes=row.votes)
        keys.append(key)
        worth = f"{number(row.estimate, 2)} {bounds(row.low, row.high, 2)}".strip()
        texts.append(f"{worth} ({several(row.votes, row.votes, 'vote')})")
    if keys:
        numbers.words("worth.rulers", joined(texts), keys)


def _rank(low: float, high: float, many: int) -> str:
    """Return what the interval of the first one's rank says."""
    if pd.isna(low) or pd.isna(high):
        return f"first of {many}; its rank has no interval"
    ends = f"{low:.0f}" if low == high else f"{low:.0f} to {high:.0f}"
    return f"interval of its rank: {ends} of {many}"
