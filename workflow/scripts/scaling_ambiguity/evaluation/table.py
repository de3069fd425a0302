"""The statistics table of all models of one corpus and protocol."""

import numpy as np
import pandas as pd

from scaling_ambiguity.evaluation.columns import NO_MODEL, Column, floor_columns, prediction_columns
from scaling_ambiguity.evaluation.differences import difference_columns
from scaling_ambiguity.evaluation.judges import STRATA, Judges
from scaling_ambiguity.evaluation.level_changes import level_change_rows
from scaling_ambiguity.evaluation.predictions import Condition
from scaling_ambiguity.evaluation.scaling import scaled_columns
from scaling_ambiguity.evaluation.scores import scores
from scaling_ambiguity.evaluation.stratum_recall import stratum_recall_rows
from scaling_ambiguity.inference.adjust import adjust_rows
from scaling_ambiguity.inference.bootstrap import interval_settings, mean_interval
from scaling_ambiguity.inference.seed_variance import MINIMUM_SEEDS, seed_variance
from scaling_ambiguity.inference.whole_set import whole_set_intervals
from scaling_ambiguity.labels.names import Labels
from scaling_ambiguity.tables.statistics import THESE, statistics_frame


def evaluation_table(
    predictions: dict[Condition, np.ndarray],
    arm_labels: dict[str, np.ndarray],
    judges: Judges,
    truth: np.ndarray | None,
    *,
    corpus: str,
    protocol: str,
    options: dict,
    seed: int,
) -> pd.DataFrame:
    """Return one row per estimate; see STATISTICS.

    Means over utterances carry a cluster interval. Differences also have p and, within each family (one metric and
    augmentation; overall, the three levels together, the balanced splits, the classes, each factor), Holm's
    p_adjusted. Losses of models are also given at a fitted temperature, see ``scaling``. Scores that are not means are
    smooth functions of totals, see ``whole_set_intervals``. Rows of method ``seed`` list each training's NLL
    (``votes`` is its number).

    Args:
        predictions: From ``gather_predictions``.
        arm_labels: The label tables' distributions of the tested utterances, by labels, (U, C).
        judges: From ``gather_judges``.
        truth: Expected votes of the tested utterances, (U, C), on simulated corpora.
        corpus: Its name.
        protocol: Its name.
        options: The ``statistics`` part of the configuration; ``against``: a model that others are compared with.
        seed: Global seed.
    """
    floor = options["smoothing"]
    columns, fitted, clusters = floor_columns(judges, floor, truth), [], len(np.unique(judges.clusters))
    for condition, p in predictions.items():
        columns += prediction_columns(condition, p, judges, floor, arm_labels.get(condition[1]), truth)
        at_temperature, temperature = scaled_columns(condition, p, judges, floor)
        columns += at_temperature
        row = {"stratum": "all", "metric": "temperature", "reference": "human", "method": "cross_fitted"}
        fitted.append(_names(condition) | row | {"estimate": temperature, "n": p.shape[1], "n_clusters": clusters})
    differences = difference_columns(columns, options.get("against"))
    rows = []
    families = {name: "all" if name == "all" else "level" for name in STRATA}
    families |= {stratum.name: stratum.family for stratum in judges.strata}
    for stratum in families:
        rows += _interval_rows([c for c in columns if c.stratum == stratum], judges, options, seed, tested=False)
        rows += _interval_rows([c for c in differences if c.stratum == stratum], judges, options, seed, tested=True)
    rows = adjust_rows(rows, options.get("adjust", "holm"), lambda row: _family(row, families))
    rows += _whole_set_rows(predictions, judges, options, seed) + _seed_rows(predictions, judges, floor)
    rows += fitted + stratum_recall_rows(predictions, judges, options, seed)
    rows += level_change_rows(differences, judges.clusters, options, seed)
    for row in rows:
        row |= {"corpus": corpus, "protocol": protocol, "population": THESE}
    return statistics_frame(rows)


def _interval_rows(columns: list[Column], judges: Judges, options: dict, seed: int, *, tested: bool) -> list[dict]:
    """Return the rows of columns of one stratum; columns with equal weights share one bootstrap."""
    groups: dict[bytes, list[Column]] = {}
    for column in columns:
        if column.weights.any():  # a level without utterances has no row
            groups.setdefault(column.weights.tobytes(), []).append(column)
    rows = []
    for group in groups.values():
        intervals = mean_interval(
            np.stack([column.values for column in group], axis=1),
            judges.clusters,
            weights=group[0].weights,
            **interval_settings(options, seed),
        )
        for number, column in enumerate(group):
            row = _names(column.condition) | intervals.row(number, tested=tested)
            row |= {"stratum": column.stratum, "metric": column.metric, "reference": column.reference}
            row |= {"n": intervals.n if column.n is None else column.n, "method": options["interval"]}
            rows.append(row)
    return rows


def _family(row: dict, strata: dict[str, str]) -> tuple:
    """Return metric, model, augmentation and family of strata; learning curves are a separate family."""
    labels = Labels.of_predictor(row["labels"])
    curve = labels is not None and labels.kind == "curve"
    return row["metric"], row["model"], row["augmentation"], strata[row["stratum"]], curve


def _whole_set_rows(predictions: dict[Condition, np.ndarray], judges: Judges, options: dict, seed: int) -> list[dict]:
    """Return macro_f1, weighted_f1, uar and ece with intervals; each seed's, averaged, as one prediction.

    The totals behind a score are averaged over seeds first: the interval is that of one pooled matrix.
    """
    conditions = [(NO_MODEL, "prior", "none"), *predictions]
    stacked = [judges.prior[None], *predictions.values()]
    intervals = whole_set_intervals(stacked, judges.counts, judges.clusters, **interval_settings(options, seed))
    common = {"stratum": "all", "reference": "human", "method": options["interval"]}
    return [
        _names(condition) | common | {"metric": metric} | values.row(i)
        for metric, values in intervals.items()
        for i, condition in enumerate(conditions)
    ]


def _seed_rows(predictions: dict[Condition, np.ndarray], judges: Judges, floor: float) -> list[dict]:
    """Return the NLL of every training, ``votes`` its number; from five on the variance between them, nats squared."""
    rows = []
    for condition, p in predictions.items():
        base = _names(condition) | {"stratum": "all", "reference": "human", "n": p.shape[1], "method": "seed"}
        for number, one in enumerate(p):
            value = float(scores(one, judges.counts, floor, ("nll",))["nll"].mean())
            row = {"metric": "nll", "estimate": value, "votes": number}
            rows.append(base | row | {"n_clusters": len(np.unique(judges.clusters))})
        if len(p) >= MINIMUM_SEEDS:
            losses = np.stack([scores(one, judges.counts, floor, ("nll",))["nll"] for one in p])
            variance = seed_variance(losses, judges.clusters)
            row = {"metric": "nll_seed_variance", "estimate": variance, "method": "mixed_model"}
            rows.append(base | row | {"n_clusters": len(np.unique(judges.clusters))})
    return rows


def _names(condition: Condition) -> dict[str, str]:
    return dict(zip(("model", "labels", "augmentation"), condition, strict=True))
