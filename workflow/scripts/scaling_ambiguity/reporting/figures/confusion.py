"""The labels that people and synthetic votes give to an utterance of each class: Dawid and Skene's matrices."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn
from matplotlib.figure import Figure

from scaling_ambiguity.reporting.naming import plain
from scaling_ambiguity.reporting.proxy_names import SYNTHETIC, label
from scaling_ambiguity.reporting.selection import need, pick
from scaling_ambiguity.reporting.style import COLUMN_WIDTH, PAGE_HEIGHT
from scaling_ambiguity.reporting.tables.agreement import matrix_of

ABREAST = 8  # up to this number of classes two matrices fit next to each other


def draw_confusion(statistics: pd.DataFrame, proxies: Mapping[str, str]) -> tuple[Figure, pd.DataFrame]:
    """Return the matrices of people and of synthetic votes, and how often each rater names the class itself.

    ``statistics`` are tables of agree_votes as :func:`read_statistics` returns them; one row of panels per table.
    ``proxies`` is the name of the votes of each annotator.
    """
    rows = need(statistics, "fig_confusion", method="dawid_skene")
    files = list(rows.groupby("file", sort=True))
    classes = rows["stratum"].nunique()
    figure, axes, font = _panels(len(files), classes)
    for (left, right), (_, own) in zip(axes, files, strict=True):
        synthetic = next(name for name in own["labels"] if name.startswith("synthetic-"))
        annotator = synthetic.removeprefix("synthetic-")
        votes = label(proxies.get(annotator, SYNTHETIC))
        votes += f", {plain(own['corpus'].iloc[0], annotator)}" if len(files) > 1 else ""
        for panel, labels, title in ((left, "people", "people"), (right, synthetic, votes)):
            matrix = matrix_of(own, labels)
            seaborn.heatmap(
                100 * matrix, ax=panel, vmin=0, vmax=100, cmap="Blues", annot=True, fmt=".0f", cbar=False,
                annot_kws={"size": font}, linewidths=0.5, square=True, xticklabels=False, yticklabels=False,
            )  # fmt: skip
            first = panel is left or classes > ABREAST
            centres = np.arange(classes) + 0.5
            panel.set_xticks(centres, matrix.index, rotation=35 if classes <= ABREAST else 90)
            panel.set_yticks(centres, matrix.index if first else [""] * classes, rotation=0)
            panel.tick_params(length=0, labelsize=min(7, 1.3 * font))
            panel.set(xlabel="called (%)", ylabel="class" if first else "", title=title)
        named = pick(own, stratum=[f"class={name}" for name in matrix.index])
        itself = named[named["stratum"].str.removeprefix("class=") == named["metric"].str[7:]]
        raters = itself[itself["labels"].str.startswith("rater ")].groupby("labels")["estimate"].mean()
        if len(raters):
            ends = np.quantile(raters, [0.0, 1.0])
            text = f"own name given, mean over classes: people one by one {100 * ends[0]:.0f} to {100 * ends[1]:.0f} %"
            if classes <= ABREAST:
                left.text(0.0, -0.62, text, transform=left.transAxes, fontsize=6)
            else:
                left.set_xlabel(f"called (%)\n{text}", fontsize=6)
    return figure, rows


def _panels(files: int, classes: int) -> tuple[Figure, np.ndarray, float]:
    """Return the figure, its panels (files, 2) and the size of the numbers in the cells, pt.

    Two panels are side by side; with many classes each has the width of the column, one below the other.
    """
    if classes <= ABREAST:
        figure, axes = plt.subplots(files, 2, figsize=(COLUMN_WIDTH, 1.7 * files + 0.15), squeeze=False)
        return figure, axes, 6.0
    height = min(2 * files * (0.14 * classes + 0.9), PAGE_HEIGHT)
    figure, axes = plt.subplots(2 * files, 1, figsize=(COLUMN_WIDTH, height), squeeze=False)
    cell = 72 * min(0.75 * COLUMN_WIDTH, height / (2 * files) - 0.75) / classes
    return figure, axes.reshape(files, 2), min(6.0, 0.45 * cell)
