"""How often a person's and a synthetic vote agree with a person: by group, and with only one part of the input."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scaling_ambiguity.reporting.naming import plain, stratum_titles
from scaling_ambiguity.reporting.proxy_names import label, shared_name
from scaling_ambiguity.reporting.selection import need, pick
from scaling_ambiguity.reporting.style import BLUE, COLUMN_WIDTH, GREEN, ORANGE, VERMILION, draw_estimates
from scaling_ambiguity.reporting.tables.bias import LEVELS, factor_strata

LOOKS = {
    "match_human": ("another person", VERMILION, "^"),
    "match": ("{votes}", BLUE, "o"),
    "match_audio": ("{votes}, voice alone", GREEN, "s"),
    "match_text": ("{votes}, words alone", ORANGE, "D"),
}


def draw_bias(statistics: pd.DataFrame, proxies: Mapping[str, str]) -> tuple[Figure, pd.DataFrame]:
    """Return the figure, one panel per table of report_bias, and the rows shown.

    ``proxies`` is the name of the votes of each annotator; the legend is that of all panels.
    """
    need(statistics, "fig_bias", metric="match")
    files = [rows for _, rows in statistics.groupby("file", sort=True)]
    strata = [_strata(rows) for rows in files]
    height = sum(0.17 * len(names) + 0.5 for names in strata) + 0.4
    figure, axes = plt.subplots(
        len(files), 1, figsize=(COLUMN_WIDTH, height), squeeze=False, height_ratios=[len(names) for names in strata]
    )
    for panel, rows, names in zip(axes[:, 0], files, strata, strict=True):
        _draw_panel(panel, rows, names, label(shared_name(proxies)))
        if len(files) > 1:
            panel.set_title(plain(*(rows[key].iloc[0] for key in ("corpus", "protocol", "model"))))
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2)
    return figure, pick(statistics, metric=tuple(LOOKS))


def _strata(rows: pd.DataFrame) -> list[str]:
    return ["all", *(level for level in LEVELS if level in set(rows["stratum"])), *factor_strata(rows)]


def _draw_panel(axes: Axes, rows: pd.DataFrame, strata: list[str], votes: str) -> None:
    for number, (metric, (name, colour, marker)) in enumerate(LOOKS.items()):
        own = pick(rows, metric=metric).set_index("stratum").reindex(strata)
        shown = own["estimate"].notna().to_numpy()
        if not shown.any():
            continue
        y = np.arange(len(strata))[shown] + (number - 1.5) * 0.16
        draw_estimates(axes, y, own[shown], horizontal=True, color=colour, fmt=marker, markersize=3,
                       label=name.format(votes=votes))  # fmt: skip
    axes.set_yticks(range(len(strata)), list(stratum_titles(strata).values()))
    axes.set(ylim=(len(strata) - 0.4, -0.6), xlabel="chance of agreeing with a person")
    axes.grid(axis="y", visible=False)
    for place, name in enumerate(strata[1:], start=1):
        if name.partition("=")[0] != strata[place - 1].partition("=")[0] and not {name, strata[place - 1]} <= set(
            LEVELS
        ):
            axes.axhline(place - 0.5, color="0.8", linewidth=0.6)
