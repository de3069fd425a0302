"""Macro-F1 and unweighted average recall of the top class in the further strata: balanced splits, classes, factors."""

import numpy as np

from scaling_ambiguity.evaluation.columns import NO_MODEL, stratum_size
from scaling_ambiguity.evaluation.judges import Judges
from scaling_ambiguity.evaluation.predictions import Condition
from scaling_ambiguity.evaluation.strata import Stratum
from scaling_ambiguity.inference.bootstrap import interval_settings
from scaling_ambiguity.inference.whole_set import confusion_intervals
from scaling_ambiguity.metrics.arrays import modes

METRICS = ("macro_f1", "uar")


def stratum_recall_rows(
    predictions: dict[Condition, np.ndarray], judges: Judges, options: dict, seed: int
) -> list[dict]:
    """Return the rows of the class prior and of every model in every further stratum, with cluster intervals.

    The class of an utterance is the one named by most of the votes that judge the stratum, ties shared; where
    deals differ, an utterance counts as each class with the weight of the corresponding deals. A stratum of one class
    by its level votes may contain others by the votes that judge it.
    """
    conditions = [(NO_MODEL, "prior", "none"), *predictions]
    stacked = [judges.prior[None], *predictions.values()]
    rows = []
    for stratum in judges.strata:
        actual, weight = top_classes(judges, stratum)
        if not weight.any():
            continue
        intervals = confusion_intervals(stacked, actual, judges.clusters, METRICS, **interval_settings(options, seed))
        for metric, values in intervals.items():
            for i, (model, labels, augmentation) in enumerate(conditions):
                rows.append(values.row(i) | {
                    "model": model, "labels": labels, "augmentation": augmentation, "stratum": stratum.name,
                    "metric": metric, "reference": "human", "method": options["interval"],
                    "n": stratum_size(stratum, weight),
                })  # fmt: skip
    return rows


def top_classes(judges: Judges, stratum: Stratum) -> tuple[np.ndarray, np.ndarray]:
    """Return the weight of each utterance as one of each class, (U, C), and its weight in each deal, (D, U)."""
    votes = judges.votes_of(stratum)
    has = votes.sum(axis=-1) > 0
    weight = stratum.weight * has
    top = modes(np.where(has[..., None], votes, 1.0))
    if stratum.votes == "all":  # the same in every deal; utterances have equal weights, as overall
        return top * (weight.sum(axis=0) > 0)[:, None], weight
    return (weight[..., None] * top).mean(axis=0), weight
