"""The look of all figures, error bars from given bounds, and files whose bytes depend only on the data."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import atomic_path

COLUMN_WIDTH = 3.5  # inches, IEEEtran
TEXT_WIDTH = 7.16  # of both columns; the paper gives a figure that is wider than a column the whole page
PAGE_HEIGHT = 8.6  # inches that a figure may take

# Distinguishable with the common colour deficiencies; markers repeat the distinction.
_NAMES = ("blue", "orange", "green", "vermilion", "purple", "brown", "pink", "grey", "yellow", "sky")
COLOURS = dict(zip(_NAMES, seaborn.color_palette("colorblind").as_hex(), strict=True)) | {"black": "#000000"}
BLACK, ORANGE, SKY, GREEN = (COLOURS[name] for name in ("black", "orange", "sky", "green"))
BLUE, VERMILION, PURPLE = (COLOURS[name] for name in ("blue", "vermilion", "purple"))
GREY = "#777777"


@contextmanager
def styled(style: str | Path) -> Iterator[None]:
    """Apply seaborn's paper theme and, over it, the style sheet ``style``; close the block's figures afterwards."""
    if not Path(style).is_file():
        raise UserError(f"{style}: no such matplotlib style sheet; expected paper/paper.mplstyle.")
    with matplotlib.rc_context():
        seaborn.set_theme(context="paper", style="ticks", palette="colorblind")
        plt.style.use(str(Path(style).resolve()))
        matplotlib.rcParams["svg.hashsalt"] = "scaling-ambiguity"
        try:
            yield
        finally:
            plt.close("all")


def error_bars(rows: pd.DataFrame) -> np.ndarray:
    """Return distances (2, n) from ``estimate`` to ``low`` and ``high``; 0 where a bound is missing."""
    below = (rows["estimate"] - rows["low"]).to_numpy(float)
    above = (rows["high"] - rows["estimate"]).to_numpy(float)
    return np.clip(np.nan_to_num(np.vstack([below, above]), nan=0.0, posinf=0.0, neginf=0.0), 0.0, None)


def draw_estimates(axes: Axes, x: np.ndarray, rows: pd.DataFrame, *, horizontal: bool = False, **look: object) -> None:
    """Draw ``rows`` at ``x`` as markers with the interval from ``low`` to ``high`` around each estimate."""
    bars = error_bars(rows)
    look = {"fmt": "o", "capsize": 0, "elinewidth": 0.8, "zorder": 3} | look
    values = rows["estimate"].to_numpy(float)
    if horizontal:
        axes.errorbar(values, x, xerr=bars, **look)
    else:
        axes.errorbar(x, values, yerr=bars, **look)


def save_figure(figure: Figure, pdf: str | Path, svg: str | Path) -> None:
    """Write ``figure`` as PDF and SVG without dates, so that the same data give the same bytes."""
    with atomic_path(pdf) as temporary:
        figure.savefig(temporary, format="pdf", metadata={"CreationDate": None, "ModDate": None})
    with atomic_path(svg) as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None, "Creator": None})
