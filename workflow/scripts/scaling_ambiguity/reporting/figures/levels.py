"""Scores by ambiguity level: one panel per metric, predictors side by side at each level."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from scaling_ambiguity.metrics.catalogue import METRICS
from scaling_ambiguity.reporting.naming import (
    LEVELS,
    arm_name,
    arm_order,
    group_titles,
    plain,
    predictor_name,
    split_labels,
)
from scaling_ambiguity.reporting.selection import need, pick
from scaling_ambiguity.reporting.style import (
    BLUE,
    COLUMN_WIDTH,
    GREEN,
    GREY,
    ORANGE,
    PAGE_HEIGHT,
    PURPLE,
    SKY,
    VERMILION,
    draw_estimates,
)
from scaling_ambiguity.tables.statistics import THESE

AXIS = {name: METRICS[name].axis for name in ("nll", "jsd_bits")} | {"nll_minus_human": "difference (nats)"}
PREDICTORS = {"smoothed": (BLUE, "o"), "matched-smoothed": (SKY, "s")}
REFERENCES = {"uniform": (GREY, ":"), "prior": (GREY, "--"), "human-smoothed": (GREEN, "-")}
ARMS = {
    "human": (VERMILION, "^"),
    "synthetic": (BLUE, "o"),
    "combined, equal": (GREEN, "s"),
    "combined, weighted": (SKY, "D"),
    "human + prior": (GREY, "v"),
    "human + echo": (ORANGE, "<"),
    "human + shuffled": (PURPLE, ">"),
    "permuted human": (GREY, "x"),
}

MOST_PANELS = 4
COLOURS, MARKERS = (VERMILION, BLUE, GREEN, SKY, ORANGE, PURPLE, GREY), ("o", "s", "^", "D")

WHOLE = ("all",)
XLABEL = {LEVELS: "ambiguity of the utterance", WHOLE: "too few votes for levels of ambiguity"}


def _strata(rows: pd.DataFrame) -> tuple[str, ...]:
    """Return the levels, or all utterances together where they have too few votes to have levels."""
    return LEVELS if set(LEVELS) & set(rows["stratum"]) else WHOLE


def _level_axis(axes: Axes, rows: pd.DataFrame, strata: tuple[str, ...]) -> None:
    """Label the levels with the number of utterances in each."""
    counts = [int(pick(rows, stratum=level)["n"].max() if level in set(rows["stratum"]) else 0) for level in strata]
    axes.set_xticks(range(len(strata)), [f"{name}\n$n={count}$" for name, count in zip(strata, counts, strict=True)])
    axes.set_xlim(-0.5, len(strata) - 0.5)
    axes.grid(axis="x", visible=False)


def _log_if_wide(axes: Axes, rows: pd.DataFrame) -> None:
    """Use a logarithmic axis if the largest score is over three times the smallest."""
    values = rows["estimate"].to_numpy(float)
    if values.min() > 0 and values.max() / values.min() > 3:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())


def _points(
    axes: Axes, rows: pd.DataFrame, names: Sequence[str], looks: Sequence[tuple], labels: Sequence[str],
    strata: tuple[str, ...],
) -> None:  # fmt: skip
    count = len(names)
    offsets = (np.arange(count) - (count - 1) / 2) * min(0.13, 0.72 / max(count, 1))
    for name, offset, (colour, marker), label in zip(names, offsets, looks, labels, strict=True):
        series = pick(rows, labels=name).set_index("stratum").reindex(strata).reset_index()
        draw_estimates(axes, np.arange(len(strata)) + offset, series, color=colour, fmt=marker, label=label)


def _legend(figure: Figure, axes: Axes, columns: int) -> None:
    """Put the legend above the panels, estimates before reference lines."""
    entries = list(zip(*axes.get_legend_handles_labels(), strict=True))
    entries.sort(key=lambda entry: not isinstance(entry[0], ErrorbarContainer))
    figure.legend(*zip(*entries, strict=True), loc="outside upper center", ncols=columns)


def _segments(axes: Axes, rows: pd.DataFrame, strata: tuple[str, ...]) -> None:
    for name, (colour, line) in REFERENCES.items():
        series = pick(rows, labels=name).set_index("stratum")["estimate"].reindex(strata).to_numpy(float)
        for level, value in enumerate(series):
            label = predictor_name(name) if level == 0 else None
            axes.plot([level - 0.4, level + 0.4], [value] * 2, color=colour, linestyle=line, label=label, zorder=1)


def _panels(groups: int, height: float) -> tuple[Figure, list[tuple[Axes, Axes]]]:
    """Return a figure as wide as a column of text, and two panels per group: at most two groups side by side."""
    bands = (groups + 1) // 2
    figure = plt.figure(figsize=(COLUMN_WIDTH, min(height * bands, PAGE_HEIGHT)))
    grid = figure.add_gridspec(2 * bands, min(groups, 2))
    pairs = []
    for group in range(groups):
        band, column = divmod(group, 2)
        upper = figure.add_subplot(grid[2 * band, column])
        upper.tick_params(labelbottom=False)
        pairs.append((upper, figure.add_subplot(grid[2 * band + 1, column], sharex=upper)))
    return figure, pairs


def _named(group: pd.DataFrame) -> tuple[str, ...]:
    """Return corpus, annotator and protocol of one table of align_votes."""
    (annotator,) = {split_labels(name)[1] for name in group["labels"] if split_labels(name)[0] == "synthetic"}
    return group["corpus"].iloc[0], annotator, group["protocol"].iloc[0]


def draw_alignment_by_level(statistics: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Return NLL and JSD of smoothed synthetic votes by level, between floors and smoothed human votes, and the rows.

    ``statistics`` are tables of align_votes; each (corpus, annotator and protocol) gets its own pair of panels.
    """
    statistics = pick(statistics, population=THESE)
    rows = need(
        statistics, "fig_alignment_by_level", stratum=(*LEVELS, *WHOLE), reference="human", metric=("nll", "jsd_bits")
    )
    groups = [(file, pick(group, stratum=_strata(group))) for file, group in rows.groupby("file", sort=True)]
    figure, axes = _panels(len(groups), 3.3)
    titles = group_titles([_named(group) for _, group in groups])
    for panels, (_, group), title in zip(axes, groups, titles, strict=True):
        strata = _strata(group)
        synthetic = sorted(name for name in set(group["labels"]) if split_labels(name)[0] == "synthetic")
        names = [name for name in synthetic if split_labels(name)[2] in PREDICTORS]
        looks = [PREDICTORS[split_labels(n)[2]] for n in names]
        for panel, metric in zip(panels, ("nll", "jsd_bits"), strict=True):
            series = pick(group, metric=metric)
            _points(panel, series, names, looks, [predictor_name(n) for n in names], strata)
            _segments(panel, series, strata)
            _level_axis(panel, series, strata)
            _log_if_wide(panel, series)
            panel.set_ylabel(AXIS[metric])
        panels[1].set_xlabel(XLABEL[strata])
        panels[0].set_title(title)
    _legend(figure, axes[0][0], columns=2)
    return figure, pd.concat([group for _, group in groups])


def draw_models_by_level(statistics: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Return NLL by level of models trained on each kind of labels, and their difference from human labels.

    ``statistics`` are tables of evaluate_models; each (corpus, protocol) and model gets its own pair of
    panels. Models trained without augmentation are shown. Of more than ``MOST_PANELS`` models, or where labels are of
    one kind, the models trained on human labels share a panel.
    """
    metrics = ("nll", "nll_minus_human")
    rows = need(statistics, "fig_models_by_level", stratum=(*LEVELS, *WHOLE), reference="human", metric=metrics)
    rows = rows[(rows["method"] != "seed") & (rows["augmentation"] == "none")]
    rows = rows[~rows["labels"].str.startswith("curve-")]  # see fig_cost_surface
    rows = pd.concat([pick(group, stratum=_strata(group)) for _, group in rows.groupby("file", sort=True)])
    trained = need(rows[rows["model"] != "none"], "fig_models_by_level", metric="nll")
    floors = pick(rows, model="none", metric="nll", labels=list(REFERENCES))
    differs = "nll_minus_human" in set(rows["metric"])
    if not differs or trained.groupby("file")["model"].nunique().max() > MOST_PANELS:
        trained = need(trained, "fig_models_by_level", labels="human")
        return _models_together(trained, floors), pd.concat([trained, floors])
    groups = list(trained.groupby(["file", "model"], sort=True).groups)
    figure, axes = _panels(len(groups), 3.4)
    first = trained.groupby("file")[["corpus", "protocol"]].first()
    titles = group_titles([(*first.loc[file], model) for file, model in groups])
    spare = [(colour, "X") for colour in (BLUE, GREEN, PURPLE, ORANGE)]
    for panels, (file, model), title in zip(axes, groups, titles, strict=True):
        group = pick(rows, file=file, model=model)
        strata = _strata(group)
        names = sorted(set(group["labels"]), key=arm_order)
        looks = {n: ARMS.get(arm_name(n), spare[i % 4]) for i, n in enumerate(names)}
        for panel, metric in zip(panels, ("nll", "nll_minus_human"), strict=True):
            series = pick(group, metric=metric)
            present = [n for n in names if n in set(series["labels"])]
            _points(panel, series, present, [looks[n] for n in present], [arm_name(n) for n in present], strata)
            panel.set_ylabel(AXIS[metric])
        _segments(panels[0], pick(floors, file=file), strata)
        _level_axis(panels[0], pick(group, metric="nll"), strata)
        panels[1].axhline(0, color=VERMILION, linewidth=0.9, zorder=1)
        panels[1].grid(axis="x", visible=False)
        panels[1].set_xlabel(XLABEL[strata])
        panels[0].set_title(title)
    _legend(figure, axes[0][0], columns=3)
    return figure, pd.concat([rows[rows["model"] != "none"], floors])


def _models_together(rows: pd.DataFrame, floors: pd.DataFrame) -> Figure:
    """Return the NLL by level of models side by side, one panel per (corpus, protocol)."""
    files = sorted(set(rows["file"]))
    figure = plt.figure(figsize=(COLUMN_WIDTH, min(3.4 * len(files), PAGE_HEIGHT)))
    first = rows.groupby("file")[["corpus", "protocol"]].first()
    titles = group_titles([tuple(first.loc[file]) for file in files])
    models = sorted(set(rows["model"]))
    looks = {m: (COLOURS[i % len(COLOURS)], MARKERS[i // len(COLOURS) % len(MARKERS)]) for i, m in enumerate(models)}
    panels = [figure.add_subplot(len(files), 1, place + 1) for place in range(len(files))]
    for panel, file, title in zip(panels, files, titles, strict=True):
        group = pick(rows, file=file)
        strata = _strata(group)
        present = [name for name in models if name in set(group["model"])]
        by_model = group.assign(labels=group["model"])
        _points(panel, by_model, present, [looks[n] for n in present], [plain(n) for n in present], strata)
        _segments(panel, pick(floors, file=file), strata)
        _level_axis(panel, group, strata)
        panel.set_ylabel(AXIS["nll"])
        panel.set_xlabel(XLABEL[strata])
        panel.set_title(title)
    _legend(figure, panels[0], columns=2)
    return figure
