"""How the difference between two kinds of labels changes from low to high ambiguity, with its interval."""

from typing import Any

from scaling_ambiguity.evaluation.columns import Column
from scaling_ambiguity.inference.bootstrap import interval_settings, rows_counted
from scaling_ambiguity.inference.contrasts import contrast_interval

CHANGING = "nll_minus_human"


def level_change_rows(differences: list[Column], clusters: Any, options: dict, seed: int) -> list[dict]:
    """Return ``nll_minus_human_rise`` of every condition: the difference at high minus that at low ambiguity, nats.

    Whole speakers are resampled, so that both levels vary together.

    Args:
        differences: Columns of ``difference_columns``.
        clusters: (U,) speakers.
        options: resamples, level and interval.
        seed: Seed of the resamples.
    """
    by_key = {(c.condition, c.stratum): c for c in differences if c.metric == CHANGING}
    rows = []
    for (condition, stratum), high in by_key.items():
        low = by_key.get((condition, "low"))
        if stratum != "high" or low is None or not (low.weights.any() and high.weights.any()):
            continue
        first, second = ((side.values, side.weights) for side in (high, low))
        change = contrast_interval(first, second, clusters, **interval_settings(options, seed))
        names = dict(zip(("model", "labels", "augmentation"), condition, strict=True))
        rows.append(
            change.row(0)
            | names
            | {"stratum": "all", "metric": f"{CHANGING}_rise", "reference": high.reference}
            | {"n": rows_counted(high.weights + low.weights), "method": options["interval"]}
        )
    return rows
