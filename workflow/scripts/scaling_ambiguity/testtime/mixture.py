"""The Dirichlet mixture that published strategies end in: its mean, its spread, and whether it predicts votes.

pi = sum_b w_b Dir(s q_b + a / C). The mean is sum_b w_b (s q_b + a / C) / (s + a), without a the plain weighted mean
whatever s: what the mixture adds is a spread, that is, a joint prediction of several votes on one utterance.
"""

from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln, logsumexp

from scaling_ambiguity.testtime.crossfit import HeldOut, chosen_on_others

Array: TypeAlias = NDArray[np.float64]
SIZES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 256.0)
OFFSETS = (0.1, 0.25, 0.5, 1.0, 2.0)


@dataclass(frozen=True)
class Mixture:
    """A Dirichlet mixture on each of U utterances.

    Attributes:
        weights: (U, K), summing to 1 in each row.
        alpha: (U, K, C) parameters s q_b + a / C, positive.
    """

    weights: Array
    alpha: Array

    def mean(self) -> Array:
        """Return the mean, (U, C)."""
        return (self.weights[:, None, :] @ self._centres())[:, 0]

    def covariance(self) -> Array:
        """Return the covariance, (U, C, C): within components, plus between them.

        sum_b w_b (diag(m_b) - m_b m_b') / (A_b + 1) + sum_b w_b (m_b - m)(m_b - m)', A_b the sum of a component.
        """
        centres, mean = self._centres(), self.mean()
        share = self.weights / (self.alpha.sum(axis=2) + 1)
        spread = (share[:, None, :] @ centres)[:, 0]
        within = spread[:, :, None] * np.eye(centres.shape[2])
        within -= np.einsum("ub,ubc,ubd->ucd", share, centres, centres)
        off = centres - mean[:, None]
        return within + np.einsum("ub,ubc,ubd->ucd", self.weights, off, off)

    def spread(self) -> Array:
        """Return the trace of the covariance, (U,): the expected squared distance to the mean, in [0, 1)."""
        return np.einsum("ucc->u", self.covariance())

    def log_score(self, counts: Array) -> Array:
        """Return ln sum_b w_b DM(n | alpha_b), (U,): the log-probability of an utterance's votes, unordered.

        DM is the Dirichlet-multinomial, with the number of orders of the votes; counts (U, C) are whole votes.
        """
        with np.errstate(divide="ignore"):
            return logsumexp(np.log(self.weights) + log_dirichlet_multinomial(counts[:, None, :], self.alpha), axis=1)

    def _centres(self) -> Array:
        return self.alpha / self.alpha.sum(axis=2, keepdims=True)


def mixture(weights: Array, q: Array, size: ArrayLike, offset: ArrayLike) -> Mixture:
    """Return the mixture of candidates.

    Args:
        weights: (U, K); a row without weights makes a single Dirichlet of the offset alone.
        q: (U, K, C).
        size: s > 0, scalar or (U,): votes that a candidate counts as.
        offset: a > 0, scalar or (U,): votes spread evenly over the classes.
    """
    s, a = (np.broadcast_to(np.asarray(x, float), len(q))[:, None, None] for x in (size, offset))
    lone = weights.sum(axis=1) == 0
    weights = np.where(lone[:, None], 1 / weights.shape[1], weights)
    return Mixture(weights, s * q + a / q.shape[2])


def log_dirichlet_multinomial(counts: Array, alpha: Array) -> Array:
    """Return ln DM(n | alpha) = ln [N! Gamma(A) / Gamma(N + A)] + sum_c ln [Gamma(n_c + a_c) / (Gamma(a_c) n_c!)].

    counts (..., C) whole votes and alpha (..., C) > 0, broadcast -> (...), at most 0.
    """
    n, total = counts.sum(axis=-1), alpha.sum(axis=-1)
    classes = np.where(counts > 0, gammaln(counts + alpha) - gammaln(alpha) - gammaln(counts + 1), 0.0)
    return gammaln(n + 1) + gammaln(total) - gammaln(n + total) + classes.sum(axis=-1)


@dataclass(frozen=True)
class MixtureScore:
    """Whether a mixture knows more than its mean.

    Attributes:
        mixture: (U,) log-probability of the votes under the mixture, nats.
        single: (U,) the same under one Dirichlet of the mixture's mean with the best total of its own.
        size: (U,) s fitted on other speakers.
        offset: (U,) a fitted on other speakers.
        spread: (U,) trace of the covariance.
    """

    mixture: Array
    single: Array
    size: Array
    offset: Array
    spread: Array


def score_mixture(weights: Array, q: Array, held_out: HeldOut) -> MixtureScore:
    """Return the log score of a mixture beside that of one Dirichlet of equal mean, both fitted on other speakers.

    s and a are chosen from grids by the log score of other folds' votes, and so is the total of the single Dirichlet.
    """
    settings = list(product(SIZES, OFFSETS))
    scores = np.stack([mixture(weights, q, s, a).log_score(held_out.counts) for s, a in settings], axis=1)
    chosen = chosen_on_others(-scores, held_out.folds)
    size, offset = (np.array([setting[i] for setting in settings])[chosen] for i in (0, 1))
    best = mixture(weights, q, size, offset)
    mean = best.mean()
    singles = np.stack([log_dirichlet_multinomial(held_out.counts, total * mean) for total in SIZES], axis=1)
    rows = np.arange(len(q))
    single = singles[rows, chosen_on_others(-singles, held_out.folds)]
    return MixtureScore(scores[rows, chosen], single, size, offset, best.spread())
