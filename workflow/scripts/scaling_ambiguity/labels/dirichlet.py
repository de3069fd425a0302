"""The Dirichlet-multinomial model of votes: fit, posterior mean, and expected score after k votes."""

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import betaln, digamma, gammaln
from scipy.special import comb as binomial

Array: TypeAlias = NDArray[np.float64]
SMALLEST, LARGEST = 1e-3, 1e4


def fit_dirichlet_multinomial(counts: ArrayLike) -> Array:
    """Maximum-likelihood a of p ~ Dirichlet(a), votes ~ Multinomial(N, p) (Minka 2000, Estimating a Dirichlet).

    Args:
        counts: (U, C) votes per class; rows without a vote carry no information and are left out.

    Returns:
        a, (C,), each in [1e-3, 1e4]; the lower bound represents a class never voted for, the
        upper one for utterances that do not differ.

    Raises:
        ValueError: no vote at all, or a negative or NaN count.
    """
    counts = np.asarray(counts, dtype=np.float64)
    if not (counts >= 0).all() or not counts.sum() > 0:
        raise ValueError("counts must be >= 0 with at least one vote")
    counts = counts[counts.sum(axis=1) > 0]
    classes = counts.shape[1]
    # few distinct numbers of votes occur: evaluate the gamma functions once for each
    cells = [np.unique(counts[:, c], return_counts=True) for c in range(classes)]
    totals, many = np.unique(counts.sum(axis=1), return_counts=True)

    def loss(log_a: Array) -> tuple[float, Array]:
        a = np.exp(log_a)
        whole = a.sum()
        value = (many * (gammaln(whole) - gammaln(totals + whole))).sum()
        shared = (many * (digamma(whole) - digamma(totals + whole))).sum()
        gradient = np.empty(classes)
        for c, (votes, rows) in enumerate(cells):
            value += (rows * (gammaln(votes + a[c]) - gammaln(a[c]))).sum()
            gradient[c] = shared + (rows * (digamma(votes + a[c]) - digamma(a[c]))).sum()
        return -value / len(counts), -gradient * a / len(counts)

    start = np.log(np.clip((counts / counts.sum(axis=1, keepdims=True)).mean(axis=0) * classes, 0.05, None))
    bounds = [(np.log(SMALLEST), np.log(LARGEST))] * classes
    solution = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-13, "gtol": 1e-9})
    return np.exp(solution.x)


def posterior_mean(counts: Array, a: Array) -> Array:
    """Return the predictive distribution (n_c + a_c) / (N + sum a); counts, a (..., C) -> (..., C)."""
    return (counts + a) / (counts.sum(axis=-1, keepdims=True) + a.sum(axis=-1, keepdims=True))


def expected_nll(a: Array, k: int) -> float:
    """Return the expected NLL (nats) of one more vote under the posterior mean after k votes, if the model is true.

    sum_y (a_y / A) sum_j BetaBinomial(j; k, a_y + 1, A - a_y) * -ln((j + a_y) / (k + A)): given that the
    next vote is y, the number of earlier votes for y is beta-binomial. a (C,), k >= 0.
    """
    whole, j = a.sum(), np.arange(k + 1)
    chance = binomial(k, j) * np.exp(
        betaln(j + a[:, None] + 1, k - j + (whole - a)[:, None]) - betaln(a + 1, whole - a)[:, None]
    )
    loss = -np.log((j + a[:, None]) / (k + whole))
    return float((a / whole * (chance * loss).sum(axis=1)).sum())
