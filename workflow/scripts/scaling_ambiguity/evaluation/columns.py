"""One column per estimate: a value and a weight for every utterance, and the estimand."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from scaling_ambiguity.augmentation.evaluation_split import effective_size
from scaling_ambiguity.evaluation.judges import Judges
from scaling_ambiguity.evaluation.predictions import Condition
from scaling_ambiguity.evaluation.scores import scores
from scaling_ambiguity.evaluation.strata import Stratum, by_level, weighted_over_deals
from scaling_ambiguity.inference.alignment import over_deals
from scaling_ambiguity.inference.bootstrap import rows_counted
from scaling_ambiguity.labels.dirichlet import posterior_mean
from scaling_ambiguity.metrics.arrays import modes
from scaling_ambiguity.metrics.catalogue import PER_VOTE

NO_MODEL = "none"
# For a reference of few votes: proper scores per vote, and whether the top class agrees with a rater.
STRATIFIED = (*PER_VOTE, "accuracy")


@dataclass(frozen=True)
class Column:
    """Values (U,) and weights (U,) of one estimate; ``n``: equivalent number of equally weighted ones."""

    condition: Condition
    stratum: str
    metric: str
    reference: str
    values: np.ndarray
    weights: np.ndarray
    n: int | None = None


def prediction_columns(
    condition: Condition,
    p: np.ndarray,
    judges: Judges,
    floor: float,
    arm_labels: np.ndarray | None = None,
    truth: np.ndarray | None = None,
) -> list[Column]:
    """Score predictions that use no vote of the tested utterance; losses are averaged over seeds.

    Overall they are judged by all human votes of the utterance, by level by the votes that did
    not decide the level, averaged over deals.

    Args:
        condition: Model, labels, augmentation.
        p: (seeds, U, C).
        judges: The references to score against.
        floor: Smallest probability in logarithms.
        arm_labels: The arm's own labels, (U, C).
        truth: Expected votes, (U, C).
    """
    columns = []

    def add(reference: str, overall: dict[str, np.ndarray], dealt: dict[str, np.ndarray]) -> None:
        for metric, values in overall.items():
            columns.append(Column(condition, "all", metric, reference, values, np.ones(len(values))))
            for name, (mean, weight) in by_level(dealt[metric], judges.level).items():
                columns.append(Column(condition, name, metric, reference, mean, weight))

    has_level = judges.level >= 0
    fair = np.where(has_level[..., None], judges.fair, 1.0)  # any distribution is fine where it is not used
    add("human", _seed_mean(p, judges.counts, floor), _seed_mean(p, fair, floor))
    for reference, target in (("own", arm_labels), ("truth", truth)):
        if target is not None:
            same = _seed_mean(p, target, floor)
            add(reference, same, same)
    scored = {"human": lambda votes: _seed_mean(p, votes, floor, STRATIFIED)}
    if truth is not None:
        scored["truth"] = lambda _: _seed_mean(p, truth, floor, STRATIFIED)
    return columns + stratum_columns(condition, judges, scored)


def stratum_columns(
    condition: Condition,
    judges: Judges,
    scored: dict[str, Callable[[np.ndarray], dict[str, np.ndarray]]],
    usable: np.ndarray | None = None,
) -> list[Column]:
    """Return the columns of the further strata of ``judges``.

    Args:
        condition: Model, labels, augmentation.
        judges: With ``strata``.
        scored: By reference, from votes (U, C) or (D, U, C) to {metric: (U,) or (D, U)}.
        usable: Where the predictor exists, (D, U); default everywhere.
    """
    scored_for: dict[tuple[str, str], tuple[dict[str, np.ndarray], np.ndarray]] = {}
    for stratum in judges.strata:
        for reference, function in scored.items():
            if (reference, stratum.votes) not in scored_for:  # strata judged by the same votes share their scores
                votes = judges.votes_of(stratum)
                has = votes.sum(axis=-1) > 0
                scored_for[reference, stratum.votes] = function(np.where(has[..., None], votes, 1.0)), has
    columns = []
    for stratum in judges.strata:
        for reference in scored:
            values, has = scored_for[reference, stratum.votes]
            weight = stratum.weight * has * (1.0 if usable is None else usable)
            columns += [_stratum_column(condition, stratum, m, reference, v, weight) for m, v in values.items()]
    return columns


def _stratum_column(
    condition: Condition, stratum: Stratum, metric: str, reference: str, values: np.ndarray, weight: np.ndarray
) -> Column:
    mean, total = weighted_over_deals(values, weight)
    if stratum.votes == "all":
        total = (total > 0) * 1.0  # utterances have equal weights, as overall
    return Column(condition, stratum.name, metric, reference, mean, total, stratum_size(stratum, weight))


def stratum_size(stratum: Stratum, weight: np.ndarray) -> int:
    """Return the number of utterances behind a stratum of weights (D, U): effective where weights differ.

    Otherwise it is their mean number per deal; where all votes judge, every utterance that has a weight.
    """
    if stratum.sized:
        return int(np.rint(effective_size(weight).mean()))
    return rows_counted(weight.max(axis=0) if stratum.votes == "all" else weight.mean(axis=0))


def _seed_mean(
    p: np.ndarray, reference: np.ndarray, floor: float, metrics: tuple[str, ...] | None = None
) -> dict[str, np.ndarray]:
    """Mean over seeds of each score, one seed at a time; reference (U, C) or (D, U, C)."""
    single = [scores(one, reference, floor, metrics) for one in p]
    return {metric: np.mean([one[metric] for one in single], axis=0) for metric in single[0]}


def floor_columns(judges: Judges, floor: float, truth: np.ndarray | None = None) -> list[Column]:
    """Score the predictors without a model: uniform, prior, majority, human and human-smoothed.

    ``uniform`` and ``prior`` (class prior of the other speakers) use no vote of the utterance and are judged like a
    model. ``majority`` (ties shared), ``human`` (histogram) and ``human-smoothed`` (Dirichlet posterior mean) use the
    conditioning votes and are judged by the reference votes, averaged over deals; against human votes only by the
    scores that are linear in them, because divergences from a histogram increase as its number of votes decreases.
    """
    u, c = judges.counts.shape
    constant = {"uniform": np.full((1, u, c), 1 / c), "prior": judges.prior[None]}
    columns = []
    for name, p in constant.items():
        columns += prediction_columns((NO_MODEL, name, "none"), p, judges, floor, truth=truth)
    has_votes = judges.conditioning.sum(axis=-1) > 0
    given = np.where(has_votes[..., None], judges.conditioning, 1.0)
    readers = {
        "majority": (modes(given), has_votes),
        "human": (given / given.sum(axis=-1, keepdims=True), has_votes),
        "human-smoothed": (posterior_mean(judges.conditioning, judges.concentration), np.ones_like(has_votes)),
    }
    judged = judges.reference.sum(axis=-1) > 0
    votes = np.where(judged[..., None], judges.reference, 1.0)
    for name, (p, usable) in readers.items():
        scored = [("human", scores(p, votes, floor, PER_VOTE), usable & judged)]
        if truth is not None:
            scored.append(("truth", scores(p, truth, floor), usable))
        for reference, values, mask in scored:
            for metric, dealt in values.items():
                strata = {"all": over_deals(dealt, mask)} | by_level(dealt, judges.level, mask)
                for stratum, (mean, weight) in strata.items():
                    weight = (weight > 0) * 1.0 if stratum == "all" else weight  # utterances weigh equally
                    columns.append(Column((NO_MODEL, name, "none"), stratum, metric, reference, mean, weight))
        columns += _reader_columns(name, p, usable, judges, votes, judged, floor)
    return columns


def _reader_columns(
    name: str, p: np.ndarray, usable: np.ndarray, judges: Judges, votes: np.ndarray, judged: np.ndarray, floor: float
) -> list[Column]:
    """Score a predictor (D, U, C) that uses conditioning votes in the further strata, by reference votes only."""

    def against(_: np.ndarray) -> dict[str, np.ndarray]:
        return scores(p, votes, floor, PER_VOTE)

    return stratum_columns((NO_MODEL, name, "none"), judges, {"human": against}, usable & judged)
