"""The training curve as a figure."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import pandas as pd
import seaborn

from scaling_ambiguity.io import atomic_path

KINDS = {"train_loss": "training", "validation_loss": "validation"}


def draw_curve(curve: pd.DataFrame, best_step: int, path: Path) -> None:
    """Draw losses against steps as PNG, the kept step marked; the same curve gives the same bytes.

    Args:
        curve: Columns step, train_loss (mean since the row before) and validation_loss.
        best_step: The step whose weights were kept.
        path: Where to write.
    """
    long = curve.melt("step", list(KINDS), var_name="part", value_name="loss").dropna()
    long["part"] = long["part"].map(KINDS)
    with matplotlib.rc_context():
        seaborn.set_theme(context="paper", style="ticks", palette="colorblind")
        figure, axes = plt.subplots(figsize=(3.5, 2.4), layout="constrained")
        seaborn.lineplot(long, x="step", y="loss", hue="part", style="part", markers=True, dashes=False, ax=axes)
        axes.axvline(best_step, color="0.5", linewidth=0.8, linestyle=":", zorder=0, label=f"kept: step {best_step}")
        axes.legend(frameon=False)
        axes.set(xlabel="optimiser step", ylabel="loss (as trained)")
        seaborn.despine(figure)
        with atomic_path(path) as temporary:
            figure.savefig(temporary, format="png", dpi=150, metadata={"Software": None})
        plt.close(figure)
