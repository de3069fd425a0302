"""Scores of synthetic votes, floors and ceilings against held-out human votes, deal by deal."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from scaling_ambiguity.inference.correlation import pearson_moments
from scaling_ambiguity.inference.draws import first_counts, random_ranks
from scaling_ambiguity.labels.counting import frequencies
from scaling_ambiguity.labels.dirichlet import posterior_mean
from scaling_ambiguity.metrics import divergences
from scaling_ambiguity.metrics.arrays import histogram, modes
from scaling_ambiguity.metrics.classification import accuracy
from scaling_ambiguity.metrics.divergences import entropy_bits
from scaling_ambiguity.metrics.scores import brier, nll_votes

Array = NDArray[np.float64]
Metric = Callable[[Array, Array], Array]


def vote_metrics(floor: float) -> dict[str, Metric]:
    """Return every metric of a prediction against held-out votes: (p, counts), (..., C) each -> (...)."""
    return {
        "nll": lambda p, counts: nll_votes(p, counts, floor),
        "brier": brier,
        "jsd_bits": lambda p, counts: divergences.jsd_bits(p, histogram(counts)),
        "js_distance": lambda p, counts: divergences.js_distance(p, histogram(counts)),
        "bhattacharyya": lambda p, counts: divergences.bhattacharyya(p, histogram(counts)),
        "kl_bits": lambda p, counts: divergences.kl_bits(histogram(counts), p, floor),
        "total_variation": lambda p, counts: divergences.total_variation(p, histogram(counts)),
        "cosine": lambda p, counts: divergences.cosine(p, histogram(counts)),
        "entropy_gap": lambda p, counts: divergences.entropy_gap(p, histogram(counts)),
        "accuracy": accuracy,
        "r2_within": lambda p, counts: divergences.r2_within(p, histogram(counts)),
    }


def floors_and_ceilings(conditioning: Array, prior: Array, a: Array) -> dict[str, Array]:
    """Return the predictions without any synthetic vote, by name, each (deals, U, C) or broadcastable to it.

    conditioning (deals, U, C) human votes; prior (U, C) class prior and a (U, C) Dirichlet parameters,
    both from other speakers.
    """
    return {
        "uniform": np.full((1, 1, prior.shape[-1]), 1 / prior.shape[-1]),
        "prior": prior[None],
        "majority": modes(conditioning),
        "human": histogram(conditioning),
        "human-smoothed": posterior_mean(conditioning, a),
    }


def matched_draws(table: NDArray, keys: Array, conditioning: Array) -> Array:
    """Return as many synthetic votes as there are conditioning votes, drawn anew in each deal.

    table (U, m) class numbers, keys (U, deals, m) in [0, 1), conditioning (deals, U, C) -> (deals, U, C).
    """
    sizes = np.rint(conditioning.sum(axis=-1))  # the weights of a vote with three labels sum to one but for rounding
    return np.stack([
        first_counts(table, random_ranks(table, keys[:, deal]), sizes[deal], conditioning.shape[-1])
        for deal in range(len(sizes))
    ])  # fmt: skip


def score(predictions: dict[str, Array], reference: Array, metrics: dict[str, Metric]) -> dict[tuple[str, str], Array]:
    """Return the values (deals, U) of every (labels, metric) against the reference votes (deals, U, C)."""
    return {
        (labels, name): np.broadcast_to(metric(np.broadcast_to(p, reference.shape), reference), reference.shape[:2])
        for labels, p in predictions.items()
        for name, metric in metrics.items()
    }


def over_deals(values: Array, mask: NDArray[np.bool_] | None) -> tuple[Array, Array]:
    """Average (deals, U) values over the deals of ``mask``: means (U,), 0 where none, and weights (U,) in [0, 1].

    An utterance that is of a level in a third of the deals counts a third there.
    """
    if mask is None:
        return values.mean(axis=0), np.ones(values.shape[1])
    count = mask.sum(axis=0)
    return np.where(mask, values, 0.0).sum(axis=0) / np.maximum(count, 1), count / len(mask)


def correlation_moments(
    predictions: dict[str, Array], reference: Array, classes: list[str], mask: NDArray[np.bool_] | None
) -> dict[tuple[str, str], Array]:
    """Return moments (U, 6), averaged over deals, of each (labels, correlation) across utterances.

    Correlations: ``pearson_<class>`` of the class' probability and its share of the reference votes;
    ``spearman_<class>``, the same of ranks over the utterances (without mask only: ranks are of the
    whole set); ``entropy_pearson`` of the two entropies.
    """
    shares = histogram(reference)
    deals = len(reference)
    weight = 1.0 if mask is None else mask.astype(np.float64)

    def moments(x: Array, y: Array) -> Array:
        return pearson_moments(x, y, weight).sum(axis=0) / deals

    found: dict[tuple[str, str], Array] = {}
    ranks = {c: rankdata(shares[..., i], axis=1) for i, c in enumerate(classes)} if mask is None else {}
    for labels, p in predictions.items():
        whole = np.broadcast_to(p, reference.shape)
        for i, c in enumerate(classes):
            found[labels, f"pearson_{c}"] = moments(whole[..., i], shares[..., i])
            if ranks:
                found[labels, f"spearman_{c}"] = moments(rankdata(whole[..., i], axis=1), ranks[c])
        found[labels, "entropy_pearson"] = moments(entropy_bits(frequencies(whole)), entropy_bits(shares))
    return found
