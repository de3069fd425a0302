"""How a paired difference changes from low to high ambiguity, or from low to high conflict, with its interval."""

from typing import Any

from scaling_ambiguity.evaluation.columns import Column
from scaling_ambiguity.evaluation.differences import MINUS_MODEL
from scaling_ambiguity.evaluation.further_strata import CONFLICT
from scaling_ambiguity.inference.bootstrap import interval_settings, rows_counted
from scaling_ambiguity.inference.contrasts import contrast_interval

# difference, stratum of low and of high, stratum of the row
CHANGES = (
    ("nll_minus_human", "low", "high", "all"),
    (MINUS_MODEL, f"{CONFLICT}=low", f"{CONFLICT}=high", CONFLICT),
)


def level_change_rows(differences: list[Column], clusters: Any, options: dict, seed: int) -> list[dict]:
    """Return ``{difference}_rise`` of every condition: the difference at high minus that at low, nats.

    ``nll_minus_human_rise`` is by ambiguity, ``nll_minus_model_rise`` of stratum ``conflict`` by conflict. Whole
    speakers are resampled, so that both ends vary together.

    Args:
        differences: Columns of ``difference_columns``.
        clusters: (U,) speakers.
        options: resamples, level and interval.
        seed: Seed of the resamples.
    """
    rows = []
    for metric, least, most, whole in CHANGES:
        by_key = {(c.condition, c.stratum): c for c in differences if c.metric == metric}
        for (condition, stratum), high in by_key.items():
            low = by_key.get((condition, least))
            if stratum != most or low is None or not (low.weights.any() and high.weights.any()):
                continue
            first, second = ((side.values, side.weights) for side in (high, low))
            change = contrast_interval(first, second, clusters, **interval_settings(options, seed))
            names = dict(zip(("model", "labels", "augmentation"), condition, strict=True))
            rows.append(
                change.row(0)
                | names
                | {"stratum": whole, "metric": f"{metric}_rise", "reference": high.reference}
                | {"n": rows_counted(high.weights + low.weights), "method": options["interval"]}
            )
    return rows
