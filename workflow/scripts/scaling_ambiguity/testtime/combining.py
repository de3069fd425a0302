"""Weights of candidates, and the distribution that weighted candidates make."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]
TIE = 1e-12


@dataclass(frozen=True)
class Combined:
    """Predictions of a strategy on U utterances.

    Attributes:
        q: (U, C) distributions.
        weights: (U, K) of the candidates, summing to 1; 0 everywhere in a row without a usable candidate. None where
            the prediction is no weighted mean of candidates.
        considered: (U, K) the candidates that the strategy could have chosen; the plain mean of these is its rival.
        fallback: (U,) whether no candidate was usable, so that the prediction is the class prior of other speakers.
        undecided: (U,) whether there was nothing to tell the candidates apart, so that they weigh equally.
    """

    q: Array
    weights: Array | None
    considered: Mask
    fallback: Mask
    undecided: Mask


def equal_weights(mask: Mask) -> Array:
    """Return 1 / n on each of the n candidates of a row in ``mask`` (..., K), 0 elsewhere; 0 in a row without any."""
    number = mask.sum(axis=-1, keepdims=True)
    return mask / np.maximum(number, 1)


def top_weights(values: Array, mask: Mask, *, share_ties: bool) -> Array:
    """Return weight 1 on the largest value of each row.

    Args:
        values: (U, K); NaN never wins.
        mask: (U, K) candidates that may win.
        share_ties: Whether tied candidates share the weight; otherwise the first of them has it.
    """
    usable = mask & np.isfinite(values)
    filled = np.where(usable, values, -np.inf)
    top = usable & (filled >= filled.max(axis=-1, keepdims=True, initial=-np.inf) - TIE)
    if not share_ties:
        top &= np.cumsum(top, axis=-1) == 1
    return equal_weights(top)


def softmax_weights(values: Array, mask: Mask, tau: ArrayLike) -> Array:
    """Return exp(v_b / tau) / sum_a exp(v_a / tau) over the candidates of each row.

    Args:
        values: (U, K); a candidate with NaN has no weight.
        mask: (U, K) candidates that may have weight.
        tau: Scalar or (U,), in [0, inf]; 0 is the largest value (ties share), inf the plain mean.
    """
    tau = np.broadcast_to(np.asarray(tau, dtype=np.float64), values.shape[:1])[:, None]
    usable = mask & np.isfinite(values)
    peak = np.where(usable, values, -np.inf).max(axis=-1, keepdims=True, initial=-np.inf)
    below = np.where(usable, values - np.where(np.isfinite(peak), peak, 0.0), -np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = np.where(below >= -TIE, 0.0, below / tau)  # 0 / 0 is a tie at the top
        raised = np.where(usable, np.where(np.isinf(tau), 1.0, np.exp(scaled)), 0.0)
    total = raised.sum(axis=-1, keepdims=True)
    return np.divide(raised, total, out=np.zeros_like(raised), where=total > 0)


def mixed(weights: Array, q: Array) -> Array:
    """Return sum_b w_b q_b; weights (U, K), q (U, K, C) -> (U, C)."""
    return (weights[:, None, :] @ q)[:, 0, :]


def combine(weights: Array, q: Array, considered: Mask, prior: Array) -> Combined:
    """Return the weighted mean of candidates; equal weights where there are none, the prior where no candidate is.

    Args:
        weights: (U, K), summing to 1 or 0 in each row.
        q: (U, K, C).
        considered: (U, K) the candidates that could have had weight.
        prior: (U, C) class prior of other speakers.
    """
    fallback = ~considered.any(axis=1)
    undecided = (weights.sum(axis=1) == 0) & ~fallback
    weights = np.where(undecided[:, None], equal_weights(considered), weights)
    p = np.where(fallback[:, None], prior, mixed(weights, q))
    return Combined(p / p.sum(axis=1, keepdims=True), weights, considered, fallback, undecided)
