"""Divergence from the human distribution against the number of votes."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scaling_ambiguity.reporting.naming import plain, split_labels
from scaling_ambiguity.reporting.selection import need, pick
from scaling_ambiguity.reporting.style import BLACK, BLUE, COLUMN_WIDTH, GREY, PURPLE, SKY, VERMILION, draw_estimates

FIT = ("asymptote", "amplitude", "rate")


def published_curve(votes: np.ndarray, asymptote: float, amplitude: float, rate: float) -> np.ndarray:
    """Return a + b exp(-c N) at ``votes``, the form of arXiv 2601.14620."""
    return asymptote + amplitude * np.exp(-rate * votes)


def _draw_panel(axes: Axes, rows: pd.DataFrame, name: str) -> None:
    raw = need(rows, "fig_saturation", labels=name, metric="jsd_bits").sort_values("votes")
    if raw["estimate"].isna().all():
        axes.text(0.5, 0.5, "not identifiable", ha="center", transform=axes.transAxes)
        return
    x = raw["votes"].to_numpy(float)
    _draw_parts(axes, rows, name, raw)
    draw_estimates(axes, x, raw, color=BLUE, label="synthetic, fresh draws")
    human = pick(rows, labels="human", metric="jsd_bits").sort_values("votes")
    if len(human):
        held_out = pick(rows, labels=f"{name}-heldout", metric="jsd_bits").sort_values("votes")
        if len(held_out):
            shifted = held_out["votes"].to_numpy(float) + 0.12
            draw_estimates(axes, shifted, held_out, color=PURPLE, fmt="D", label="synthetic, held-out target")
        shifted = human["votes"].to_numpy(float) - 0.12
        draw_estimates(axes, shifted, human, color=VERMILION, fmt="^", label="human, held-out target")
    parameters = [pick(rows, labels=f"{name}-faithful", metric=metric)["estimate"] for metric in FIT]
    if all(len(value) == 1 and np.isfinite(value.iloc[0]) for value in parameters):
        grid = np.linspace(x.min(), x.max(), 200)
        curve = published_curve(grid, *(value.iloc[0] for value in parameters))
        axes.plot(grid, curve, color=BLACK, linestyle="--", linewidth=0.9, label="fit as published")
    point = pick(rows, labels=f"{name}-faithful", metric="saturation_votes")["estimate"].dropna()
    if len(point) and point.iloc[0] <= x.max():
        axes.axvline(point.iloc[0], color=GREY, linestyle=":", linewidth=0.8, label="saturation as published")
    axes.set(xlabel="votes per utterance, $N$", ylabel="JSD to human votes (bits)", ylim=(0, None))
    ticks = range(1, 11) if x.max() <= 10 else (1, 5, 10, 15, 20, 30, 50)
    axes.set_xticks([t for t in ticks if t <= x.max() + 0.5])


def _draw_parts(axes: Axes, rows: pd.DataFrame, name: str, raw: pd.DataFrame) -> None:
    """Shade the parts of the divergence: the two sources, few human votes, and few synthetic votes."""
    parts = [pick(rows, labels=name, metric=f"jsd_bits_{part}")["estimate"] for part in ("corrected", "human_noise")]
    if any(len(part) != 1 for part in parts):
        return
    sources, noise = (float(part.iloc[0]) for part in parts)
    x = raw["votes"].to_numpy(float)
    edges = [np.zeros(len(x)), np.full(len(x), sources), np.full(len(x), sources + noise), raw["estimate"].to_numpy()]
    names = ("the two sources", "few human votes", "few synthetic votes")
    for place, (text, shade) in enumerate(zip(names, ("0.88", "0.80", SKY), strict=True)):
        below, above = edges[place], np.maximum(edges[place + 1], edges[place])
        axes.fill_between(x, below, above, color=shade, alpha=0.5, linewidth=0, label=text, zorder=1)


def draw_saturation(statistics: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Return the figure, one panel per corpus and annotator, and the rows that it shows.

    ``statistics`` are tables of trace_saturation as :func:`read_statistics` returns them.
    """
    panels = []
    for file, rows in statistics.groupby("file", sort=True):
        names = sorted({n for n in rows["labels"] if split_labels(n)[0] == "synthetic" and not split_labels(n)[2]})
        panels += [(file, name, rows) for name in names]
    if not panels:
        need(statistics, "fig_saturation", metric="jsd_bits", labels="synthetic-<annotator>")
    figure, axes = plt.subplots(len(panels), 1, figsize=(COLUMN_WIDTH, 1.95 * len(panels) + 0.7), squeeze=False)
    for panel, (_, name, rows) in zip(axes[:, 0], panels, strict=True):
        _draw_panel(panel, rows, name)
        if len(panels) > 1:
            panel.set_title(plain(rows["corpus"].iloc[0], split_labels(name)[1]))
    handles, names = max((panel.get_legend_handles_labels() for panel in axes[:, 0]), key=lambda pair: len(pair[0]))
    if handles:
        figure.legend(handles, names, loc="outside upper center", ncols=2)
    parts = ("jsd_bits_excess", "jsd_bits_limit", "jsd_bits_human_noise", "jsd_bits_corrected", "jsd_bits_variance")
    return figure, pick(statistics, metric=("jsd_bits", *parts, *FIT, "saturation_votes"))
