"""Label distributions of a training part on the simplex, before and after augmentation."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scaling_ambiguity.reporting.style import BLUE, COLUMN_WIDTH, GREY, VERMILION
from scaling_ambiguity.tables.base import class_columns


def corners(n_classes: int) -> np.ndarray:
    """Return the vertices (n_classes, 2) of a regular polygon of radius 1, the first on top, clockwise."""
    angle = np.pi / 2 - 2 * np.pi * np.arange(n_classes) / n_classes
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def project(distributions: np.ndarray) -> np.ndarray:
    """Return (n, 2) barycentric positions of ``distributions`` (n, C) between the corners of a polygon.

    For three classes this is the simplex itself; for more, a linear projection of it.
    """
    return distributions @ corners(distributions.shape[1])


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
    labels: pd.DataFrame, items: pd.DataFrame, training: list[str], classes: list[str]
) -> tuple[Figure, pd.DataFrame]:
    """Return two panels, the training part and the same with the generated items, and the points shown.

    Args:
        labels: A table of label distributions, ``p_<label>``.
        items: The items that augmentation added.
        training: The utterances of the fold's training part.
        classes: The classes, in the order of the corners.
    """
    columns = class_columns(classes)
    before = labels[labels["utterance"].isin(training)]
    original, added = before[columns].to_numpy(float), items[columns].to_numpy(float).reshape(-1, len(classes))
    figure, axes = plt.subplots(1, 2, figsize=(COLUMN_WIDTH, 1.95))
    for panel, title in zip(axes, ("before", "after"), strict=True):
        _bubbles(panel, original, BLUE, "training utterances")
        panel.text(0, 1.68, title, ha="center", va="top")
    _frame(axes[0], classes, majority_counts(original))
    _bubbles(axes[1], added, VERMILION, "generated items")
    _frame(axes[1], classes, majority_counts(np.vstack([original, added])))
    handles, texts = axes[1].get_legend_handles_labels()
    legend = figure.legend(handles, texts, loc="outside lower center", ncols=2)
    for handle in legend.legend_handles:
        handle.set_sizes([14.0])
    parts = [before.assign(part="training"), items.assign(part="generated")]
    shown = pd.concat([part[["utterance", "part", *columns]] for part in parts])
    shown[["x", "y"]] = project(shown[columns].to_numpy(float))
    return figure, shown
