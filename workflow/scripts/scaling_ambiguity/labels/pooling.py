"""Label distributions from human and synthetic votes: the pools, and their controls.

Everything fitted for an utterance comes from other speakers of the same test part, so the label of
a training utterance never depends on a vote of the speakers that its fold is tested on.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.labels.calibrating import calibrate
from scaling_ambiguity.labels.counting import frequencies
from scaling_ambiguity.labels.dirichlet import fit_dirichlet_multinomial, posterior_mean
from scaling_ambiguity.labels.others import Others, from_others, speaker_blocks
from scaling_ambiguity.labels.weighting import fit_weight, leave_one_out
from scaling_ambiguity.seeds import uniform

Array: TypeAlias = NDArray[np.float64]


def equal(human: Array, synthetic: Array) -> Array:
    """Concatenation, (h_c + s_c) / sum(h + s): every vote equal (arXiv 2601.14620). (U, C) -> (U, C)."""
    return frequencies(human + synthetic)


def weighted(human: Array, synthetic: Array, speakers: NDArray, parts: NDArray[np.intp]) -> tuple[Array, Array]:
    """(h_c + w s_c + a_c) / sum, with w >= 0 and a from the other speakers of the same test part.

    a is the Dirichlet-multinomial fit to their human votes; w maximises the likelihood of each of
    their human votes, predicted from the utterance's other human votes and its synthetic ones.

    Args:
        human: (U, C) human votes.
        synthetic: (U, C) synthetic votes.
        speakers: (U,) speakers.
        parts: (U,) fold in which the utterance is tested, -1 if in none.

    Returns:
        labels (U, C), and the weight (U,) of a synthetic vote in each.

    Raises:
        UserError: a test part with a single speaker.
    """
    labels, weights = np.empty_like(human), np.empty(len(human))
    for part in np.unique(parts):
        rows = np.flatnonzero(parts == part)
        h, s, blocks = human[rows], synthetic[rows], speaker_blocks(speakers[rows], f"test part {part}")
        evidence = leave_one_out(h, s, blocks)
        for block in range(int(blocks.max()) + 1):
            a = fit_dirichlet_multinomial(h[blocks != block])
            mine = rows[blocks == block]
            weights[mine] = fit_weight(evidence, a, without=block)
            labels[mine] = posterior_mean(human[mine] + weights[mine, None] * synthetic[mine], a)
    return labels, weights


def calibrated(human: Array, synthetic: Array, speakers: NDArray, parts: NDArray[np.intp]) -> tuple[Array, Array]:
    """(h_c + sum_d s_d M_dc + b_c) / sum, M (C, C) >= 0 and b from other speakers of the same test part.

    M and b predict each of their human votes from the utterance's other human votes and its synthetic ones; see
    :mod:`calibrating`. Arguments and errors as in :func:`weighted`; returns labels (U, C), and the human votes (U,)
    that a synthetic vote adds, the mean row sum of M.
    """
    labels, worth = np.empty_like(human), np.empty(len(human))
    for part in np.unique(parts):
        rows = np.flatnonzero(parts == part)
        h, s, blocks = human[rows], synthetic[rows], speaker_blocks(speakers[rows], f"test part {part}")
        # one layer per class: the votes left when one for that class is taken away, to be predicted
        one = np.eye(h.shape[1])[:, None]
        targets = one * frequencies(h)
        others = Others(blocks, h, blocks)
        calibration = calibrate(np.maximum(h - one, 0.0), np.broadcast_to(s, targets.shape), targets, others)
        labels[rows] = frequencies(np.add(*calibration.votes(h, s)))
        worth[rows] = calibration.m.mean(axis=1).sum(axis=-1)[calibration.folds]
    return labels, worth


def dirichlet(
    human: Array, synthetic: Array, speakers: NDArray, parts: NDArray[np.intp], level: float = 0.95
) -> tuple[Array, Array, Array]:
    """Posterior mean (h_c + s_c / m + a_c) / sum and its credible band: all m draws of an ALM are one vote.

    The posterior is Dirichlet(h + s / m + a), a as in :func:`weighted`; the band is the equal-tailed interval of
    each class' marginal Beta at ``level``. Returns mean, low and high, (U, C) each, in [0, 1].

    Raises:
        UserError: a test part with a single speaker.
    """
    mean, low, high = (np.empty_like(human) for _ in range(3))
    votes = human + np.where(synthetic.sum(axis=-1, keepdims=True) > 0, frequencies(synthetic), 0.0)
    tails = (1 - level) / 2, (1 + level) / 2
    for part in np.unique(parts):
        rows = np.flatnonzero(parts == part)
        blocks = speaker_blocks(speakers[rows], f"test part {part}")
        shape = votes[rows] + from_others(human[rows], blocks, fit_dirichlet_multinomial)
        rest = shape.sum(axis=-1, keepdims=True) - shape
        mean[rows] = frequencies(shape)
        low[rows], high[rows] = (betaincinv(shape, rest, tail) for tail in tails)
    return mean, low, high


def with_prior(human: Array, speakers: NDArray, parts: NDArray[np.intp]) -> Array:
    """Control: the posterior mean alone, (h_c + a_c) / (N + sum a), no synthetic vote; else as :func:`weighted`."""
    labels = np.empty_like(human)
    for part in np.unique(parts):
        rows = np.flatnonzero(parts == part)
        blocks = speaker_blocks(speakers[rows], f"test part {part}")
        labels[rows] = posterior_mean(human[rows], from_others(human[rows], blocks, fit_dirichlet_multinomial))
    return labels


def majority_shares(votes: Array) -> Array:
    """Return the majority of each utterance's votes as a distribution, ties shared; (..., C) -> (..., C)."""
    top = votes == votes.max(axis=-1, keepdims=True)
    return top / top.sum(axis=-1, keepdims=True)


def with_echo(human: Array, synthetic: Array) -> Array:
    """Control: the utterance's own majority repeated as often as it has synthetic votes, ties shared.

    (U, C), (U, C) -> (U, C). It adds no information: a gain over `human` that it shares is not a real gain.
    """
    return frequencies(human + synthetic.sum(axis=-1, keepdims=True) * majority_shares(human))


def shuffle_within(parts: NDArray[np.intp], utterances: list[str], seed: int) -> NDArray[np.intp]:
    """Return for each utterance another one of the same test part, (U,), each used once.

    The utterances of a part form a circle in hashed order; each gets its successor.

    Raises:
        UserError: a part with a single utterance.
    """
    keys = np.array([uniform(seed, "shuffled votes", name) for name in utterances])
    chosen = np.empty(len(parts), dtype=np.intp)
    for part in np.unique(parts):
        rows = np.flatnonzero(parts == part)
        if len(rows) < 2:
            raise UserError(
                f"test part {part}: {utterances[rows[0]]} is the only utterance with enough votes, so that its "
                "synthetic votes cannot be exchanged for another's (control `shuffled`). Use fewer folds, or more "
                "utterances with two or more human votes."
            )
        circle = rows[np.argsort(keys[rows], kind="stable")]
        chosen[circle] = np.roll(circle, -1)
    return chosen
