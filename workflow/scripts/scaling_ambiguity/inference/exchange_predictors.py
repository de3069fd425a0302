"""The predictors that the exchange rate values: synthetic votes in three variants, and proxies of known worth."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling_ambiguity.inference.draws import fresh_votes
from scaling_ambiguity.inference.exchange import Weights
from scaling_ambiguity.inference.exchange_losses import ExchangeLosses
from scaling_ambiguity.labels.calibrating import Calibration
from scaling_ambiguity.labels.pooling import shuffle_within, with_echo

Array: TypeAlias = NDArray[np.float64]
PROFILE = (0.05, 0.15, 0.5, 1.5)  # number of human votes that all synthetic votes together count as
SURE = 1e9  # votes, for a distribution taken as exact
MOST_FRESH = 3  # votes of fresh raters, and latent draws, of known worth
CALIBRATION_DEALS = 10  # deals used to fit a calibration combined with human votes
FittedWeights = dict[tuple[str, int, float], Weights]


def add_synthetic(losses: ExchangeLosses, pools: Callable[[int], Array], sizes: list[int]) -> FittedWeights:
    """Add the m synthetic votes unweighted, weighted and calibrated, alone and combined with k human votes.

    Combined with k human votes: weighted at every m; calibrated, and the controls ``echo`` and ``calibrated-echo`` (the
    majority of the k human votes repeated m times), at the largest m.

    Args:
        losses: Receives the predictors.
        pools: m -> (D, U, C) synthetic votes.
        sizes: Numbers m, ascending.

    Returns:
        The fitted weights.
    """
    world, penalties = losses.world, None
    weights: FittedWeights = {}
    losses.add_calibrated_ruler()
    for m in reversed(sizes):
        pool, last = pools(m), m == sizes[-1]
        losses.add(("as_pooled", 0, m), pool, across=last)
        for k in range(world.largest):
            weights["weighted", k, m] = add_weighted(losses, ("weighted", k, m), pool, across=last)
        for k in range(world.largest if last else 1):
            # the annotator's confusions are learnt once, at the largest m, for each fold of speakers
            fitted = add_calibrated(losses, ("calibrated", k, m), pool, penalties=penalties, across=last and k == 0)
            penalties, row_sum = fitted.penalties, fitted.row_sum
            weights["calibrated", k, m] = Weights(np.full(len(world.prior), row_sum), row_sum, np.nan, np.nan)
        for k in range(1, world.largest if last else 1):
            repeated = with_echo(world.human(k), pool) * (k + m) - world.human(k)
            losses.add(("echo", k, m), world.weigh(repeated, k)[0], coarse=True)
            add_calibrated(losses, ("calibrated-echo", k, m), repeated, penalties=penalties, coarse=True)
    return weights


def add_calibrated(
    losses: ExchangeLosses, key: tuple[str, int, float], pool: Array, *, penalties: Array | None = None,
    across: bool = False, coarse: bool = False,
) -> Calibration:  # fmt: skip
    """Add k human votes and synthetic ones, each through a matrix of its own, and return the matrices."""
    k = key[1]
    deals = slice(0, CALIBRATION_DEALS) if k else slice(None)
    votes, fitted = losses.world.calibrated_beside(pool, k, deals=deals, penalties=penalties)
    losses.add(key, votes, across=across, coarse=coarse)
    return fitted


def add_weighted(losses: ExchangeLosses, key: tuple[str, int, float], pool: Array, *, across: bool = False) -> Weights:
    """Add k human votes plus synthetic ones with the fitted weight; where that may be 0, also with other weights."""
    k = key[1]
    votes, fitted = losses.world.weigh(pool, k)
    losses.add(key, votes, across=across)
    if k == 0 and not fitted.low > 0:
        m = max(float(pool.sum(axis=-1).mean()), 1e-9)
        losses.profile(key, losses.world.human(k), pool, tuple(part / m for part in PROFILE))
    return fitted


def add_read_out(losses: ExchangeLosses, p: Array) -> FittedWeights:
    """Add the annotator's own distribution p (U, C): the limit of infinitely many votes."""
    world = losses.world
    losses.add_calibrated_ruler()
    once = np.broadcast_to(p, (world.dealt.shape[0], *p.shape))
    losses.add(("as_pooled", 0, np.inf), SURE * once)
    row_sum = add_calibrated(losses, ("calibrated", 0, np.inf), once).row_sum
    return {
        ("weighted", 0, np.inf): add_weighted(losses, ("weighted", 0, np.inf), once),
        ("calibrated", 0, np.inf): Weights(np.full(len(world.prior), row_sum), row_sum, np.nan, np.nan),
    }


def add_known(
    losses: ExchangeLosses, v: Array, p: Array, pool: Array | None, m: int, seed: int
) -> set[tuple[str, int, float]]:
    """Add the proxies whose worth is known, and return their keys.

    ``fresh-k``: k votes of fresh raters of the same pool, worth k. ``latent-k``: k draws from the latent
    distribution without any rater's habits, worth more. Where there are synthetic votes, ``noise``, m uniform votes,
    and ``shuffled``, the m synthetic votes of another utterance; both have the fitted weight and are worth 0.

    Args:
        losses: Receives the predictors of its U utterances.
        v: (U, C) expected votes of a rater drawn from the pool.
        p: (U, C) latent distribution.
        pool: (D, U, C) m synthetic votes, or None.
        m: Their number.
        seed: The run's seed.
    """
    world, names, deals = losses.world, losses.world.names, losses.world.dealt.shape[0]
    added: set[tuple[str, int, float]] = set()
    for source, distribution, purpose in (("fresh", v, "fresh raters"), ("latent", p, "latent draws")):
        for k in range(1, min(MOST_FRESH, world.largest) + 1):
            votes = fresh_votes(distribution, names, k, deals, seed, f"{k} {purpose}")
            losses.add((f"{source}-{k}", 0, k), votes, across=source == "fresh")
            added.add((f"{source}-{k}", 0, k))
    if pool is not None:
        other = shuffle_within(np.zeros(len(names), dtype=np.intp), names, seed)
        noise = fresh_votes(np.full_like(v, 1 / v.shape[1]), names, m, deals, seed, "noise")
        for name, votes in (("noise", noise), ("shuffled", pool[:, other])):
            add_weighted(losses, (name, 0, m), votes)
            added.add((name, 0, m))
    return added
