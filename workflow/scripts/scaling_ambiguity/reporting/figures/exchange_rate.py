"""How many human votes the synthetic votes are worth: the curves that cross, and the crossings."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scaling_ambiguity.metrics.catalogue import METRICS
from scaling_ambiguity.reporting.naming import plain, predictor_name
from scaling_ambiguity.reporting.selection import need, pick
from scaling_ambiguity.reporting.style import (
    BLUE,
    COLUMN_WIDTH,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    VERMILION,
    draw_estimates,
)
from scaling_ambiguity.tables.statistics import THESE

VARIANTS = {"as_pooled": (ORANGE, "D"), "weighted": (BLUE, "s"), "calibrated": (PURPLE, "v")}
SHORT = {"as_pooled": "as they are", "weighted": "fitted weight", "calibrated": "calibrated"}
TICK = 8  # size of the mark of a known worth


def known_name(labels: str) -> str:
    """Return the name of a proxy of known worth, short enough for an axis."""
    if labels.startswith("latent-"):
        k = labels.removeprefix("latent-")
        return f"{k} draw{'s' if k != '1' else ''} from truth"
    return {"shuffled": "other clip's votes"}.get(labels) or predictor_name(labels)


def _draw_curves(axes: Axes, rows: pd.DataFrame) -> None:
    human = need(rows, "fig_exchange_rate", labels="human", metric="nll").sort_values("votes")
    draw_estimates(axes, human["votes"].to_numpy(float), human, color=VERMILION, fmt="^-", label="$k$ human votes")
    fitted = pick(rows, labels="human", metric="nll_fitted").sort_values("votes")
    if len(fitted):
        seaborn.lineplot(
            data=fitted, x="votes", y="estimate", linestyle="--", color=GREY, label="Dirichlet-multinomial",
            errorbar=None, legend=False, ax=axes,
        )  # fmt: skip
    calibrated = pick(rows, labels="calibrated-human", metric="nll").sort_values("votes")
    if len(calibrated):
        axes.plot(calibrated["votes"], calibrated["estimate"], ":", color=PURPLE, label="$k$ human votes, calibrated")
    last = human["votes"].max()
    for labels, (colour, _) in VARIANTS.items():
        levels = pick(rows, labels=labels, metric="nll").sort_values("votes")
        levels = levels[np.isfinite(levels["votes"])]
        if levels.empty:
            continue
        level = levels.iloc[-1]
        axes.plot([0, last], [level["estimate"]] * 2, color=colour, label=f"$m={level['votes']:.0f}$, {SHORT[labels]}")
        if np.isfinite([level["low"], level["high"]]).all():
            axes.fill_between([0, last], level["low"], level["high"], color=colour, alpha=0.12, linewidth=0)
    axes.set(xlabel="human votes per utterance, $k$", ylabel=METRICS["nll"].axis)
    axes.set_xticks(np.arange(0, last + 1))


def draw_open(axes: Axes, place: float, row: pd.Series, largest: float, *, vertical: bool, **look: object) -> None:
    """Draw an estimate with its interval; an arrow marks an end beyond the range that the corpus can show."""
    colour, marker = look["color"], look["marker"]
    low = row["low"] if np.isfinite(row["low"]) else row["estimate"]
    high = row["high"] if np.isfinite(row["high"]) else (largest if row["one_sided"] == "low" else row["estimate"])
    line = ([place, place], [low, high]) if vertical else ([low, high], [place, place])
    axes.plot(*line, color=colour, linewidth=1.1, zorder=2)
    if row["one_sided"] == "low":
        end = (place, largest) if vertical else (largest, place)
        axes.plot(*end, "^" if vertical else ">", color=colour, markersize=4, zorder=3)
    if np.isfinite(row["estimate"]):
        point = (place, row["estimate"]) if vertical else (row["estimate"], place)
        axes.plot(*point, marker, color=colour, markersize=4, zorder=4)


def _draw_by_number(axes: Axes, rows: pd.DataFrame, largest: float) -> None:
    """Draw equivalent votes against m, infinity at the right end where there is a read-out."""
    shown = pick(rows, metric="equivalent_votes", labels=tuple(VARIANTS))
    shown = shown[np.isfinite(shown["estimate"])]
    sizes = sorted(set(shown["votes"]))
    present = [name for name in VARIANTS if name in set(shown["labels"])]
    for number, name in enumerate(present):
        colour, marker = VARIANTS[name]
        shift = (number - (len(present) - 1) / 2) * 0.2
        for _, row in pick(shown, labels=name).iterrows():
            draw_open(axes, sizes.index(row["votes"]) + shift, row, largest, vertical=True, color=colour, marker=marker)
    axes.set_xticks(range(len(sizes)), [r"$\infty$" if np.isinf(m) else f"{m:.0f}" for m in sizes])
    top = min(largest, float(np.nanmax(shown[["high", "estimate"]].to_numpy(float))) + 0.3) if len(shown) else largest
    if (shown["one_sided"] == "low").any():
        top = largest * 1.04
    axes.set(xlabel="synthetic votes per utterance, $m$", ylabel="equivalent human votes")
    axes.set(xlim=(-0.5, max(len(sizes), 1) - 0.5), ylim=(-0.03 * top, top))
    axes.grid(axis="x", visible=False)


def _draw_known(axes: Axes, rows: pd.DataFrame, largest: float) -> None:
    """Draw one line per proxy of known worth, a black tick where its worth is a number."""
    shown = pick(rows, metric="equivalent_votes")
    shown = shown[~shown["labels"].isin(list(VARIANTS))].sort_values(["labels", "votes"], kind="stable")
    for position, (_, row) in enumerate(shown.iterrows()):
        draw_open(axes, position, row, largest, vertical=False, color=GREEN, marker="o")
        worth = row["votes"] if row["labels"].startswith("fresh-") else 0
        if not row["labels"].startswith("latent-"):
            axes.plot(worth, position, "|", color="black", markersize=TICK, markeredgewidth=1.2, zorder=5)
    axes.set_yticks(range(len(shown)), [known_name(name) for name in shown["labels"]])
    axes.set(xlabel="equivalent human votes", ylim=(len(shown) - 0.4, -0.6), xlim=(-0.12, largest + 0.12))
    axes.set_xticks(np.arange(0, largest + 1))
    axes.grid(axis="y", visible=False)


def draw_exchange_rate(statistics: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Return the figure, one column per corpus and annotator, and the rows that it shows.

    ``statistics`` are tables of estimate_exchange_rate as :func:`read_statistics` returns them.
    """
    statistics = pick(statistics, population=THESE, stratum="all")
    groups = list(statistics.groupby("file", sort=True))
    values = [pick(rows, metric="equivalent_votes") for _, rows in groups]
    of_known_worth = max(int((~rows["labels"].isin(list(VARIANTS))).sum()) for rows in values)
    heights = [1.7, 1.35] + ([0.35 + 0.125 * of_known_worth] if of_known_worth else [])
    size = (COLUMN_WIDTH * len(groups), sum(heights) + 0.45)
    figure, axes = plt.subplots(len(heights), len(groups), figsize=size, squeeze=False, height_ratios=heights)
    for column, (_, rows) in enumerate(groups):
        _draw_curves(axes[0, column], rows)
        largest = float(pick(rows, labels="human", metric="nll")["votes"].max())
        _draw_by_number(axes[1, column], rows, largest)
        if of_known_worth:
            if set(pick(rows, metric="equivalent_votes")["labels"]) - set(VARIANTS):
                _draw_known(axes[2, column], rows, largest)
            else:
                axes[2, column].set_axis_off()
        if len(groups) > 1:
            named = rows.loc[rows["model"] != "none", "model"]
            axes[0, column].set_title(plain(rows["corpus"].iloc[0], *named.head(1)))
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure, pick(statistics, metric=("nll", "nll_fitted", "equivalent_votes", "weight"))
