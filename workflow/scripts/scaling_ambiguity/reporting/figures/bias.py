"""How often a person's and a synthetic vote agree with a person: by group, and with only one part of the input."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scaling_ambiguity.reporting.naming import plain, stratum_titles
from scaling_ambiguity.reporting.proxy_names import label, shared_name
from scaling_ambiguity.reporting.selection import need, pick
from scaling_ambiguity.reporting.style import (
    BLUE,
    COLUMN_WIDTH,
    GREEN,
    ORANGE,
    PAGE_HEIGHT,
    TEXT_WIDTH,
    VERMILION,
    draw_estimates,
)
from scaling_ambiguity.reporting.tables.bias import LEVELS, factor_strata

ABREAST = 3  # panels that fit beside one another
LOOKS = {
    "match_human": ("another person", VERMILION, "^"),
    "match": ("{votes}", BLUE, "o"),
    "match_audio": ("{votes}, voice alone", GREEN, "s"),
    "match_text": ("{votes}, words alone", ORANGE, "D"),
}


def draw_bias(statistics: pd.DataFrame, proxies: Mapping[str, str]) -> tuple[Figure, pd.DataFrame]:
    """Return the figure, one panel per table of report_bias, and the rows shown.

    Annotators of one corpus and protocol stand side by side. ``proxies`` is the name of the votes of each annotator;
    the legend is that of all panels.
    """
    need(statistics, "fig_bias", metric="match")
    bands = [band for _, rows in statistics.groupby(["corpus", "protocol"], sort=True) for band in _bands(rows)]
    strata = [_strata(pd.concat(band)) for band in bands]
    columns = max(map(len, bands))
    votes = label(shared_name(proxies))
    several = sum(map(len, bands)) > 1
    height = min(sum(0.17 * len(names) + 0.5 for names in strata) + 0.4, PAGE_HEIGHT)
    figure = plt.figure(figsize=(TEXT_WIDTH if columns > 1 else COLUMN_WIDTH, height))
    grid = figure.add_gridspec(len(bands), columns, height_ratios=[len(names) for names in strata])
    for row, (band, names) in enumerate(zip(bands, strata, strict=True)):
        for column, rows in enumerate(band):
            panel = figure.add_subplot(grid[row, column])
            _draw_panel(panel, rows, names, votes)
            if several:
                panel.set_title(plain(*(rows[key].iloc[0] for key in ("corpus", "protocol", "model"))))
            if column:
                panel.tick_params(labelleft=False)
    figure.legend(*_legend(figure, votes), loc="outside upper center", ncols=2 * min(columns, 2))
    return figure, pick(statistics, metric=tuple(LOOKS))


def _bands(rows: pd.DataFrame) -> list[list[pd.DataFrame]]:
    """Return the tables of one corpus and protocol in rows of at most ``ABREAST``."""
    files = [table for _, table in rows.groupby("file", sort=True)]
    return [files[start : start + ABREAST] for start in range(0, len(files), ABREAST)]


def _strata(rows: pd.DataFrame) -> list[str]:
    return ["all", *(level for level in LEVELS if level in set(rows["stratum"])), *factor_strata(rows)]


def _legend(figure: Figure, votes: str) -> tuple[list[Artist], list[str]]:
    """Return handles and names of everything that any panel shows, once each and in the order of ``LOOKS``."""
    shown: dict[str, Artist] = {}
    for axes in figure.axes:
        shown |= dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    names = [name for text, _, _ in LOOKS.values() if (name := text.format(votes=votes)) in shown]
    return [shown[name] for name in names], names


def _draw_panel(axes: Axes, rows: pd.DataFrame, strata: list[str], votes: str) -> None:
    for number, (metric, (name, colour, marker)) in enumerate(LOOKS.items()):
        series = pick(rows, metric=metric).set_index("stratum").reindex(strata)
        shown = series["estimate"].notna().to_numpy()
        if not shown.any():
            continue
        y = np.arange(len(strata))[shown] + (number - 1.5) * 0.16
        draw_estimates(axes, y, series[shown], horizontal=True, color=colour, fmt=marker, markersize=3,
                       label=name.format(votes=votes))  # fmt: skip
    axes.set_yticks(range(len(strata)), list(stratum_titles(strata).values()))
    axes.set(ylim=(len(strata) - 0.4, -0.6), xlabel="chance of agreeing with a person")
    axes.grid(axis="y", visible=False)
    for place, name in enumerate(strata[1:], start=1):
        if name.partition("=")[0] != strata[place - 1].partition("=")[0] and not {name, strata[place - 1]} <= set(
            LEVELS
        ):
            axes.axhline(place - 0.5, color="0.8", linewidth=0.6)
