"""The exchange rate at each level of ambiguity, next to proxies of known worth."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from scaling_ambiguity.reporting.figures.exchange_rate import SHORT, VARIANTS, draw_open, known_name
from scaling_ambiguity.reporting.naming import LEVELS, plain
from scaling_ambiguity.reporting.selection import pick
from scaling_ambiguity.reporting.style import COLUMN_WIDTH, GREEN, GREY, SKY, VERMILION
from scaling_ambiguity.tables.statistics import THESE

KNOWN = {"fresh-1": (GREEN, "o"), "fresh-2": (SKY, "o"), "noise": (GREY, "X"), "shuffled": (VERMILION, "P")}
STEP = 0.115


def draw_exchange_by_level(statistics: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Return the equivalent human votes by level, one panel per corpus and protocol, and the rows shown.

    ``statistics`` are tables of estimate_exchange_by_level as :func:`read_statistics` returns them. A corpus
    whose utterances have too few votes for disjoint sets gets a panel that says so.
    """
    statistics = pick(statistics, population=THESE)
    groups = list(statistics.groupby("file", sort=True))
    size = (COLUMN_WIDTH * len(groups), 2.6)
    figure, axes = plt.subplots(1, len(groups), figsize=size, squeeze=False)
    drawn: dict[str, tuple[str, str]] = {}
    for panel, (_, rows) in zip(axes[0], groups, strict=True):
        if pick(rows, metric="nll").empty:
            panel.text(
                0.5, 0.5, "not identifiable:\ntoo few votes an utterance", ha="center", transform=panel.transAxes
            )
            panel.set_axis_off()
        else:
            drawn |= _draw_panel(panel, rows)
        if len(groups) > 1:
            panel.set_title(plain(rows["corpus"].iloc[0], rows["protocol"].iloc[0]))
    if drawn:
        handles = [Line2D([], [], color=colour, marker=marker, linewidth=1.1) for colour, marker in drawn.values()]
        names = [SHORT.get(name) or known_name(name) for name in drawn]
        figure.legend(handles, names, loc="outside upper center", ncols=3)
    return figure, pick(statistics, metric=("nll", "nll_minus_prior", "equivalent_votes"))


def _draw_panel(axes: Axes, rows: pd.DataFrame) -> dict[str, tuple[str, str]]:
    largest = float(pick(rows, labels="human", metric="nll")["votes"].max())
    looks = {name: look for name, look in (VARIANTS | KNOWN).items() if name in set(rows["labels"])}
    for number, (name, (colour, marker)) in enumerate(looks.items()):
        shift = (number - (len(looks) - 1) / 2) * STEP
        series = pick(rows, labels=name, metric="equivalent_votes").set_index("stratum").reindex(LEVELS)
        for place, (_, row) in enumerate(series.iterrows()):
            if not np.isfinite(row["estimate"]):
                continue
            x = place + shift
            draw_open(axes, x, row, largest, vertical=True, color=colour, marker=marker)
            if name in KNOWN:
                worth = row["votes"] if name.startswith("fresh-") else 0
                axes.plot([x - STEP / 2, x + STEP / 2], [worth] * 2, color="black", linewidth=1.0, zorder=5)
    counts = [int(pick(rows, stratum=level)["n"].max()) if level in set(rows["stratum"]) else 0 for level in LEVELS]
    axes.set_xticks(range(3), [f"{level}\n$n={count}$" for level, count in zip(LEVELS, counts, strict=True)])
    shown = pick(rows, metric="equivalent_votes", labels=tuple(looks))
    top = 1.06 * largest
    if not (shown["one_sided"] == "low").any():  # no value reaches the end of the range that the corpus can show
        top = min(top, float(np.nanmax(shown[["high", "estimate"]].to_numpy(float))) + 0.4)
    axes.set(xlim=(-0.5, 2.5), ylim=(-0.06 * top, top))
    axes.set(xlabel="ambiguity of the utterance", ylabel="equivalent human votes")
    axes.set_yticks(np.arange(0, np.floor(top) + 1))
    axes.grid(axis="x", visible=False)
    return looks
