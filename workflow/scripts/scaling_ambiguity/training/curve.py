"""The training curve as a figure."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import pandas as pd

from scaling_ambiguity.io import atomic_path

# column: name, colour (safe for the colour-blind), marker; drawn without seaborn, whose import costs every job
KINDS = {"train_loss": ("training", "#0173b2", "o"), "validation_loss": ("validation", "#de8f05", "X")}


def draw_curve(curve: pd.DataFrame, best_step: int, path: Path) -> None:
    """Draw losses against steps as PNG, with the kept step marked; the same curve gives the same bytes.

    Args:
        curve: Columns step, train_loss (mean since the row before) and validation_loss.
        best_step: The step whose weights were kept.
        path: Where to write.
    """
    plain = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "lines.linewidth": 1.2}
    with matplotlib.rc_context(plain):
        figure, axes = plt.subplots(figsize=(3.5, 2.4), layout="constrained")
        for column, (part, colour, marker) in KINDS.items():
            finite = curve.dropna(subset=column)
            axes.plot(finite["step"], finite[column], color=colour, marker=marker, markeredgecolor="white", label=part)
        axes.axvline(best_step, color="0.5", linewidth=0.8, linestyle=":", zorder=0, label=f"kept: step {best_step}")
        axes.legend(frameon=False)
        axes.set(xlabel="optimiser step", ylabel="loss (as trained)")
        with atomic_path(path) as temporary:
            figure.savefig(temporary, format="png", dpi=150, metadata={"Software": None})
        plt.close(figure)
