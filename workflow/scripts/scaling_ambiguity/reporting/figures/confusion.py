"""What people, and the ALM, call an utterance of each class: Dawid and Skene's confusion matrices."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn
from matplotlib.figure import Figure

from scaling_ambiguity.reporting.selection import need, pick
from scaling_ambiguity.reporting.style import COLUMN_WIDTH
from scaling_ambiguity.reporting.tables.agreement import matrix_of


def draw_confusion(statistics: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Return the matrices of people and of each ALM, and how often each rater names the class itself.

    ``statistics`` are tables of agree_votes as :func:`read_statistics` returns them; one row of panels a table.
    """
    rows = need(statistics, "fig_confusion", method="dawid_skene")
    files = list(rows.groupby("file", sort=True))
    size = (COLUMN_WIDTH, 1.7 * len(files) + 0.15)
    figure, axes = plt.subplots(len(files), 2, figsize=size, squeeze=False)
    for (left, right), (_, own) in zip(axes, files, strict=True):
        alm = next(name for name in own["labels"] if name.startswith("synthetic-"))
        for panel, labels, title in ((left, "people", "people"), (right, alm, alm.removeprefix("synthetic-"))):
            matrix = matrix_of(own, labels)
            seaborn.heatmap(
                100 * matrix, ax=panel, vmin=0, vmax=100, cmap="Blues", annot=True, fmt=".0f", cbar=False,
                annot_kws={"size": 6}, linewidths=0.5, square=True,
            )  # fmt: skip
            panel.set_xticklabels(matrix.index, rotation=35)
            panel.set_yticklabels(matrix.index if panel is left else [], rotation=0)
            panel.tick_params(length=0)
            panel.set(xlabel="called (%)", ylabel="class" if panel is left else "", title=title)
        named = pick(own, stratum=[f"class={name}" for name in matrix.index])
        itself = named[named["stratum"].str.removeprefix("class=") == named["metric"].str[7:]]
        raters = itself[itself["labels"].str.startswith("rater ")].groupby("labels")["estimate"].mean()
        if len(raters):
            ends = np.quantile(raters, [0.0, 1.0])
            text = f"own name given, mean over classes: people one by one {100 * ends[0]:.0f} to {100 * ends[1]:.0f} %"
            left.text(0.0, -0.62, text, transform=left.transAxes, fontsize=6)
    return figure, rows
