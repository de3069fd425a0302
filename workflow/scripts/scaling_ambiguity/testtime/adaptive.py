"""How many answers each utterance needs: two-stage allocation and shrinkage, beside the popular stopping rule.

Stopping once the mode is sure (adaptive self-consistency, arXiv 2305.11860) serves a label. For a distribution the rule
itself is a bias: it stops where the draws happen to agree, and so sharpens.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from scaling_ambiguity.labels.dirichlet import posterior_mean

Array: TypeAlias = NDArray[np.float64]
PILOT = 4  # draws of the first stage
THRESHOLD, LEAST = 0.95, 3  # of the stopping rule


@dataclass(frozen=True)
class Stopped:
    """Draws up to where a rule stopped, of R runs.

    Attributes:
        number: (R,) draws used.
        counts: (R, C) their labels.
    """

    number: NDArray[np.intp]
    counts: Array


def stop_when_sure(
    draws: NDArray[np.intp], classes: int, *, threshold: float = THRESHOLD, least: int = LEAST
) -> Stopped:
    """Stop at the first n >= ``least`` with P(p1 > p2 | counts) >= ``threshold``, else at the last draw.

    With a and b the counts of the two most frequent labels, p1 / (p1 + p2) ~ Beta(a + 1, b + 1) (arXiv 2305.11860).

    Args:
        draws: (R, N) labels as numbers.
        classes: C.
        threshold: In (0, 1).
        least: Draws before which the rule is not asked.
    """
    runs, most = draws.shape
    counts, number = np.zeros((runs, classes)), np.full(runs, most)
    running = np.arange(runs)
    for n in range(1, most + 1):
        counts[running, draws[running, n - 1]] += 1
        if n < least or n == most:
            continue
        top = np.sort(counts[running], axis=1)[:, -2:]
        sure = 1 - betainc(top[:, 1] + 1, top[:, 0] + 1, 0.5) >= threshold
        number[running[sure]] = n
        running = running[~sure]
    return Stopped(number, counts)


def vote_variance(p: Array) -> Array:
    """Return V = 1 - sum_c p_c^2, (..., C) -> (...): the variance of one draw, summed over classes, in [0, 1)."""
    return 1 - (p**2).sum(axis=-1)


def posterior_width(counts: Array, concentration: Array) -> Array:
    """Return the trace of the posterior covariance after n draws, (1 - sum_c m_c^2) / (n + A + 1), (...,).

    Args:
        counts: (..., C) draws.
        concentration: a of the Dirichlet prior, (..., C); A is its sum, m the posterior mean.
    """
    total = counts.sum(axis=-1) + concentration.sum(axis=-1)
    return vote_variance(posterior_mean(counts, concentration)) / (total + 1)


def least_calls(variance: Array) -> float:
    """Return (E sqrt V)^2 / E V, in (0, 1]: calls of the best allocation over uniform ones at equal mean squared error.

    Neyman (1934): calls in proportion to sqrt V. It says what allocation can save before a call is spent.
    """
    return float(np.sqrt(variance).mean() ** 2 / variance.mean())


def attainable_calls(pilot_variance: Array, pilot: int, mean_calls: float) -> float:
    """Return the calls of a two-stage design over uniform ones at equal mean squared error, in (0, 1].

    n / (n0 + (n - n0) / b) with n calls, n0 of them the pilot's, and b = :func:`least_calls` of the variances as the
    pilot knows them. A short pilot knows little: four draws of Dir(.1) give b = .90, the true variances .69.

    Args:
        pilot_variance: (U,) V of the pilot's posterior mean.
        pilot: n0.
        mean_calls: n, more than n0.
    """
    return mean_calls / (pilot + (mean_calls - pilot) / least_calls(pilot_variance))


def second_stage(pilot: Array, concentration: Array, mean_calls: float) -> NDArray[np.intp]:
    """Return the draws that each utterance gets after its pilot, (U,), 1 or more; fixed by the pilots alone.

    They are in proportion to sqrt(V_i) of the pilot's posterior mean; fractions are rounded so that the total is met.

    Args:
        pilot: (U, C) draws of the first stage, equally many in each row.
        concentration: (C,) or (U, C) of the Dirichlet prior.
        mean_calls: Calls per utterance of both stages; at least one more than the pilot.

    Raises:
        ValueError: fewer calls than that.
    """
    first = float(pilot[0].sum())
    if mean_calls < first + 1:
        raise ValueError(f"{mean_calls} calls an utterance leave no second stage after a pilot of {first:g}")
    left = round((mean_calls - first) * len(pilot)) - len(pilot)
    root = np.sqrt(vote_variance(posterior_mean(pilot, np.broadcast_to(concentration, pilot.shape))))
    wanted = 1 + left * root / root.sum()
    whole = np.floor(wanted).astype(np.intp)
    order = np.argsort(whole - wanted, kind="stable")
    whole[order[: left + len(pilot) - int(whole.sum())]] += 1
    return whole


def two_stage_mean(pilot: Array, second: Array, concentration: Array, mean_calls: float) -> Array:
    """Return an unbiased estimate of each distribution from both stages, (U, C).

    w x pilot mean + (1 - w) x mean of the second stage, w = n0 / (n0 + (n - n0) / b) for every utterance, b as in
    :func:`attainable_calls`. The mean of all draws would be biased towards what the pilot happened to agree on, since
    agreement shortens the second stage.

    Args:
        pilot: (U, C) draws of the first stage, equally many in each row.
        second: (U, C) draws of the second stage, at least one in each row.
        concentration: (C,) or (U, C) of the Dirichlet prior.
        mean_calls: Calls per utterance of both stages.
    """
    first = float(pilot[0].sum())
    variance = vote_variance(posterior_mean(pilot, np.broadcast_to(concentration, pilot.shape)))
    weight = first / (first + (mean_calls - first) / least_calls(variance))
    return weight * pilot / first + (1 - weight) * second / second.sum(axis=1, keepdims=True)
