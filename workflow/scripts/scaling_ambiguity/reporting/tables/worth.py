"""The leaderboard as a table of the paper."""

import math

import pandas as pd

from scaling_ambiguity.evaluation.leaderboard import largest_k, leaderboard
from scaling_ambiguity.inference.predictors import SIMILARITIES
from scaling_ambiguity.metrics.catalogue import METRICS
from scaling_ambiguity.reporting.naming import escape_latex, plain, valued_name
from scaling_ambiguity.reporting.selection import need, pick
from scaling_ambiguity.reporting.tables.booktabs import Row, cell, tabular
from scaling_ambiguity.reporting.tables.exchange import votes_cell

SCORED = ("nll", *SIMILARITIES)


def _worth(row: dict, name: str, largest: float, offset: float = 0.0) -> str:
    if not math.isfinite(row.get(name, math.nan)):
        return "--"
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    one_sided = "low" if math.isfinite(low) and not math.isfinite(high) else "no"
    value = {"estimate": row[name], "low": low, "high": high, "one_sided": one_sided, "method": "test_inversion"}
    return votes_cell(pd.Series(value), largest, offset=offset)


def _ranks(row: dict) -> str:
    if not math.isfinite(row["rank_low"]):
        return f"{row['rank']:.0f}"
    return f"{row['rank']:.0f} {{\\scriptsize {row['rank_low']:.0f} to {row['rank_high']:.0f}}}"


def worth_table(statistics: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """Return the LaTeX table and the leaderboard; ``statistics`` are tables of value_predictors."""
    need(statistics, "tab_worth", metric="rank")
    board = leaderboard(statistics)
    many = board[["corpus", "protocol"]].drop_duplicates().shape[0] > 1
    body: list[Row] = []
    ks = sorted(set(board["beside"]))
    for (corpus, protocol), rows in board.groupby(["corpus", "protocol"], sort=True):
        largest = largest_k(pick(statistics, corpus=corpus, protocol=protocol))
        if many:
            body.append(escape_latex(plain(corpus, protocol)))
        for row in rows.to_dict("records"):
            name = escape_latex(valued_name(row["model"], row["labels"], row["augmentation"], row["votes"]))
            scores = [cell(row[metric], row[f"{metric}_low"], row[f"{metric}_high"]) for metric in SCORED]
            worths = [
                _worth(row, "equivalent_votes", largest),
                _worth(row, "gain", largest, row["beside"]),
                _worth(row, "net_gain", largest, row["beside"]),
            ]
            body.append([_ranks(row), name, *worths, *scores])
    beside = ", ".join(str(k) for k in ks)
    head = ["rank", "predictor", "equivalent human votes", f"gain over {beside}", "less its echo"]
    head += [METRICS[metric].title for metric in SCORED]
    return tabular("rlllllll", head, body), board
