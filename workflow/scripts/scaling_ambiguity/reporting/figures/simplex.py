"""Label distributions of a training part on the simplex, before and after augmentation."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scaling_ambiguity.reporting.figures.polygon import corners, project
from scaling_ambiguity.reporting.style import BLUE, COLUMN_WIDTH, GREY, VERMILION
from scaling_ambiguity.tables.base import class_columns


def majority_counts(distributions: np.ndarray) -> np.ndarray:
    """Return the number of rows whose largest share is class c, (C,); the first class wins a tie."""
    return np.bincount(distributions.argmax(axis=1), minlength=distributions.shape[1])


def _bubbles(axes: Axes, distributions: np.ndarray, colour: str, label: str) -> None:
    """Draw equal distributions as one circle of proportional area."""
    places, sizes = np.unique(np.round(project(distributions), 6), axis=0, return_counts=True)
    seaborn.scatterplot(
        x=places[:, 0], y=places[:, 1], s=2.5 * sizes, color=colour, alpha=0.55, linewidth=0, label=label,
        legend=False, ax=axes,
    )  # fmt: skip


def _frame(axes: Axes, classes: list[str], counts: np.ndarray) -> None:
    outline = corners(len(classes))
    axes.fill(*outline.T, facecolor="none", edgecolor=GREY, linewidth=0.7, zorder=0)
    for (x, y), label, count in zip(outline, classes, counts, strict=True):
        side = "center" if abs(x) < 0.3 else ("left" if x > 0 else "right")
        upright = "bottom" if y > 0.3 else ("top" if y < -0.3 else "center")
        text = f"{label} ({count})" if side == "center" else f"{label}\n({count})"
        axes.text(1.06 * x, 1.08 * y, text, ha=side, va=upright, fontsize=7)
    axes.set(xlim=(-1.5, 1.5), ylim=(-1.35, 1.7), aspect="equal")
    axes.axis("off")


def draw_simplex(
    labels: pd.DataFrame, arms: dict[str, pd.DataFrame], training: list[str], classes: list[str]
) -> tuple[Figure, pd.DataFrame]:
    """Return the training part and, one panel per augmentation, the same with its items, and the points shown.

    Args:
        labels: A table of label distributions, ``p_<label>``.
        arms: The items that each augmentation added, by its name; at least one.
        training: The utterances of the fold's training part.
        classes: The classes, in the order of the corners.
    """
    columns = class_columns(classes)
    before = labels[labels["utterance"].isin(training)]
    original = before[columns].to_numpy(float)
    rows = -(-(len(arms) + 1) // 2)
    figure, axes = plt.subplots(rows, 2, figsize=(COLUMN_WIDTH, 1.75 * rows + 0.2), squeeze=False)
    panels = axes.ravel()
    titles = ["before", "after"] if len(arms) == 1 else ["before", *(name.replace("_", " ") for name in arms)]
    for panel, title in zip(panels, titles, strict=False):
        _bubbles(panel, original, BLUE, "training utterances")
        panel.text(0, 1.68, title, ha="center", va="top")
    _frame(panels[0], classes, majority_counts(original))
    for panel, items in zip(panels[1:], arms.values(), strict=False):
        added = items[columns].to_numpy(float).reshape(-1, len(classes))
        _bubbles(panel, added, VERMILION, "generated items")
        _frame(panel, classes, majority_counts(np.vstack([original, added])))
    for panel in panels[len(titles) :]:
        panel.axis("off")
    handles, texts = panels[1].get_legend_handles_labels()
    legend = figure.legend(handles, texts, loc="outside lower center", ncols=2)
    for handle in legend.legend_handles:
        handle.set_sizes([14.0])
    parts = [before.assign(part="training", augmentation="none")]
    parts += [items.assign(part="generated", augmentation=name) for name, items in arms.items()]
    shown = pd.concat([part[["utterance", "augmentation", "part", *columns]] for part in parts])
    shown[["x", "y"]] = project(shown[columns].to_numpy(float))
    return figure, shown
