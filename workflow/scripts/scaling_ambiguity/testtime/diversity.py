"""Whether a pool has anything to choose from: distinct candidates, their divergence, the effective number of them."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling_ambiguity.metrics.divergences import jsd_bits
from scaling_ambiguity.testtime.pool import Pool

Array: TypeAlias = NDArray[np.float64]
SAME = 1e-9
LEAST_JSD = 0.03  # bits; samples of one prompt scatter by about .13, beams that differ in a digit by about .015


@dataclass(frozen=True)
class Diversity:
    """Diversity of the candidates of each utterance; NaN where fewer than two have a distribution.

    Attributes:
        distinct: (U,) share of distinct distributions among the candidates, in (0, 1].
        jsd: (U,) mean JSD of pairs of candidates, bits.
        vendi: (U,) exp of the entropy of the eigenvalues of K / n, K_ab = 1 - JSD(q_a, q_b): effective number of
            candidates, in [1, n] (Friedman & Dieng 2023, arXiv 2210.02410).
    """

    distinct: Array
    jsd: Array
    vendi: Array

    @property
    def has_none(self) -> bool:
        """Whether the pool has no diversity: the mean JSD of pairs is below .03 bits, or no utterance has a pair."""
        return not np.isfinite(self.jsd).any() or float(np.nanmean(self.jsd)) < LEAST_JSD


def diversity(pool: Pool) -> Diversity:
    """Return the diversity of a pool."""
    utterances, candidates = pool.valid.shape
    kernel = np.zeros((utterances, candidates, candidates))
    for a in range(candidates):
        for b in range(a, candidates):
            row = np.flatnonzero(pool.valid[:, a] & pool.valid[:, b])
            kernel[row, a, b] = kernel[row, b, a] = 1 - jsd_bits(pool.q[row, a], pool.q[row, b])
    number = pool.valid.sum(axis=1)
    several = number > 1
    n = np.maximum(number, 1)[:, None, None]
    pairs = np.maximum(number * (number - 1), 1)
    jsd = 1 - (kernel.sum(axis=(1, 2)) - number) / pairs
    values = np.clip(np.linalg.eigvalsh(kernel / n), 0.0, None)
    entropy = -(values * np.log(np.where(values > 0, values, 1.0))).sum(axis=1)
    alike = kernel >= 1 - SAME
    earlier = np.tril(np.ones((candidates, candidates), dtype=bool), -1)
    repeats = (alike & earlier).any(axis=2) & pool.valid
    distinct = (number - repeats.sum(axis=1)) / np.maximum(number, 1)
    distinct, jsd, vendi = (np.where(several, x, np.nan) for x in (distinct, jsd, np.exp(entropy)))
    return Diversity(distinct, jsd, vendi)
