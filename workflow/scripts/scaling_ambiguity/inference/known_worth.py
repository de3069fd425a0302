"""Proxies whose worth is known by construction, on a corpus with known truth."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling_ambiguity.inference.arrangement import Arrangement
from scaling_ambiguity.inference.draws import fresh_votes
from scaling_ambiguity.labels.pooling import shuffle_within

Array: TypeAlias = NDArray[np.float64]
MOST_FRESH = 3


def known_proxies(
    arrangement: Arrangement, names: list[str], v: Array, p: Array, synthetic: Array | None, m: int, seed: int
) -> dict[tuple[str, float], Array]:
    """Return the votes, human and synthetic together, of each proxy of known worth, (deals, U, C).

    ``fresh-k``: k votes of fresh raters of the same pool, worth k. ``latent-k``: k draws from the latent
    distribution without any rater's habits, worth more. ``noise``: m uniform votes, worth 0.
    ``shuffled``: the m synthetic votes of another utterance, worth 0. The last two have the fitted weight.

    Args:
        arrangement: U utterances in D deals.
        names: Their names.
        v: (U, C) expected votes of a rater drawn from the pool.
        p: (U, C) latent distribution.
        synthetic: (deals, U, C) m synthetic votes, None where there are none.
        m: Number of votes of noise.
        seed: The run's seed.
    """
    deals = arrangement.dealt.shape[0]
    proxies: dict[tuple[str, float], Array] = {}
    for k in range(1, min(MOST_FRESH, arrangement.largest) + 1):
        proxies[f"fresh-{k}", k] = fresh_votes(v, names, k, deals, seed, f"{k} fresh raters")
    for k in range(1, min(MOST_FRESH, arrangement.largest) + 1):
        proxies[f"latent-{k}", k] = fresh_votes(p, names, k, deals, seed, f"{k} latent draws")
    if synthetic is not None:
        other = shuffle_within(np.zeros(len(names), dtype=np.intp), names, seed)
        noise = fresh_votes(np.full_like(v, 1 / v.shape[1]), names, m, deals, seed, "noise")
        proxies["noise", m] = arrangement.weigh(noise, 0)[0]
        proxies["shuffled", m] = arrangement.weigh(synthetic[:, other], 0)[0]
    return proxies
