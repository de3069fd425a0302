"""The effect of shared votes on results by level: proxies of known worth under three arrangements of human votes."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from scaling_ambiguity.reporting.figures.exchange_rate import draw_open
from scaling_ambiguity.reporting.naming import LEVELS, plain
from scaling_ambiguity.reporting.selection import pick
from scaling_ambiguity.reporting.style import BLUE, COLUMN_WIDTH, ORANGE, VERMILION

PANELS = {  # method: the votes that decide the level
    "shared-all": "levels from\nall votes",
    "shared-reference": "levels from\nvotes predicted",
    "disjoint": "levels from\nvotes set apart",
}
PROXIES = {  # labels: name, colour, marker
    "withheld-2": ("2 more human votes", BLUE, "o"),
    "echo": ("2 votes and their echo", ORANGE, "D"),
    "shuffled": ("2 of another clip", VERMILION, "P"),
}
STEP = 0.24
HEIGHT = 2.0  # inches per corpus
BEYOND = 0.25  # votes, from the last number of conditioning votes to the arrow of an open interval


def draw_shared_votes(statistics: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Return the figure, a row of three panels per corpus, and the rows shown.

    ``statistics`` are tables of trace_shared_votes as :func:`read_statistics` returns them. A corpus with too few
    utterances that have votes for every role gets a row that says so.
    """
    groups = list(statistics.groupby("file", sort=True))
    size = (COLUMN_WIDTH, HEIGHT * len(groups) + 0.35)
    figure, axes = plt.subplots(len(groups), len(PANELS), figsize=size, squeeze=False)
    drawn: set[str] = set()
    for number, (line, (_, rows)) in enumerate(zip(axes, groups, strict=True)):
        if pick(rows, metric="nll").empty:
            for panel in line:
                panel.set_axis_off()
            words = f"{plain(rows['corpus'].iloc[0])}: too few utterances\nwith votes for every role"
            line[1].text(0.5, 0.5, words, ha="center", va="center", transform=line[1].transAxes)
            continue
        largest = float(pick(rows, labels="human", metric="nll")["votes"].max())
        for panel, (method, title) in zip(line, PANELS.items(), strict=True):
            series = pick(rows, method=method, metric="equivalent_votes")
            drawn |= set(series["labels"])
            _draw_panel(panel, series, largest)
            if number == 0:
                panel.set_title(title)
            if panel is line[0]:
                where = f"{plain(rows['corpus'].iloc[0])}, " if len(groups) > 1 else ""
                panel.set_ylabel(f"{where}equivalent human votes")
            else:
                panel.tick_params(labelleft=False)
        line[1].set_xlabel("ambiguity; utterances per deal")
    if drawn:
        looks = [look for name, look in PROXIES.items() if name in drawn]
        handles = [Line2D([], [], color=colour, marker=marker, linewidth=1.1) for _, colour, marker in looks]
        handles.append(Line2D([], [], color="black", linewidth=1.0))
        names = [name for name, *_ in looks]
        figure.legend(handles, [*names, "known worth"], loc="outside upper center", ncols=2)
    return figure, pick(statistics, metric=("nll", "equivalent_votes"))


def _draw_panel(axes: Axes, rows: pd.DataFrame, largest: float) -> None:
    """Draw every proxy at every level, a black tick at its known worth."""
    for number, (name, (_, colour, marker)) in enumerate(PROXIES.items()):
        shift = (number - (len(PROXIES) - 1) / 2) * STEP
        series = pick(rows, labels=name).set_index("stratum").reindex(LEVELS)
        for place, (_, row) in enumerate(series.iterrows()):
            if not np.isfinite(row["estimate"]):
                continue
            draw_open(axes, place + shift, row, largest + BEYOND, vertical=True, color=colour, marker=marker)
            ends = [place + shift - STEP / 2, place + shift + STEP / 2]
            axes.plot(ends, [row["votes"]] * 2, color="black", linewidth=1.0, zorder=5)
    axes.set(xlim=(-0.5, len(LEVELS) - 0.5), ylim=(-0.06 * largest, largest + 2 * BEYOND))
    sizes = rows.groupby("stratum")["n"].max().reindex(LEVELS).fillna(0).astype(int)
    names = [f"{name}\n{size}" for name, size in zip(("low", "med.", "high"), sizes, strict=True)]
    axes.set_xticks(range(len(LEVELS)), names)
    axes.set_yticks(np.arange(0, largest + 1))
    axes.grid(axis="x", visible=False)
