"""Divergence from the human distribution against the number of votes."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scaling_ambiguity.reporting.naming import split_labels
from scaling_ambiguity.reporting.selection import need, pick
from scaling_ambiguity.reporting.style import BLUE, COLUMN_WIDTH, GREEN, GREY, SKY, VERMILION, draw_estimates

FIT = ("asymptote", "amplitude", "rate")


def fitted_curve(votes: np.ndarray, asymptote: float, amplitude: float, rate: float) -> np.ndarray:
    """Return a + b exp(-c N) at ``votes``."""
    return asymptote + amplitude * np.exp(-rate * votes)


def _draw_panel(axes: Axes, rows: pd.DataFrame, name: str) -> None:
    raw = need(rows, "fig_saturation", labels=name, metric="jsd_bits").sort_values("votes")
    x = raw["votes"].to_numpy(float)
    draw_estimates(axes, x, raw, color=BLUE, label="synthetic")
    corrected = pick(rows, labels=name, metric="jsd_bits_corrected").sort_values("votes")
    if len(corrected):
        shifted = corrected["votes"].to_numpy(float) + 0.25
        draw_estimates(axes, shifted, corrected, color=GREEN, fmt="s", label="synthetic, corrected")
    human = pick(rows, labels="human", metric="jsd_bits").sort_values("votes")
    if len(human):
        held_out = pick(rows, labels=f"{name}-heldout", metric="jsd_bits").sort_values("votes")
        if len(held_out):
            shifted = held_out["votes"].to_numpy(float) + 0.12
            draw_estimates(axes, shifted, held_out, color=SKY, fmt="D", label="synthetic, held-out target")
        shifted = human["votes"].to_numpy(float) - 0.12
        draw_estimates(axes, shifted, human, color=VERMILION, fmt="^", label="human, held-out target")
    fit = {metric: pick(rows, labels=name, metric=metric)["estimate"] for metric in FIT}
    if all(len(value) == 1 and np.isfinite(value.iloc[0]) for value in fit.values()):
        parameters = [float(fit[metric].iloc[0]) for metric in FIT]
        grid = np.linspace(x.min(), x.max(), 200)
        axes.plot(grid, fitted_curve(grid, *parameters), color=BLUE, linewidth=0.9, label="fit")
        axes.axhline(parameters[0], color=GREY, linestyle="--", linewidth=0.8, label="asymptote")
    saturation = pick(rows, labels=name, metric="saturation_votes")["estimate"].dropna()
    if len(saturation) and np.isfinite(saturation.iloc[0]) and saturation.iloc[0] <= x.max():
        axes.axvline(saturation.iloc[0], color=GREY, linestyle=":", linewidth=0.8, label="saturation point")
    axes.set(xlabel="votes per utterance, $N$", ylabel="JSD to human votes (bits)", ylim=(0, None))
    ticks = range(1, 11) if x.max() <= 10 else (1, 5, 10, 15, 20, 30, 50)
    axes.set_xticks([t for t in ticks if t <= x.max() + 0.5])


def draw_saturation(statistics: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Return the figure, one panel a corpus and annotator, and the rows that it shows.

    ``statistics`` are tables of trace_saturation as :func:`read_statistics` returns them.
    """
    panels = []
    for file, rows in statistics.groupby("file", sort=True):
        names = sorted({n for n in rows["labels"] if split_labels(n)[0] == "synthetic" and not split_labels(n)[2]})
        panels += [(file, name, rows) for name in names]
    if not panels:
        need(statistics, "fig_saturation", metric="jsd_bits", labels="synthetic-<annotator>")
    figure, axes = plt.subplots(len(panels), 1, figsize=(COLUMN_WIDTH, 1.75 * len(panels) + 0.5), squeeze=False)
    for panel, (_, name, rows) in zip(axes[:, 0], panels, strict=True):
        _draw_panel(panel, rows, name)
        if len(panels) > 1:
            panel.set_title(f"{rows['corpus'].iloc[0]}, {split_labels(name)[1]}")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    shown = ("jsd_bits", "jsd_bits_corrected", *FIT, "saturation_votes")
    return figure, pick(statistics, metric=shown)
