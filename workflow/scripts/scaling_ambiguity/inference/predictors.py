"""What any predictor of a distribution is worth in human votes: one set of utterances, one curve, one interval."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling_ambiguity.inference.arrangement import Arrangement
from scaling_ambiguity.inference.exchange import equivalent_votes
from scaling_ambiguity.inference.exchange_losses import HUMAN, WHOLE, ExchangeLosses, Key
from scaling_ambiguity.inference.exchange_predictors import SURE
from scaling_ambiguity.inference.exchange_rows import value_row
from scaling_ambiguity.labels.counting import frequencies
from scaling_ambiguity.labels.pooling import majority_shares
from scaling_ambiguity.metrics.catalogue import SCORES
from scaling_ambiguity.seeds import generator
from scaling_ambiguity.tables.statistics import THESE

Array: TypeAlias = NDArray[np.float64]
SIMILARITIES = ("jsd_bits", "bhattacharyya")  # to the shares of all human votes, beside the NLL
STRATEGY = "strategy"  # labels of a strategy at test time; the model is its submission, the augmentation its name
GENUINE = "genuine"  # votes of the same raters, set apart from the curve: their worth is their number


@dataclass(frozen=True)
class Predictor:
    """A predictor of the distribution of votes.

    Attributes:
        model, labels, augmentation: What the statistics table calls it.
        p: (U, C) its distributions, or None.
        pool: (D, U, C) its votes in each deal, or None; they count with one fitted weight per vote.
        votes: Number of its votes; infinite for a distribution.
    """

    model: str
    labels: str
    augmentation: str = "none"
    p: Array | None = None
    pool: Array | None = None
    votes: float = np.inf

    @property
    def identity(self) -> dict[str, Any]:
        """Columns of the statistics table that identify it."""
        names = {"model": self.model, "labels": self.labels, "augmentation": self.augmentation}
        return names | {"votes": self.votes}


def value_predictors(
    world: Arrangement, predictors: list[Predictor], beside: int, settings: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return rows of the statistics table about every predictor.

    Metrics: ``nll`` (nats per vote), ``equivalent_votes``, ``gain_k{beside}`` and ``net_gain_k{beside}`` (human votes
    that the predictor, with the weight fitted on other speakers, brings over ``beside`` human votes, and the same less
    what an echo of these brings), ``jsd_bits`` and ``bhattacharyya`` to the shares of all human votes, and ``rank`` by
    NLL with its percentile interval over resampled speakers. The rows of ``human`` are the NLL of the curve.

    Args:
        world: U utterances in D deals.
        predictors: At least one.
        beside: Human votes that a predictor is added to, 0 < ``beside`` < the end of the curve; 0: none.
        settings: ``resamples``, ``seed``, ``level`` and ``method`` of intervals.
    """
    losses = ExchangeLosses(world, {WHOLE: None}, across=False)
    alone, added = [], []
    for number, predictor in enumerate(predictors):
        key: Key = (f"predictor {number}", 0, predictor.votes)
        losses.add(key, _votes(world, predictor))
        alone.append(key)
        if beside:
            pool = predictor.pool if predictor.pool is not None else _in_every_deal(world, predictor)
            added.append((key[0], beside, key[2]))
            losses.add(added[-1], world.weigh(pool, beside)[0])
    echo = ("echo", beside, 1)
    if beside:
        losses.add(echo, world.weigh(majority_shares(world.human(beside)), beside)[0])
    interval, weights = losses.interval(WHOLE, settings), np.ones(len(world.speakers))
    curve = losses.columns(WHOLE, losses.people())
    row_key: dict[str, Any] = {"stratum": WHOLE, "population": THESE, "reference": "human"}
    row_key |= {"n": len(world.speakers), "n_clusters": len(set(world.speakers))}
    rows = _means(curve, interval, [{"labels": HUMAN, "metric": "nll", "votes": k} for k in range(curve.shape[1])])
    nll = losses.columns(WHOLE, alone)
    columns = [("nll", nll), *_similarities(world, predictors)]
    for metric, values in columns:
        rows += _means(values, interval, [p.identity | {"metric": metric} for p in predictors])
    rows = [row | {"method": settings["method"]} for row in rows]
    readings = [(alone, nll, "")]
    if beside:
        joined = losses.columns(WHOLE, added)
        net = joined + curve[:, [beside]] - losses.columns(WHOLE, [echo])
        readings += [(added, joined, ""), (added, net, "net_")]
    for keys, values, prefix in readings:
        worths = equivalent_votes(curve, values, interval, weights)
        for predictor, key, worth in zip(predictors, keys, worths, strict=True):
            row = value_row(key, worth, world.largest)
            rows.append(row | predictor.identity | {"metric": prefix + row["metric"], "method": "test_inversion"})
    ranks = rank_intervals(nll, world.speakers, settings)
    for predictor, (rank, low, high) in zip(predictors, ranks, strict=True):
        rank_row = {"metric": "rank", "estimate": rank, "low": low, "high": high, "method": "percentile"}
        rows.append(predictor.identity | rank_row)
    return [row_key | row for row in rows]


def value_rulers(world: Arrangement, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what 1, 2, ... votes of the same raters are worth that were set apart in front of the curve.

    ``world.start`` votes are set apart; their equivalent votes have to be their number.
    """
    losses = ExchangeLosses(world, {WHOLE: None}, across=False)
    keys: list[Key] = [(GENUINE, 0, k) for k in range(1, world.start + 1)]
    for key in keys:
        losses.add(key, world.dealt.between(0, int(key[2])))
    curve, nll = losses.columns(WHOLE, losses.people()), losses.columns(WHOLE, keys)
    worths = equivalent_votes(curve, nll, losses.interval(WHOLE, settings), np.ones(len(world.speakers)))
    row_key: dict[str, Any] = {"stratum": WHOLE, "population": THESE, "reference": "truth", "model": "none"}
    row_key |= {"method": "test_inversion", "n": len(world.speakers), "n_clusters": len(set(world.speakers))}
    return [row_key | value_row(key, worth, world.largest) for key, worth in zip(keys, worths, strict=True)]


def rank_intervals(losses: Array, speakers: NDArray, settings: dict[str, Any]) -> list[tuple[float, float, float]]:
    """Return the rank of each predictor by mean loss, 1 the best, and its percentile interval.

    Args:
        losses: (U, P) of each utterance and predictor.
        speakers: (U,); whole speakers are resampled.
        settings: ``resamples``, ``seed`` and ``level``.

    Returns:
        (rank, low, high) of each predictor; the ends NaN with fewer than two speakers. Ties share their mean rank.
    """
    names, cluster = np.unique(speakers, return_inverse=True)
    sums = np.zeros((len(names), losses.shape[1]))
    np.add.at(sums, cluster, losses)
    sizes = np.bincount(cluster).astype(float)
    ranks = _ranks(sums.sum(axis=0, keepdims=True) / sizes.sum())[0]
    if len(names) < 2:
        return [(float(rank), np.nan, np.nan) for rank in ranks]
    random = generator(settings["seed"], "ranks of predictors")
    drawn = random.multinomial(len(names), np.full(len(names), 1 / len(names)), size=settings["resamples"])
    resampled = _ranks((drawn @ sums) / (drawn @ sizes)[:, None])
    tail = (1 - settings["level"]) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail], axis=0, method="inverted_cdf")
    return [(float(r), float(a), float(b)) for r, a, b in zip(ranks, low, high, strict=True)]


def _ranks(means: Array) -> Array:
    """Return the ranks of each row's means, (R, P)."""
    below = (means[:, None, :] < means[:, :, None]).sum(axis=2)
    equal = (means[:, None, :] == means[:, :, None]).sum(axis=2)
    return below + (equal + 1) / 2


def _in_every_deal(world: Arrangement, predictor: Predictor) -> Array:
    assert predictor.p is not None, f"{predictor.model}: neither votes nor a distribution"
    return np.broadcast_to(predictor.p, (world.dealt.shape[0], *predictor.p.shape))


def _votes(world: Arrangement, predictor: Predictor) -> Array:
    """Return the votes (D, U, C) that a predictor counts as: a distribution is taken at its word."""
    if predictor.pool is None:
        return SURE * _in_every_deal(world, predictor)
    return world.weigh(predictor.pool, 0)[0]


def _similarities(world: Arrangement, predictors: list[Predictor]) -> list[tuple[str, Array]]:
    """Return JSD and Bhattacharyya coefficient of each predictor to the shares of all human votes, (U, P) each."""
    shares = frequencies(world.dealt.between(0)[0])
    predicted = [world.predict(_votes(world, predictor))[0] for predictor in predictors]
    return [
        (name, np.stack([SCORES[name](p, shares, world.floor) for p in predicted], axis=1)) for name in SIMILARITIES
    ]


def _means(values: Array, interval: Any, keys: list[dict[str, Any]]) -> list[dict[str, Any]]:
    intervals = interval(values)
    return [key | intervals.row(i) for i, key in enumerate(keys)]
