"""Strategies at test time: NLL against what they cost, with the plain mean of as many answers as the line to beat."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from scaling_ambiguity.reporting.naming import plain
from scaling_ambiguity.reporting.selection import need, pick
from scaling_ambiguity.reporting.strategy_names import PUBLISHED
from scaling_ambiguity.reporting.style import (
    BLACK,
    BLUE,
    COLOURS,
    COLUMN_WIDTH,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
)

MEAN_OF = "mean_of_"
CURRENCIES = ("requests", "flop", "seconds")
UNITS = {"flop": "operations"}
COLOUR = dict(zip(PUBLISHED, (BLUE, VERMILION, ORANGE, GREEN, SKY, PURPLE, COLOURS["brown"]), strict=True))
FAIR = ", fair"
MARKERS = {"faithful": "o", "fair": "D"}
LINES = {"readout": ("read-out", "--"), "prior": ("class prior", ":"), "oracle_hull": ("oracle combination", "-.")}


def strategy_points(statistics: pd.DataFrame) -> pd.DataFrame:
    """Return one row per ALM, corpus, strategy and currency: NLL, cost, and whether it is on the Pareto front."""
    key = ["corpus", "model", "labels", "augmentation"]
    nll = pick(statistics, metric="nll").dropna(subset=["estimate"]).set_index(key)
    parts = []
    for currency in CURRENCIES:
        costs = pick(statistics, metric=currency).set_index(key)["estimate"]
        front = pick(statistics, metric=f"on_front_of_{currency}").set_index(key)["estimate"]
        rows = nll[["estimate", "low", "high", "n", "n_clusters"]].assign(
            currency=currency, cost=costs.reindex(nll.index), on_front=front.reindex(nll.index).fillna(0.0)
        )
        parts.append(rows.dropna(subset=["cost"]).reset_index())
    return pd.concat(parts, ignore_index=True)


def draw_strategies(statistics: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Return the figure, one row of panels per corpus and ALM and one column per currency, and its points.

    ``statistics`` are tables of gather_strategies. Seconds are left out where operations are known.
    """
    need(statistics, "fig_strategies", metric="nll")
    points = strategy_points(statistics)
    there = [name for name in CURRENCIES if (points["currency"] == name).any()]
    currencies = [name for name in there if name != "seconds" or "flop" not in there]
    blocks = list(points.groupby(["corpus", "model"], sort=False))
    figure, axes = plt.subplots(
        len(blocks), len(currencies), figsize=(COLUMN_WIDTH, 1.75 * len(blocks) + 0.75), squeeze=False, sharey="row"
    )
    for (names, rows), line in zip(blocks, axes, strict=True):
        for currency, panel in zip(currencies, line, strict=True):
            _draw_panel(panel, rows[rows["currency"] == currency], statistics, names)
            panel.set_xlabel(f"{UNITS.get(currency, currency)} per utterance")
        line[0].set(ylabel="NLL (nats per vote)")
        line[0].set_title(plain(*names), loc="left")
    handles: dict[str, object] = {}
    for panel in axes.flat:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    names = [f"{name}{kind}" for name in PUBLISHED.values() for kind in ("", FAIR)]
    order = sorted(handles, key=lambda label: names.index(label) if label in names else len(names))
    figure.legend([handles[label] for label in order], order, loc="outside lower center", ncols=3, fontsize=6)
    return figure, points[points["currency"].isin(currencies)]


def _draw_panel(axes: Axes, rows: pd.DataFrame, statistics: pd.DataFrame, names: tuple[str, str]) -> None:
    means = rows[rows["labels"].str.startswith(MEAN_OF)].sort_values("cost")
    axes.plot(means["cost"], means["estimate"], "-s", color=BLACK, markersize=2.5, label="mean of N answers")
    for row in rows[rows["labels"].isin(PUBLISHED)].to_dict("records"):
        form = row["augmentation"]
        look = {"color": COLOUR[row["labels"]], "marker": MARKERS[form], "linestyle": "none"}
        kind = FAIR if form == "fair" else ""
        axes.plot(row["cost"], row["estimate"], label=f"{PUBLISHED[row['labels']]}{kind}", zorder=3, **look)
        if row["on_front"] == 1:
            axes.plot(
                row["cost"], row["estimate"], "o", color=GREY, markersize=8, fillstyle="none", label="Pareto front"
            )
    levels = pick(statistics, corpus=names[0], model=names[1], metric="nll")
    for labels, (label, style) in LINES.items():
        for level in pick(levels, labels=labels)["estimate"].dropna():
            axes.axhline(level, color=GREY, linestyle=style, linewidth=0.8, zorder=1, label=label)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.margins(x=0.15)
