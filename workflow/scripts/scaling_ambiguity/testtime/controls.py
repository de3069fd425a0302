"""What every strategy has to beat: means, robust and flattened pools, the prior, the oracles, and a random pick."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.evaluation.scaling import raised
from scaling_ambiguity.labels.dirichlet import posterior_mean
from scaling_ambiguity.metrics.arrays import floored
from scaling_ambiguity.metrics.divergences import jsd_bits
from scaling_ambiguity.seeds import generator
from scaling_ambiguity.testtime.combining import equal_weights, mixed, top_weights
from scaling_ambiguity.testtime.crossfit import HeldOut, fitted
from scaling_ambiguity.testtime.losses import LOSSES
from scaling_ambiguity.testtime.oracle import oracle_hull, oracle_pick
from scaling_ambiguity.testtime.pool import Pool, Verdicts

Array: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]
POWERS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0, 3.0)
VOTES = (1e4, 1e3, 300.0, 100.0, 50.0, 30.0, 20.0, 15.0, 10.0, 7.0, 5.0, 3.0, 2.0, 1.0, 0.5)
SHARES = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0)
TRIMMED = 0.2
CONTROL_VERIFIERS = ("shuffled", "deaf", "self", "random")


def mean(q: Array, valid: Mask) -> Array:
    """Return the plain mean of the candidates, (U, C); 0 everywhere in a row without any."""
    return mixed(equal_weights(valid), q)


def medoid_weights(q: Array, valid: Mask) -> Array:
    """Return weight 1 on argmin_b sum_a JSD(q_a, q_b), (U, K); ties share."""
    total = np.zeros(valid.shape)
    for other in range(q.shape[1]):
        both = valid & valid[:, [other]]
        row, column = np.nonzero(both)
        total[row, column] += jsd_bits(q[row, column], q[row, other])
    return top_weights(-total, valid, share_ties=True)


def log_pool(q: Array, valid: Mask, floor: float) -> Array:
    """Return the normalised geometric mean of the candidates, floored at ``floor`` first, (U, C)."""
    weights = equal_weights(valid)
    with np.errstate(divide="ignore"):
        logs = np.where(valid[:, :, None], np.log(np.maximum(q, floor)), 0.0)
    return _normalised(np.exp(mixed(weights, logs))) * valid.any(axis=1)[:, None]


def trimmed(q: Array, valid: Mask, share: float = TRIMMED) -> Array:
    """Return the mean of each class without its floor(n share) smallest and largest values, normalised, (U, C).

    With n candidates as many are left out at each end, at most (n - 1) / 2.
    """
    number = valid.sum(axis=1)
    cut = np.minimum(np.floor(number * share + 1e-9).astype(int), np.maximum(number - 1, 0) // 2)
    ordered = np.sort(np.where(valid[:, :, None], q, np.inf), axis=1)
    place = np.arange(q.shape[1])
    inside = (place >= cut[:, None]) & (place < (number - cut)[:, None])
    return _normalised(np.where(inside[:, :, None], np.where(np.isfinite(ordered), ordered, 0.0), 0.0).sum(axis=1))


def shrunk(p: Array, votes: ArrayLike, concentration: Array) -> Array:
    """Return (n_e p + a) / (n_e + A), the posterior mean if p were a histogram of n_e votes.

    Args:
        p: (U, C).
        votes: n_e, scalar or (U,).
        concentration: a of the Dirichlet of other speakers' votes, (U, C); A is its sum.
    """
    return posterior_mean(np.broadcast_to(np.asarray(votes, float), p.shape[:1])[:, None] * p, concentration)


def random_pick_loss(losses: Array, valid: Mask) -> Array:
    """Return the expected loss of a candidate drawn uniformly, (U,): the mean of (U, K) over valid ones, exactly."""
    return (np.where(valid, losses, 0.0) * equal_weights(valid)).sum(axis=1)


def mean_of_subsets(loss: str, q: Array, counts: Array, floor: float = 0.0) -> Array:
    """Return the average loss of the mean of N candidates over all subsets of size N = 1 ... K, (U, K).

    It never rises with N, whatever the candidates, for a loss that is convex in the prediction. Every subset counts:
    K up to about 12.

    Args:
        loss: One of ``losses.LOSSES``.
        q: (U, K, C), all of them distributions.
        counts: (U, C) votes, or shares.
        floor: Smallest probability in the NLL.
    """
    columns = []
    for size in range(1, q.shape[1] + 1):
        subsets = list(combinations(range(q.shape[1]), size))
        values = [LOSSES[loss](q[:, subset].mean(axis=1), counts, floor) for subset in subsets]
        columns.append(np.mean(values, axis=0))
    return np.stack(columns, axis=1)


def random_verdicts(pool: Pool, orders: int, seed: int) -> Verdicts:
    """Return scores and picks that know nothing: uniform on 0 to 10, by utterance and candidate."""
    candidates = pool.valid.shape[1]
    random = [generator(seed, "random verifier", name).random(candidates) for name in pool.utterances]
    scores = np.where(pool.valid, 10 * np.stack(random), np.nan)
    pick = np.where(pool.valid.any(axis=1), np.argmax(np.where(pool.valid, scores, -1.0), axis=1), -1)
    return Verdicts(scores, np.repeat(pick[:, None], orders, axis=1), pool.valid)


@dataclass(frozen=True)
class Setting:
    """What a control may read.

    Attributes:
        pools: By kind.
        pool: The pool whose candidates are combined.
        held_out: Votes and folds of the same utterances.
    """

    pools: Mapping[str, Pool]
    pool: Pool
    held_out: HeldOut

    def mean(self) -> Array:
        """Return the plain mean of the pool, (U, C); the prior where it has no candidate."""
        return self.or_prior(mean(self.pool.q, self.pool.valid))

    def other(self, kind: str, control: str) -> Array:
        """Return the plain mean of another pool; UserError if it is not there."""
        if kind not in self.pools:
            raise UserError(
                f"control {control}: needs a pool of kind {kind}; there is {', '.join(self.pools)}. Generate such "
                f"candidates, or leave {control} out."
            )
        return self.or_prior(mean(self.pools[kind].q, self.pools[kind].valid))

    def or_prior(self, p: Array) -> Array:
        """Return p, (U, C), with the class prior in rows that sum to 0."""
        total = p.sum(axis=1, keepdims=True)
        return np.where(total > 0, p / np.where(total > 0, total, 1.0), self.held_out.prior)

    def fit(self, change: Callable[[ArrayLike], Array], grid: tuple[float, ...], loss: str = "nll") -> Array:
        """Return the predictions at the values of ``grid`` that are best on other speakers' votes."""
        held_out = self.held_out
        score = LOSSES[loss]
        return change(fitted(lambda x: score(change(x), held_out.counts, held_out.floor), grid, held_out.folds))

    def powered(self, p: Array, loss: str = "nll") -> Array:
        """Return p with one fitted power, i.e. temperature."""
        return self.fit(lambda power: raised(p, power, self.held_out.floor), POWERS, loss)

    def hull(self) -> Array:
        """Return the best combination of the candidates by NLL; candidates are floored first."""
        q = np.where(self.pool.valid[:, :, None], self.pool.q, 1 / self.pool.q.shape[2])
        q = np.where(self.pool.valid[:, :, None], floored(q, self.held_out.floor), 0.0)
        return self.or_prior(mixed(oracle_hull(q, self.pool.valid, self.held_out.counts, "nll")[0], q))


def _oracle_pick(s: Setting) -> Array:
    weights = oracle_pick(s.pool.q, s.pool.valid, s.held_out.counts, "nll", s.held_out.floor)
    return s.or_prior(mixed(weights, s.pool.q))


def _prior_mix(s: Setting) -> Array:
    p, prior = s.mean(), s.held_out.prior

    def change(share: ArrayLike) -> Array:
        x = np.broadcast_to(np.asarray(share, float), p.shape[:1])[:, None]
        return (1 - x) * p + x * prior

    return s.fit(change, SHARES)


# Each returns predictions (U, C).
CONTROLS: dict[str, Callable[[Setting], Array]] = {
    "mean": lambda s: s.mean(),
    "medoid": lambda s: s.or_prior(mixed(medoid_weights(s.pool.q, s.pool.valid), s.pool.q)),
    "log_pool": lambda s: s.or_prior(log_pool(s.pool.q, s.pool.valid, s.held_out.floor)),
    "trimmed": lambda s: s.or_prior(trimmed(s.pool.q, s.pool.valid)),
    "mean_tempered": lambda s: s.powered(s.mean()),
    "mean_sharp": lambda s: s.powered(s.mean(), "jsd_bits"),
    "shrunk": lambda s: s.fit(lambda n: shrunk(s.mean(), n, s.held_out.concentration), VOTES),
    "prior_mix": _prior_mix,
    "readout": lambda s: s.other("readout", "readout"),
    "readout_tempered": lambda s: s.powered(s.other("readout", "readout_tempered")),
    "labels": lambda s: s.other("labels", "labels"),
    "prior": lambda s: s.held_out.prior,
    "uniform": lambda s: np.full_like(s.held_out.prior, 1 / s.held_out.prior.shape[1]),
    "majority": lambda s: np.eye(s.held_out.prior.shape[1])[s.held_out.prior.argmax(axis=1)],
    "oracle_pick": _oracle_pick,
    "oracle_hull": lambda s: s.hull(),
}
RANDOM_PICK = "random_pick"  # has an expected score, exactly, but no distribution
HUMAN = "human_leave_one_out"  # likewise: each vote is predicted from the others


def means_of_first(s: Setting, sizes: tuple[int, ...]) -> dict[int, Array]:
    """Return the plain mean of the usable ones of the first N candidates, N -> (U, C), for N in ``sizes`` and N = K.

    N counts what was asked for: an answer without a distribution was paid for too.
    """
    numbers = {n for n in sizes if n < s.pool.q.shape[1]} | {s.pool.q.shape[1]}
    return {n: s.or_prior(mean(s.pool.q[:, :n], s.pool.valid[:, :n])) for n in sorted(numbers)}


def human_leave_one_out(held_out: HeldOut) -> dict[str, Array]:
    """Return NLL and Brier of each vote predicted from the other votes of its utterance, {metric: (U,)}.

    The prediction is the posterior mean (n_c - [c left out] + a_c) / (N - 1 + A) with a fitted on other speakers;
    scores are averaged over the votes of an utterance. A single vote is predicted by the prior a / A.
    """
    counts = held_out.counts
    total = counts.sum(axis=1, keepdims=True)
    scores = {name: np.zeros(len(counts)) for name in ("nll", "brier")}
    for label in range(counts.shape[1]):
        left = np.eye(counts.shape[1])[label]
        rest = np.maximum(counts - np.minimum(counts[:, [label]], 1) * left, 0.0)
        p, share = posterior_mean(rest, held_out.concentration), counts[:, label] / total[:, 0]
        only = np.broadcast_to(left, p.shape)
        for name, values in scores.items():
            values += share * LOSSES[name](p, only, held_out.floor)
    return scores


def _normalised(values: Array) -> Array:
    total = values.sum(axis=-1, keepdims=True)
    return np.divide(values, total, out=np.zeros_like(values), where=total > 0)
