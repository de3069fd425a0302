"""What a verifier's score is worth, and its habits."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from scaling_ambiguity.metrics.divergences import entropy_bits
from scaling_ambiguity.testtime.pool import Pool, Verdicts

Array: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]


def within_spearman(scores: Array, losses: Array, mask: Mask) -> Array:
    """Return Spearman's correlation of score and -loss over the candidates of each utterance, (U,), in [-1, 1].

    NaN where fewer than two candidates count, or either side is constant. Losses to a histogram of few votes hide part
    of it: a score of planted quality .6 has .43 against the truth and .29 against nine votes.

    Args:
        scores: (U, K).
        losses: (U, K).
        mask: (U, K) candidates that count.
    """
    usable = mask & np.isfinite(scores) & np.isfinite(losses)
    correlation = np.full(len(scores), np.nan)
    number = usable.sum(axis=1)
    for n in np.unique(number[number > 1]):
        row = np.flatnonzero(number == n)
        take = np.nonzero(usable[row])
        a, b = (rankdata(x[row][take].reshape(-1, n), axis=1) for x in (scores, -losses))
        a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
        size = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
        correlation[row] = np.divide((a * b).sum(axis=1), size, out=np.full(len(row), np.nan), where=size > 0)
    return correlation


def answered_shares(verdicts: Verdicts) -> dict[str, float]:
    """Return ``picked_share`` of the orders shown, and ``scored_share`` of the candidates shown, in [0, 1].

    0 means that there is none, whether or not it was asked for one; NaN that nothing was shown.
    """
    picked = verdicts.picks >= 0
    asked = picked if verdicts.asked is None else verdicts.asked
    scored = np.isfinite(verdicts.scores) & verdicts.shown
    return {
        "picked_share": float(picked.sum() / asked.sum()) if asked.any() else np.nan,
        "scored_share": float(scored.sum() / verdicts.shown.sum()) if verdicts.shown.any() else np.nan,
    }


def order_flips(verdicts: Verdicts) -> float:
    """Return how often two orders of one utterance name different candidates, in [0, 1]; NaN without two orders."""
    picks = verdicts.picks
    differ, pairs = 0, 0
    for a in range(picks.shape[1]):
        for b in range(a + 1, picks.shape[1]):
            both = (picks[:, a] >= 0) & (picks[:, b] >= 0)
            differ += int((picks[both, a] != picks[both, b]).sum())
            pairs += int(both.sum())
    return differ / pairs if pairs else float("nan")


def first_place_bias(verdicts: Verdicts) -> float:
    """Return the share of picks at the first place less 1 / B, the share without a bias; NaN where not recorded.

    B is the mean number of candidates shown. It is free of the candidates' quality only where every candidate stands
    first equally often, as in a Latin square.
    """
    if verdicts.places is None or not (verdicts.places >= 0).any():
        return float("nan")
    made = verdicts.places >= 0
    shown = np.broadcast_to(verdicts.shown.sum(axis=1)[:, None], made.shape)
    return float((verdicts.places[made] == 0).mean() - (1 / shown[made]).mean())


def slope_given_quality(verdicts: Verdicts, losses: Array, habit: Array, mask: Mask) -> float:
    """Return the change of the score per unit of ``habit`` at equal loss, within utterances; NaN without variation.

    Least squares of score on loss and habit after the means of each utterance are taken off. With the number of
    tokens as habit it is the length bias, with the entropy of the candidate the preference for flat answers.

    Args:
        verdicts: The verifier's.
        losses: (U, K) divergence of the candidates to held-out votes.
        habit: (U, K).
        mask: (U, K) candidates that count.
    """
    usable = mask & np.isfinite(verdicts.scores) & np.isfinite(losses) & np.isfinite(habit)
    columns = [_centred(values, usable) for values in (verdicts.scores, losses, habit)]
    y, *x = (column[usable] for column in columns)
    design = np.stack(x, axis=1)
    if not len(y) or np.linalg.matrix_rank(design) < 2:
        return float("nan")
    return float(np.linalg.lstsq(design, y, rcond=None)[0][1])


def candidate_entropy(pool: Pool) -> Array:
    """Return the entropy of each candidate in bits, (U, K); NaN without a distribution."""
    values = np.full(pool.valid.shape, np.nan)
    values[pool.valid] = entropy_bits(pool.q[pool.valid])
    return values


def _centred(values: Array, usable: Mask) -> Array:
    filled = np.where(usable, values, 0.0)
    return np.where(usable, filled - (filled.sum(axis=1) / np.maximum(usable.sum(axis=1), 1))[:, None], 0.0)
