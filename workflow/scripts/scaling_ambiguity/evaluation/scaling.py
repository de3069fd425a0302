"""Predictions at a fitted temperature, which tell differences between models from those in sharpness.

That is p^(1/T), normalised, with the T of least NLL (Guo et al., ICML 2017, arXiv 1706.04599). Speakers are cut into
ten groups; T of a group is fitted on the test utterances of the other nine, so that no vote on a scored speaker enters
it directly. (The models that predict those utterances learned from such votes; one number cannot carry them over.)
Intervals hold T fixed. Predictions that say next to nothing have a T at one of the bounds.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

from scaling_ambiguity.evaluation.columns import Column
from scaling_ambiguity.evaluation.judges import Judges
from scaling_ambiguity.evaluation.predictions import Condition
from scaling_ambiguity.evaluation.scores import scores
from scaling_ambiguity.metrics.arrays import Array

SCALED = "_scaled"
MEASURED = ("nll", "jsd_bits")  # each with a metric of its own name and SCALED
COLDEST, HOTTEST = 0.05, 20.0
GROUPS = 10


def fitted_temperature(log_p: Array, shares: Array) -> float:
    """Return the T within ``COLDEST`` and ``HOTTEST`` of least mean NLL of ``shares`` (U, C) given ``log_p / T``.

    The loss is convex in 1 / T. Predictions that do not depend on the class leave T undefined: 1 is returned.
    """
    centred = log_p - (shares * log_p).sum(axis=1, keepdims=True)
    if np.ptp(log_p, axis=1).max() < 1e-9:
        return 1.0

    def loss(log_temperature: float) -> float:
        return float(logsumexp(centred * np.exp(-log_temperature), axis=1).mean())

    ends = (np.log(COLDEST), np.log(HOTTEST))
    return float(np.exp(minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-4}).x))


def temperatures(p: Array, counts: Array, clusters: np.ndarray, floor: float) -> Array:
    """Return the temperature of each training and utterance, (seeds, U); 1 where there is one speaker alone.

    Args:
        p: Predictions, (seeds, U, C).
        counts: Human votes, (U, C), some of every utterance.
        clusters: Speakers, (U,).
        floor: Smallest probability in logarithms.
    """
    shares = counts / counts.sum(axis=1, keepdims=True)
    speakers, speaker = np.unique(clusters, return_inverse=True)
    group = speaker % min(GROUPS, len(speakers))
    fitted = np.ones(p.shape[:2])
    for seed, one in enumerate(np.log(np.maximum(p, floor))):
        for number in range(group.max() + 1) if len(speakers) > 1 else ():
            others = group != number
            fitted[seed, ~others] = fitted_temperature(one[others], shares[others])
    return fitted


def raised(p: Array, power: ArrayLike, floor: float) -> Array:
    """Return p^power normalised, p floored first; below 1 flatter (a temperature of 1 / power), above 1 sharper.

    Args:
        p: (..., C).
        power: Scalar or (...); 1 leaves p as it is.
        floor: Smallest probability, above 0.
    """
    power = np.broadcast_to(np.asarray(power, dtype=np.float64), p.shape[:-1])[..., None]
    values = np.maximum(p, floor) ** power
    return np.where(power == 1, p, values / values.sum(axis=-1, keepdims=True))


def scaled_columns(condition: Condition, p: Array, judges: Judges, floor: float) -> tuple[list[Column], float]:
    """Return the scores of a model's predictions (seeds, U, C) at their temperatures, means over seeds, and the mean T.

    They are judged overall by all human votes.
    """
    fitted = temperatures(p, judges.counts, judges.clusters, floor)
    values = [scores(one, judges.counts, floor, MEASURED) for one in raised(p, 1 / fitted, floor)]
    means = {metric + SCALED: np.mean([one[metric] for one in values], axis=0) for metric in MEASURED}
    columns = [Column(condition, "all", metric, "human", mean, np.ones(len(mean))) for metric, mean in means.items()]
    return columns, float(fitted.mean())
