"""Trained models by the conflict between two presentations: paired differences from one of them."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from scaling_ambiguity.evaluation.differences import HUMAN, MINUS_MODEL, PLAIN
from scaling_ambiguity.evaluation.further_strata import CONFLICT
from scaling_ambiguity.reporting.naming import LEVELS, plain
from scaling_ambiguity.reporting.selection import need, pick
from scaling_ambiguity.reporting.style import COLOURS, COLUMN_WIDTH, GREY, PAGE_HEIGHT, draw_estimates

MARKERS = "osD^v<>XPp"
LOOKS = [COLOURS[name] for name in ("blue", "orange", "green", "vermilion", "purple", "sky", "brown", "black")]
STRATA = [f"{CONFLICT}={level}" for level in LEVELS]


def draw_conflict(statistics: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Return NLL less that of the reference model by conflict, one line per model on human labels, and the rows.

    ``statistics`` are tables of evaluate_models; each (corpus, protocol) that has a conflict gets its own panel.
    """
    wanted = {"metric": MINUS_MODEL, "stratum": STRATA, "labels": HUMAN, "augmentation": PLAIN}
    rows = need(statistics, "fig_conflict", **wanted)
    groups = list(rows.groupby("file", sort=True))
    models = sorted(set(rows["model"]))
    height = min(0.9 + 0.13 * len(models) + 2.1 * len(groups), PAGE_HEIGHT)
    figure, panels = plt.subplots(len(groups), 1, figsize=(COLUMN_WIDTH, height), squeeze=False)
    offsets = (np.arange(len(models)) - (len(models) - 1) / 2) * min(0.1, 0.72 / len(models))
    for panel, (file, group) in zip(panels[:, 0], groups, strict=True):
        present = [stratum for stratum in STRATA if stratum in set(group["stratum"])]
        for place, model in enumerate(models):
            series = pick(group, model=model).set_index("stratum").reindex(present).reset_index()
            look = {"color": LOOKS[place % len(LOOKS)], "fmt": f"{MARKERS[place % len(MARKERS)]}-", "linewidth": 0.6}
            draw_estimates(panel, np.arange(len(present)) + offsets[place], series, label=plain(model), **look)
        sizes = [int(pick(group, stratum=stratum)["n"].max()) for stratum in present]
        names = [stratum.partition("=")[2] for stratum in present]
        ticks = [f"{name}\n$n={size}$" for name, size in zip(names, sizes, strict=True)]
        panel.set_xticks(range(len(present)), ticks)
        panel.axhline(0, color=GREY, linewidth=0.9, zorder=1)
        panel.grid(axis="x", visible=False)
        panel.set_ylabel(f"NLL less that of\n{plain(reference_model(pick(statistics, file=file)))} (nats)")
        if len(groups) > 1:
            panel.set_title(plain(group["corpus"].iloc[0], group["protocol"].iloc[0]))
    panels[-1, 0].set_xlabel("conflict between the presentations")
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure, rows


def reference_model(statistics: pd.DataFrame) -> str:
    """Return the model of a table that the others are compared with: the one on human labels without a difference."""
    plain_rows = pick(statistics, labels=HUMAN, augmentation=PLAIN)
    trained = set(plain_rows["model"]) - {"none"}
    (model,) = trained - set(pick(plain_rows, metric=MINUS_MODEL)["model"])
    return model
