"""Losses of single reference votes: one value per utterance and rater, so that raters can be resampled too.

Only losses that are linear in the reference votes (NLL, Brier) are sums over votes.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling_ambiguity.labels.counting import DealtVotes
from scaling_ambiguity.tables.roles import ROLE_NAMES

Array: TypeAlias = NDArray[np.float64]
REFERENCE = ROLE_NAMES.index("reference")
DIFFERENCES = ("prior", "human-smoothed")  # baselines of the smoothed synthetic votes, pair by pair


def nll_of_classes(p: Array, floor: float) -> Array:
    """Return the loss of a vote for each class, -log p_c in nats, p (..., C) floored at ``floor`` and renormalised."""
    raised = np.maximum(p, floor)
    return -np.log(raised / raised.sum(axis=-1, keepdims=True))


def brier_of_classes(p: Array) -> Array:
    """Return the Brier loss of a vote for each class c, sum_k (p_k - [k = c])^2, in [0, 2]; (..., C) -> (..., C)."""
    return (p**2).sum(axis=-1, keepdims=True) - 2 * p + 1


def vote_losses(
    dealt: DealtVotes,
    chosen: Callable[[int], NDArray[np.bool_]],
    losses: list[Array] | Callable[[int], list[Array]],
    mask: NDArray[np.bool_] | None = None,
) -> tuple[Array, Array]:
    """Average the loss of every entry of ``dealt`` over the deals in which it is a reference vote.

    An utterance's reference votes share a weight of 1 in each deal, so that a weighted mean of the
    result over entries is the mean over deals and utterances of an utterance's loss.

    Args:
        dealt: The human votes in every deal, V entries.
        chosen: Which entries are reference votes in a deal, (V,).
        losses: P arrays (deals or 1, U, C), the loss of a vote for each class; or a function of the deal that
            returns P arrays (U, C), so that one deal is in memory at a time.
        mask: (deals, U), utterances that count in a deal, e.g. of one level; default all.

    Returns:
        values (V, P), 0 where an entry is never chosen, and weights (V,), shares of deals.
    """
    deals = dealt.shape[0]
    weights, totals = np.zeros(len(dealt.label)), None
    for deal in range(deals):
        used = chosen(deal)
        if mask is not None:
            used = used & mask[deal][dealt.utterance]
        rows = np.flatnonzero(used)
        item, label, weight = dealt.utterance[rows], dealt.label[rows], dealt.weight[rows]
        share = weight / np.bincount(item, weight, minlength=dealt.shape[1])[item] / deals
        weights[rows] += share
        here = losses(deal) if callable(losses) else [loss[deal if len(loss) > 1 else 0] for loss in losses]
        totals = np.zeros((len(weights), len(here))) if totals is None else totals
        for column, loss in enumerate(here):
            totals[rows, column] += share * loss[item, label]
    return np.divide(totals, weights[:, None], out=np.zeros_like(totals), where=weights[:, None] > 0), weights
