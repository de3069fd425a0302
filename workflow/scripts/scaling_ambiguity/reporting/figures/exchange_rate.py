"""How many human votes the synthetic votes are worth: the curves that cross, and the crossings."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scaling_ambiguity.reporting.naming import predictor_name
from scaling_ambiguity.reporting.selection import need, pick
from scaling_ambiguity.reporting.style import BLUE, COLUMN_WIDTH, GREEN, GREY, ORANGE, VERMILION, draw_estimates

VARIANTS = {"as_pooled": (ORANGE, "D"), "weighted": (BLUE, "s")}


def _draw_curves(axes: Axes, rows: pd.DataFrame) -> None:
    human = need(rows, "fig_exchange_rate", labels="human", metric="nll").sort_values("votes")
    draw_estimates(axes, human["votes"].to_numpy(float), human, color=VERMILION, fmt="^-", label="$k$ human votes")
    fitted = pick(rows, labels="human", metric="nll_fitted").sort_values("votes")
    if len(fitted):
        seaborn.lineplot(
            data=fitted, x="votes", y="estimate", linestyle="--", color=GREY, label="Dirichlet-multinomial",
            errorbar=None, legend=False, ax=axes,
        )  # fmt: skip
    last = human["votes"].max()
    for labels, (colour, _) in VARIANTS.items():
        levels = pick(rows, labels=labels, metric="nll").sort_values("votes")
        if levels.empty:
            continue
        level = levels.iloc[-1]
        axes.plot([0, last], [level["estimate"]] * 2, color=colour, label=f"$m={level['votes']:.0f}$, {_short(labels)}")
        if np.isfinite([level["low"], level["high"]]).all():
            axes.fill_between([0, last], level["low"], level["high"], color=colour, alpha=0.15, linewidth=0)
    axes.set(xlabel="human votes per utterance, $k$", ylabel="NLL (nats per vote)")
    axes.set_xticks(np.arange(0, last + 1))


def _short(labels: str) -> str:
    return {"as_pooled": "as they are", "weighted": "fitted weight"}[labels]


def _draw_equivalents(axes: Axes, rows: pd.DataFrame, largest: float) -> None:
    """Draw one line a proxy; an arrow marks a bound beyond what the corpus can show."""
    shown = pick(rows, metric="equivalent_votes").copy()
    order = {"as_pooled": 0, "weighted": 1}
    shown["rank"] = [order.get(name, 2) for name in shown["labels"]]
    shown = shown.sort_values(["rank", "labels", "votes"], kind="stable")
    names = []
    for position, (_, row) in enumerate(shown.iterrows()):
        colour, marker = VARIANTS.get(row["labels"], (GREEN, "o"))
        low = row["low"] if np.isfinite(row["low"]) else 0.0
        high = row["high"] if np.isfinite(row["high"]) else largest
        axes.plot([low, high], [position] * 2, color=colour, linewidth=1.1, zorder=2)
        if np.isfinite(row["estimate"]):
            axes.plot(row["estimate"], position, marker, color=colour, zorder=3)
        if not np.isfinite(row["high"]):
            axes.plot(largest, position, ">", color=colour, zorder=3)
        if row["labels"].startswith("fresh-"):
            axes.plot(row["votes"], position, "|", color="black", markersize=8, markeredgewidth=1.2, zorder=4)
        is_proxy = row["labels"] in VARIANTS
        names.append(f"{_short(row['labels'])}, $m={row['votes']:.0f}$" if is_proxy else predictor_name(row["labels"]))
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="equivalent human votes", ylim=(len(names) - 0.4, -0.6), xlim=(-0.12, largest + 0.12))
    axes.set_xticks(np.arange(0, largest + 1))
    axes.grid(axis="y", visible=False)


def draw_exchange_rate(statistics: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Return the figure, one column a corpus and annotator, and the rows that it shows.

    ``statistics`` are tables of estimate_exchange_rate as :func:`read_statistics` returns them.
    """
    statistics = pick(statistics, population="these raters", stratum="all")
    groups = list(statistics.groupby("file", sort=True))
    lines = max(len(pick(rows, metric="equivalent_votes")) for _, rows in groups)
    heights = [1.9, 0.4 + 0.112 * lines]
    size = (COLUMN_WIDTH * len(groups), sum(heights))
    figure, axes = plt.subplots(2, len(groups), figsize=size, squeeze=False, height_ratios=heights)
    for column, (_, rows) in enumerate(groups):
        _draw_curves(axes[0, column], rows)
        largest = float(pick(rows, labels="human", metric="nll")["votes"].max())
        _draw_equivalents(axes[1, column], rows, largest)
        if len(groups) > 1:
            axes[0, column].set_title(rows["corpus"].iloc[0])
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure, pick(statistics, metric=("nll", "nll_fitted", "equivalent_votes", "worth"))
