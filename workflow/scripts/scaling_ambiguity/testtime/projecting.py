"""Scores of strategies as rows of the statistics table: a projection, nothing is computed."""

import pandas as pd

from scaling_ambiguity.tables.statistics import THESE, statistics_frame

NOT_AVAILABLE = "not_available: "  # starts the method of a row without an estimate; the reason follows


def as_statistics(scores: pd.DataFrame) -> pd.DataFrame:
    """Return ``tables.strategy_scores`` as ``tables.statistics``.

    The ALM is the ``model``, the strategy ``labels``, its form ``augmentation``, the pool that it reads ``stratum``; a
    difference is the metric ``nll_minus_mean``, and the reason why a strategy was not applied is in ``method``.
    """
    rows = []
    for row in scores.to_dict("records"):
        against, reason = row["against"], row["reason"]
        method = f"{NOT_AVAILABLE}{reason}" if isinstance(reason, str) else row["method"]
        rows.append(
            {"corpus": row["corpus"], "model": row["alm"], "labels": row["strategy"], "augmentation": row["form"],
             "stratum": row["pool"], "reference": "human", "population": THESE, "method": method,
             "metric": row["metric"] if against == "none" else f"{row['metric']}_minus_{against}"}
            | {name: row[name] for name in ("estimate", "low", "high", "p", "p_adjusted", "n", "n_clusters")}
        )  # fmt: skip
    return statistics_frame(rows)
