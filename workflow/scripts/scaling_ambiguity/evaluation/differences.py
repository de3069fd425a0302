"""Paired differences between conditions, utterance by utterance."""

from scaling_ambiguity.evaluation.columns import NO_MODEL, Column

HUMAN = "human"
PLAIN = "none"
MINUS_MODEL = "nll_minus_model"
LOSSES = ("nll", "nll_scaled")


def difference_columns(columns: list[Column], against: str | None = None) -> list[Column]:
    """Return the differences in NLL per human vote, overall and by stratum, and overall at the fitted temperatures.

    ``nll_minus_human``: labels X minus labels ``human``, same model and augmentation. ``nll_minus_plain``: an
    augmentation minus none, same model and labels. ``nll_minus_model``: a model minus the model ``against``, same
    labels and augmentation. ``nll_scaled_minus_...`` likewise. Negative: the condition is better than its baseline.
    """
    losses = {
        (column.metric, column.condition, column.stratum): column
        for column in columns
        if column.metric in LOSSES and column.reference == HUMAN and column.condition[0] != NO_MODEL
    }
    differences = []
    for (loss, (model, labels, augmentation), stratum), column in losses.items():
        baselines = {}
        if labels != HUMAN:
            baselines["minus_human"] = (model, HUMAN, augmentation)
        if augmentation != PLAIN:
            baselines["minus_plain"] = (model, labels, PLAIN)
        if against is not None and model != against:
            baselines["minus_model"] = (against, labels, augmentation)
        for name, other in baselines.items():
            baseline = losses.get((loss, other, stratum))
            if baseline is not None:
                values, metric = column.values - baseline.values, f"{loss}_{name}"
                differences.append(Column(column.condition, stratum, metric, HUMAN, values, column.weights, column.n))
    return differences
