"""Paired differences between conditions, utterance by utterance."""

from scaling_ambiguity.evaluation.columns import NO_MODEL, Column

HUMAN = "human"
PLAIN = "none"
MINUS_MODEL = "nll_minus_model"


def difference_columns(columns: list[Column], against: str | None = None) -> list[Column]:
    """Return the differences in NLL per human vote, overall and by stratum.

    ``nll_minus_human``: labels X minus labels ``human``, same model and augmentation. ``nll_minus_plain``: an
    augmentation minus none, same model and labels. ``nll_minus_model``: a model minus the model ``against``, same
    labels and augmentation. Negative: the condition is better than its baseline.
    """
    nll = {
        (column.condition, column.stratum): column
        for column in columns
        if column.metric == "nll" and column.reference == HUMAN and column.condition[0] != NO_MODEL
    }
    differences = []
    for ((model, labels, augmentation), stratum), column in nll.items():
        baselines = {}
        if labels != HUMAN:
            baselines["nll_minus_human"] = nll.get(((model, HUMAN, augmentation), stratum))
        if augmentation != PLAIN:
            baselines["nll_minus_plain"] = nll.get(((model, labels, PLAIN), stratum))
        if against is not None and model != against:
            baselines[MINUS_MODEL] = nll.get(((against, labels, augmentation), stratum))
        for metric, baseline in baselines.items():
            if baseline is not None:
                values = column.values - baseline.values
                differences.append(Column(column.condition, stratum, metric, HUMAN, values, column.weights, column.n))
    return differences
