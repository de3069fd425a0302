"""What every predictor is worth in human votes: a forest, best first, and votes of known worth."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from scaling_ambiguity.evaluation.leaderboard import largest_k, leaderboard
from scaling_ambiguity.inference.predictors import STRATEGY
from scaling_ambiguity.reporting.figures.exchange_rate import TICK, draw_open
from scaling_ambiguity.reporting.naming import plain, valued_name
from scaling_ambiguity.reporting.selection import need, pick
from scaling_ambiguity.reporting.style import BLUE, COLUMN_WIDTH, GREEN, GREY, ORANGE, PURPLE, VERMILION

LOOKS = {
    "annotator, votes": (ORANGE, "D"),
    "annotator, its own distribution": (ORANGE, "s"),
    "trained model": (BLUE, "o"),
    "given table": (PURPLE, "v"),
    "strategy at test time": (VERMILION, "X"),
}
MOST = 30  # rows of a panel; controls and augmented arms are left out where there are more
ROW, MARGIN = 0.135, 0.55  # inches


def _rows(board: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that are drawn."""
    if len(board) <= MOST:
        return board
    uncontrolled = ~board["labels"].str.startswith("control-")
    uncontrolled &= (board["augmentation"] == "none") | (board["labels"] == STRATEGY)
    return board[uncontrolled].head(MOST)


def _end(board: pd.DataFrame, rulers: pd.DataFrame, largest: float) -> float:
    """Return the whole number of votes at which the axis ends: beyond all intervals, at ``largest`` if one is open."""
    if (board["open"] == "low").any() or (rulers["one_sided"] == "low").any():
        return largest
    columns = ["equivalent_votes", "equivalent_votes_high"]
    ends = [board[columns].to_numpy(float), rulers[["estimate", "high", "votes"]].to_numpy(float)]
    return min(largest, float(np.ceil(np.nanmax(np.concatenate([values.ravel() for values in ends])))))


def _draw_panel(axes: Axes, board: pd.DataFrame, rulers: pd.DataFrame, largest: float) -> None:
    names = []
    for position, row in enumerate(board.to_dict("records")):
        colour, marker = LOOKS[row["kind"]]
        drawn = pd.Series({"estimate": row["equivalent_votes"], "low": row["equivalent_votes_low"],
                           "high": row["equivalent_votes_high"], "one_sided": row["open"]})  # fmt: skip
        draw_open(axes, position, drawn, largest, vertical=False, color=colour, marker=marker)
        names.append(valued_name(row["model"], row["labels"], row["augmentation"], row["votes"]))
    for position, (_, row) in enumerate(rulers.iterrows(), start=len(board)):
        draw_open(axes, position, row, largest, vertical=False, color=GREEN, marker="o")
        axes.plot(row["votes"], position, "|", color="black", markersize=TICK, markeredgewidth=1.2, zorder=5)
        names.append(valued_name("", row["labels"], "none", row["votes"]))
    for k in range(1, int(largest) + 1):
        axes.axvline(k, color=GREY, linewidth=0.4, zorder=0)
    axes.set_yticks(range(len(names)), names)
    end = _end(board, rulers, largest)
    axes.set(xlabel="equivalent human votes, $k^*$", ylim=(len(names) - 0.4, -0.6), xlim=(-0.12, end + 0.15))
    axes.set_xticks(np.arange(0, end + 1))
    axes.grid(axis="y", visible=False)


def _legend(kinds: set[str], *, ruled: bool) -> list[Line2D]:
    """Return a mark for every kind that is drawn, and for votes of known worth."""
    looks = {kind: look for kind, look in LOOKS.items() if kind in kinds}
    looks |= {"human votes, set apart": (GREEN, "o")} if ruled else {}
    return [
        Line2D([], [], color=colour, marker=marker, markersize=4, linewidth=1.1, label=kind)
        for kind, (colour, marker) in looks.items()
    ]


def draw_worth(statistics: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Return the figure, one panel per corpus and protocol, and the leaderboard behind it.

    ``statistics`` are tables of value_predictors as :func:`read_statistics` returns them.
    """
    need(statistics, "fig_worth", metric="rank")
    board = leaderboard(statistics)
    panels = []
    for (corpus, protocol), rows in board.groupby(["corpus", "protocol"], sort=True):
        series = pick(statistics, corpus=corpus, protocol=protocol)
        rulers = pick(series, labels="genuine", metric="equivalent_votes").sort_values("votes")
        largest = largest_k(series)
        panels.append((plain(corpus, protocol), _rows(rows), rulers, largest))
    heights = [ROW * (len(rows) + len(rulers)) + MARGIN for _, rows, rulers, _ in panels]
    handles = _legend(set(board["kind"]), ruled=any(len(rulers) for _, _, rulers, _ in panels))
    above = ROW * -(-len(handles) // 2)
    figure, axes = plt.subplots(
        len(panels), 1, figsize=(COLUMN_WIDTH, sum(heights) + above), squeeze=False, height_ratios=heights
    )
    figure.legend(handles=handles, loc="outside upper center", ncols=2)
    for place, (title, rows, rulers, largest) in zip(axes[:, 0], panels, strict=True):
        _draw_panel(place, rows, rulers, largest)
        if len(panels) > 1:
            place.set_title(title)
    return figure, board
