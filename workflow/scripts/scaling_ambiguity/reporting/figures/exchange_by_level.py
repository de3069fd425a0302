"""The exchange rate at each level of ambiguity, beside proxies whose worth is known."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scaling_ambiguity.reporting.naming import LEVELS, predictor_name
from scaling_ambiguity.reporting.selection import pick
from scaling_ambiguity.reporting.style import BLUE, COLUMN_WIDTH, GREEN, ORANGE, PURPLE

SERIES = {"as_pooled": (ORANGE, "D"), "weighted": (BLUE, "s"), "fresh-1": (GREEN, "o"), "fresh-2": (PURPLE, "o")}


def draw_exchange_by_level(statistics: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Return the equivalent human votes by level, one panel a corpus and protocol, and the rows shown.

    ``statistics`` are tables of estimate_exchange_by_level as :func:`read_statistics` returns them. A corpus
    whose utterances have too few votes for disjoint sets gets a panel that says so.
    """
    groups = list(statistics.groupby("file", sort=True))
    size = (COLUMN_WIDTH * len(groups), 2.3)
    figure, axes = plt.subplots(1, len(groups), figsize=size, squeeze=False)
    for panel, (_, rows) in zip(axes[0], groups, strict=True):
        if pick(rows, metric="nll").empty:
            panel.text(
                0.5, 0.5, "not identifiable:\ntoo few votes an utterance", ha="center", transform=panel.transAxes
            )
            panel.set_axis_off()
        else:
            _draw_panel(panel, rows)
        if len(groups) > 1:
            panel.set_title(f"{rows['corpus'].iloc[0]}, {rows['protocol'].iloc[0]}")
    drawn = [panel for panel in axes[0] if panel.get_legend_handles_labels()[0]]
    if drawn:
        figure.legend(*drawn[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure, pick(statistics, metric=("nll", "equivalent_votes"))


def _draw_panel(axes: Axes, rows: pd.DataFrame) -> None:
    largest = float(pick(rows, labels="human", metric="nll")["votes"].max())
    present = [name for name in SERIES if name in set(rows["labels"])]
    for number, name in enumerate(present):
        colour, marker = SERIES[name]
        shift = (number - (len(present) - 1) / 2) * 0.16
        own = pick(rows, labels=name, metric="equivalent_votes").set_index("stratum").reindex(LEVELS)
        for place, (_, row) in enumerate(own.iterrows()):
            if not np.isfinite(row["estimate"]):
                continue
            x, high = place + shift, row["high"] if np.isfinite(row["high"]) else largest
            axes.plot([x, x], [row["low"], high], color=colour, linewidth=1.1, zorder=2)
            if not np.isfinite(row["high"]):
                axes.plot(x, largest, "^", color=colour, markersize=4, zorder=3)
            label = predictor_name(name) if place == 0 else None
            axes.plot(x, row["estimate"], marker, color=colour, markersize=4, zorder=4, label=label)
            if name.startswith("fresh-"):
                axes.plot([x - 0.07, x + 0.07], [row["votes"]] * 2, color="black", linewidth=1.0, zorder=5)
    counts = [int(pick(rows, stratum=level)["n"].max()) if level in set(rows["stratum"]) else 0 for level in LEVELS]
    axes.set_xticks(range(3), [f"{level}\n$n={count}$" for level, count in zip(LEVELS, counts, strict=True)])
    axes.set(xlim=(-0.5, 2.5), ylim=(-0.08 * largest, 1.08 * largest))
    axes.set(xlabel="ambiguity of the utterance", ylabel="equivalent human votes")
    axes.set_yticks(np.arange(0, largest + 1))
    axes.grid(axis="x", visible=False)
