"""The cost surface: a score by the number of human and of synthetic votes per utterance."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn
from matplotlib.figure import Figure

from scaling_ambiguity.reporting.naming import plain, predictor_name
from scaling_ambiguity.reporting.selection import need, pick
from scaling_ambiguity.reporting.style import COLUMN_WIDTH

CURVE = re.compile(r"curve-(.+)-h(all|\d+)m(\d+)")
ALL = "all"


def label_surfaces(statistics: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Return (title, rows) of every surface of labels as predictors; rows have ``human`` and ``votes``.

    Cells without synthetic votes are those of human votes alone, for any pooling.
    """
    rows = need(statistics[statistics["stratum"].str.startswith("human=")], "fig_cost_surface", metric="nll")
    rows = rows.assign(human=rows["stratum"].str.removeprefix("human="))
    files = list(rows.groupby("file", sort=True))
    parts = []
    for _, group in files:
        where = f"{plain(group['corpus'].iloc[0])}, " if len(files) > 1 else ""
        for labels in sorted(set(group["labels"]) - {"human"}):
            parts.append((f"{where}{predictor_name(labels)}", pick(group, labels=["human", labels])))
        if set(group["labels"]) == {"human"}:
            parts.append((f"{where}{predictor_name('human')}", group))
    return parts


def model_surfaces(statistics: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Return the same for models trained on labels from that many votes, if there are any."""
    rows = pick(statistics, metric="nll", stratum="all", reference="human", augmentation="none")
    rows = rows[(rows["method"] != "seed") & rows["labels"].str.fullmatch(CURVE)]
    if rows.empty:
        return []
    parts = rows["labels"].str.extract(CURVE)
    rows = rows.assign(annotator=parts[0], human=parts[1], votes=parts[2].astype(float))
    groups = list(rows.groupby(["file", "model", "annotator"], sort=True))
    several = len(groups) > 1
    surfaces = []
    for (_, model, _), group in groups:
        where = plain(group["corpus"].iloc[0], group["protocol"].iloc[0], model) if several else f"model {plain(model)}"
        surfaces.append((where, group))
    return surfaces


def as_grid(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the estimates by number of human (rows, "all" last) and synthetic votes (columns), rising."""
    grid = rows.pivot_table(index="human", columns="votes", values="estimate")
    order = sorted(grid.index, key=lambda k: (k == ALL, 0 if k == ALL else int(k)))
    grid = grid.loc[order, sorted(grid.columns)]
    return grid.set_axis([int(m) for m in grid.columns], axis=1)


def _ends(surfaces: list[tuple[str, pd.DataFrame]]) -> tuple[float, float]:
    """Return the best and the worst score of some surfaces, of which there is at least one."""
    values = np.concatenate([own["estimate"].to_numpy(float) for _, own in surfaces])
    return float(np.nanmin(values)), float(np.nanmax(values))


def draw_cost_surface(statistics: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Return one panel per surface, darker where the score is better, and the rows shown.

    Args:
        statistics: Tables of trace_costs and, with learning curves, of evaluate_models.
    """
    labels, models = label_surfaces(statistics), model_surfaces(statistics)
    surfaces = labels + models
    rows = -(-len(surfaces) // 2)
    figure, axes = plt.subplots(rows, 2, figsize=(COLUMN_WIDTH, 1.75 * rows + 0.1), squeeze=False)
    ends = [_ends(kind) for kind in (labels, models) for _ in kind]  # two kinds of scores, two scales
    for place, (panel, (title, own)) in enumerate(zip(axes.flat, surfaces, strict=False)):
        grid = as_grid(own)
        low, high = ends[place]
        seaborn.heatmap(
            grid, ax=panel, vmin=low, vmax=high, cmap="Blues_r", annot=True, fmt=".2f", cbar=False,
            annot_kws={"size": 5.5}, linewidths=0.5,
        )  # fmt: skip
        panel.tick_params(length=0)
        panel.grid(visible=False)
        panel.set_yticklabels(grid.index, rotation=0)
        panel.set_xticklabels(grid.columns, rotation=0)
        panel.set(xlabel="synthetic votes", ylabel="human votes" if place % 2 == 0 else "", title=title)
    for panel in axes.flat[len(surfaces) :]:
        panel.axis("off")
    return figure, pd.concat([own.assign(surface=title) for title, own in surfaces])
