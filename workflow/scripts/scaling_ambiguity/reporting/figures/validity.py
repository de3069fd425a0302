"""Known truths and their estimates: the exchange rate, then type I error and power of the tests."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from scaling_ambiguity.reporting.figures.exchange_rate import SHORT, known_name
from scaling_ambiguity.reporting.naming import LEVELS
from scaling_ambiguity.reporting.selection import need, pick
from scaling_ambiguity.reporting.style import BLUE, COLUMN_WIDTH, GREEN, GREY, ORANGE, VERMILION

WIDTH = 2 * COLUMN_WIDTH + 0.16  # inches, both columns
COLOURS = (VERMILION, ORANGE, BLUE, GREEN)  # of numbers of speakers, rising
MARKERS = ("v", "o", "s", "D")
OVERALL = (
    *("fresh-1", "fresh-2", "fresh-3", "calibrated-fresh-1", "calibrated-fresh-2", "calibrated-fresh-3"),
    *("latent-1", "latent-2", "as_pooled", "weighted", "calibrated"),
    *("noise", "shuffled", "prior", "echo"),
)
BY_LEVEL = ("fresh-1", "fresh-2", "fresh-3", "weighted", "noise", "shuffled", "echo")
NAMES = {name: f"biased, {short}" for name, short in SHORT.items()}
NAMES |= {f"calibrated-fresh-{k}": f"{known_name(f'fresh-{k}')}, calibrated" for k in (1, 2, 3)}
NAMES |= {"echo": "own majority added", "prior": "class prior added", "shuffled": "other clip's votes"}
TESTS = {
    "mean": "difference,\nbootstrap-$t$",
    "sign_flip": "difference,\nsign flips",
    "contrast": "difference of\ntwo groups",
    "equivalence_lower": "equivalence,\nlower margin",
    "equivalence_upper": "equivalence,\nupper margin",
    "crossed": "difference,\nraters crossed",
}
WORLDS = {"ordinary": True, "skewed": False}  # whether its markers are filled
NOMINAL = 0.05


def draw_validity(recovery: pd.DataFrame, rates: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Return the figure and the rows that it shows; ``part`` names the study.

    Args:
        recovery: Rows of validate_recovery.
        rates: Rows of validate_tests.
    """
    rows = [("all", name) for name in OVERALL], [(level, name) for level in LEVELS for name in BY_LEVEL]
    upper = 0.6 + 0.155 * max(map(len, rows))
    figure = plt.figure(figsize=(WIDTH, upper + 2.3))
    above, below = figure.subfigures(2, 1, height_ratios=[upper, 2.3])
    shown = []
    for axes, chosen in zip(above.subplots(1, 2), rows, strict=True):
        shown.append(_draw_recovery(axes, recovery, chosen))
    speakers = sorted(set(recovery["speakers"]))
    handles = [Line2D([], [], color=COLOURS[1 + i], marker="o", linewidth=1.1) for i in range(len(speakers))]
    handles += [Line2D([], [], color=colour, marker="|", linestyle="none", markersize=8) for colour in ("black", GREY)]
    names = [f"{g} speakers" for g in speakers] + ["truth", "truth if learnt without end"]
    above.legend(handles, names, loc="outside upper center", ncols=4)
    left, right = below.subplots(1, 2, width_ratios=[1.9, 1])
    shown += [_draw_errors(left, rates), _draw_power(right, rates)]
    return figure, pd.concat(shown, ignore_index=True)


def _draw_recovery(axes: Axes, recovery: pd.DataFrame, rows: list[tuple[str, str]]) -> pd.DataFrame:
    """Draw one line per stratum and proxy: median, quartiles and 90 % of the estimates, truth, coverage in per cent."""
    speakers = sorted(set(recovery["speakers"]))
    step, used = 0.6 / len(speakers), []
    beside = axes.get_yaxis_transform()
    for place, (stratum, proxy) in enumerate(rows):
        for i, number in enumerate(speakers):
            study = need(recovery, "fig_validity", speakers=number, stratum=stratum, proxy=proxy)
            used.append(study)
            learnt = pick(study, known_by="corpora")  # what one corpus can expect, next to the limit
            row = (study if learnt.empty else learnt).iloc[0]
            limit = float("nan") if learnt.empty else pick(study, known_by="population")["truth"].iloc[0]
            y, colour = place + (i - (len(speakers) - 1) / 2) * step, COLOURS[1 + i]
            axes.plot([row["q05"], row["q95"]], [y, y], color=colour, linewidth=0.8)
            axes.plot([row["q25"], row["q75"]], [y, y], color=colour, linewidth=2.2)
            axes.plot(row["q50"], y, "o", color=colour, markersize=2.6, zorder=4)
            for truth, look in ((row["truth"], "black"), (limit, GREY)):
                axes.plot(truth, y, "|", color=look, markersize=5.5, markeredgewidth=1.1, zorder=5)
            text = f"{100 * row['coverage']:.0f}"
            axes.text(1.05 + 0.09 * i, place, text, transform=beside, color=colour, ha="center", va="center", size=6.5)
        if place and stratum != rows[place - 1][0]:
            axes.axhline(place - 0.5, color=GREY, linewidth=0.5)
    axes.text(
        1.05 + 0.045 * (len(speakers) - 1), -0.95, "covers, %", transform=beside, ha="center", va="center", size=6.5
    )
    names = [NAMES.get(proxy) or known_name(proxy) for _, proxy in rows]
    if rows[0][0] != "all":
        names = [
            f"{stratum}: {name}" if i % len(BY_LEVEL) == 0 else name
            for i, ((stratum, _), name) in enumerate(zip(rows, names, strict=True))
        ]
    axes.set_yticks(range(len(rows)), names)
    shown = pd.concat(used, ignore_index=True)
    right = np.ceil(shown["q95"].max()) + 0.15
    axes.set(ylim=(len(rows) - 0.45, -0.55), xlim=(min(-0.25, shown["q05"].min() - 0.1), right))
    axes.set_xticks(np.arange(0, right))
    axes.set(xlabel="human votes found" + ("" if rows[0][0] == "all" else ", by level of ambiguity"))
    axes.grid(axis="y", visible=False)
    return shown.assign(part="recovery")


def _draw_errors(axes: Axes, rates: pd.DataFrame) -> pd.DataFrame:
    """Draw type I errors with their Monte-Carlo limits; filled for the ordinary world, hollow for the skewed one."""
    shown = need(rates, "fig_validity", kind="type_one", test=tuple(TESTS))
    speakers = sorted(set(shown["speakers"]))
    step = 0.8 / (len(speakers) * len(WORLDS) + 1)
    for place, test in enumerate(TESTS):
        for w, (world, filled) in enumerate(WORLDS.items()):
            for i, number in enumerate(speakers):
                for row in pick(shown, test=test, world=world, speakers=number).itertuples():
                    x = place + (i + w * (len(speakers) + 0.6) - len(speakers)) * step
                    colour = COLOURS[i]
                    axes.plot([x, x], [100 * row.low, 100 * row.high], color=colour, linewidth=0.9)
                    look = {"color": colour, "markerfacecolor": colour if filled else "white", "markersize": 3}
                    axes.plot(x, 100 * row.rate, MARKERS[i], **look)
    axes.axhline(100 * NOMINAL, color="black", linewidth=0.8, linestyle="--", zorder=1)
    axes.set_xticks(range(len(TESTS)), TESTS.values(), size=6)
    top = 100 * float(shown["high"].max())
    axes.set(ylabel="type I error (%)", ylim=(0, 1.28 * top), xlim=(-0.5, len(TESTS) - 0.5))
    axes.grid(axis="x", visible=False)
    pairs = list(zip(COLOURS, MARKERS, strict=True))[: len(speakers)]
    handles = [Line2D([], [], color=colour, marker=marker, linestyle="none") for colour, marker in pairs]
    handles.append(Line2D([], [], color=GREY, marker="o", markerfacecolor="white", linestyle="none"))
    names = [*(f"{g} speakers" for g in speakers), "skewed differences"]
    axes.legend(handles, names, ncols=len(names), loc="upper center", fontsize=6)
    return shown.assign(part="type I error")


def _draw_power(axes: Axes, rates: pd.DataFrame) -> pd.DataFrame:
    """Draw the power of the bootstrap-t (markers) and of sign flips (crosses), with Student's (lines)."""
    shown = need(rates, "fig_validity", kind="power")
    everyone = sorted(set(pick(rates, kind="type_one")["speakers"]))
    for number in sorted(set(shown["speakers"])):
        i = everyone.index(number)
        for test, marker in (("mean", MARKERS[i]), ("sign_flip", "x")):
            rows = pick(shown, speakers=number, test=test).sort_values("effect")
            axes.plot(rows["effect"], 100 * rows["rate"], marker, color=COLOURS[i], markersize=3)
        axes.plot(rows["effect"], 100 * rows["formula"], color=COLOURS[i], linewidth=0.9)
    look = {"color": GREY, "markersize": 3}
    handles = [
        Line2D([], [], marker="o", linestyle="none", **look),
        Line2D([], [], marker="x", linestyle="none", **look),
    ]
    handles.append(Line2D([], [], color=GREY, linewidth=0.9))
    axes.legend(handles, ["bootstrap-$t$", "sign flips", "Student's $t$"], loc="lower right", fontsize=6)
    axes.set(xlabel="true difference (standard errors)", ylabel="power (%)", ylim=(0, 102))
    return shown.assign(part="power")
