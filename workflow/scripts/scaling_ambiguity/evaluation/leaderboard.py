"""The leaderboard: one row per corpus, protocol and predictor, the best first."""

import numpy as np
import pandas as pd

from scaling_ambiguity.inference.predictors import SIMILARITIES, STRATEGY

KEY = ["corpus", "protocol", "model", "labels", "augmentation", "votes"]
KINDS = {"as_is": "annotator, its own distribution", "weighted": "annotator, votes", "given": "given table",
         STRATEGY: "strategy at test time"}  # fmt: skip


def leaderboard(statistics: pd.DataFrame) -> pd.DataFrame:
    """Return the leaderboard of tables of value_predictors.

    Returns:
        rank, rank_low, rank_high (by NLL, intervals over speakers), corpus, protocol, model, kind, labels,
        augmentation, votes (of the predictor; inf: a distribution), equivalent_votes with low, high and ``open``
        (low: more than the corpus can show), gain and net_gain (human votes brought over ``beside`` human votes, and
        less what an echo of these brings) with low and high, nll, jsd_bits, bhattacharyya with low and high,
        break_even (price of all its votes on an utterance, in human votes, below which it is cheaper), n, n_clusters.
    """
    boards = [_board(rows) for _, rows in statistics.groupby(["corpus", "protocol"], sort=True)]
    return pd.concat(boards, ignore_index=True)


def _board(rows: pd.DataFrame) -> pd.DataFrame:
    typical = rows[rows["metric"] == "typical_votes"]
    beside = int(typical["estimate"].iloc[0]) if len(typical) else 0
    metrics = {
        "rank": "rank",
        "equivalent_votes": "equivalent_votes",
        f"gain_k{beside}": "gain",
        f"net_gain_k{beside}": "net_gain",
        **{name: name for name in ("nll", *SIMILARITIES)},
    }
    ranked = rows[rows["metric"] == "rank"].set_index(KEY)
    board = ranked[["n", "n_clusters"]].copy()
    for metric, name in metrics.items():
        estimates = rows[rows["metric"] == metric].set_index(KEY).reindex(ranked.index)
        board[name], board[f"{name}_low"], board[f"{name}_high"] = (
            estimates["estimate"],
            estimates["low"],
            estimates["high"],
        )
        if metric == "equivalent_votes":
            board["open"] = estimates["one_sided"]
    board["beside"] = beside
    board["break_even"] = board["equivalent_votes"]
    board = board.reset_index()
    board["kind"] = board["labels"].map(KINDS).fillna("trained model")
    order = [*KEY[:3], "kind", *KEY[3:]]
    first = [f"rank{end}" for end in ("", "_low", "_high")]
    rest = [name for name in board if name not in {*order, *first, "n", "n_clusters"}]
    board = board[[*first, *order, *rest, "n", "n_clusters"]]
    return board.sort_values([*first[:1], "nll", *KEY], kind="stable").reset_index(drop=True)


def largest_k(statistics: pd.DataFrame) -> float:
    """Return the end of the curve of human votes."""
    human = statistics[(statistics["labels"] == "human") & (statistics["metric"] == "nll")]
    human = human[human["model"] == "none"]  # and not a model that was trained on human labels
    return float(human["votes"].max()) if len(human) else float(np.nan)
