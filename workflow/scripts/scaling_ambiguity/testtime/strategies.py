"""The published test-time strategies, each as published (``faithful``) and as it should be compared (``fair``).

Source: arXiv 2602.03873. Its weights, prompts and score scale are unpublished; what stands here is the reading that its
names and its ancestor (arXiv 2503.23395) fix. A strategy weighs the candidates of one pool, bought once; the
prediction is their weighted mean, which is the mean of the published Dirichlet mixture (:mod:`testtime.mixture`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.metrics.scores import nll_votes
from scaling_ambiguity.testtime.combining import Combined, combine, equal_weights, mixed, softmax_weights, top_weights
from scaling_ambiguity.testtime.crossfit import HeldOut, fitted
from scaling_ambiguity.testtime.pool import Pool

Array: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]
Weigh = Callable[
    [Pool, str, str, "float | Array"], tuple[Array, Mask]
]  # pool, name, verifier, tau -> weights, considered
FAITHFUL, FAIR = "faithful", "fair"
VERIFIER = "verifier"
# the plain mean comes first: a fitted weight that gains nothing is no weight
TEMPERATURES = (np.inf, 10.0, 5.0, 3.0, 2.0, 1.5, 1.0, 0.75, 0.5, 0.25, 0.1, 0.05)


@dataclass(frozen=True)
class Strategy:
    """A way to combine the candidates of a pool.

    Attributes:
        name: Its published name.
        form: ``faithful`` or ``fair``.
        weigh: Pool, name, verifier and temperature -> weights (U, K), and the candidates considered (U, K).
        pools: Kinds of pool that it reads; the first that is there is used.
        grid: Temperatures to choose from on the votes of other speakers; empty: nothing is fitted.
        verified: Whether it reads what a verifier said.
        asks: How many candidates of each utterance it asks for; None: all of the pool.
    """

    name: str
    form: str
    weigh: Weigh
    pools: tuple[str, ...]
    grid: tuple[float, ...] = ()
    verified: bool = False
    asks: int | None = None

    @property
    def key(self) -> str:
        """Name and form, as in ``w_bon/fair``."""
        return f"{self.name}/{self.form}"


def first_answer(pool: Pool, name: str, verifier: str, tau: float | Array) -> tuple[Array, Mask]:
    """Weigh the first candidate alone: one request, greedy where the pool is ``greedy``."""
    first = np.zeros_like(pool.valid)
    first[:, :1] = pool.valid[:, :1]
    return equal_weights(first), first


def every_answer(pool: Pool, name: str, verifier: str, tau: float | Array) -> tuple[Array, Mask]:
    """Weigh all candidates equally."""
    return equal_weights(pool.valid), pool.valid


def most_likely(pool: Pool, name: str, verifier: str, tau: float | Array) -> tuple[Array, Mask]:
    """Choose argmax of l_sum / L, the log-probability per token of the whole answer; of ties the first.

    It is what beam search returns first at a length penalty of 1.
    """
    return top_weights(_per_token(pool, name), pool.valid, share_ties=False), pool.valid


def most_likely_object(pool: Pool, name: str, verifier: str, tau: float | Array) -> tuple[Array, Mask]:
    """Choose the largest mean log-probability of the tokens of the JSON object alone; ties share."""
    pool.require(name, columns=("logprob_answer",))
    return top_weights(pool.logprob_answer, pool.valid, share_ties=True), pool.valid


def by_likelihood(pool: Pool, name: str, verifier: str, tau: float | Array) -> tuple[Array, Mask]:
    """Weigh by softmax(l_len / tau), l_len = l_sum / L."""
    return softmax_weights(_per_token(pool, name), pool.valid, tau), pool.valid


def by_whole_likelihood(pool: Pool, name: str, verifier: str, tau: float | Array) -> tuple[Array, Mask]:
    """Weigh by exp(l_sum) / sum exp(l_sum), the likelihood of the whole answer taken literally."""
    pool.require(name, columns=("logprob",))
    return softmax_weights(pool.logprob, pool.valid, 1.0), pool.valid


def picked_once(pool: Pool, name: str, verifier: str, tau: float | Array) -> tuple[Array, Mask]:
    """Choose the candidate that the verifier named in the first order."""
    verdicts = pool.verdicts_for(name, verifier, "picks")
    considered = pool.valid & verdicts.shown
    return _votes(verdicts.picks[:, :1], considered), considered


def picked_by_majority(pool: Pool, name: str, verifier: str, tau: float | Array) -> tuple[Array, Mask]:
    """Choose the candidate that the verifier named in most of two orders or more; ties share."""
    verdicts = pool.verdicts_for(name, verifier, "orders")
    considered = pool.valid & verdicts.shown
    named = _votes(verdicts.picks, considered)
    return top_weights(np.where(named > 0, named, np.nan), considered, share_ties=True), considered


def by_score_share(pool: Pool, name: str, verifier: str, tau: float | Array) -> tuple[Array, Mask]:
    """Weigh by v_b / sum v, the verifier's scores divided by their sum; nearly the plain mean where they are alike."""
    verdicts = pool.verdicts_for(name, verifier, "scores")
    considered = pool.valid & verdicts.shown
    scores = np.where(considered & np.isfinite(verdicts.scores), np.maximum(verdicts.scores, 0.0), 0.0)
    total = scores.sum(axis=1, keepdims=True)
    return np.divide(scores, total, out=np.zeros_like(scores), where=total > 0), considered


def by_score(pool: Pool, name: str, verifier: str, tau: float | Array) -> tuple[Array, Mask]:
    """Weigh by softmax(v / tau) of the verifier's scores v."""
    verdicts = pool.verdicts_for(name, verifier, "scores")
    considered = pool.valid & verdicts.shown
    return softmax_weights(verdicts.scores, considered, tau), considered


_DIRECT, _ANSWERS = ("greedy", "sampled", "beam"), ("beam", "sampled")
STRATEGIES: dict[str, Strategy] = {
    strategy.key: strategy
    for strategy in (
        Strategy("single", FAITHFUL, first_answer, _DIRECT, asks=1),
        Strategy("cot", FAITHFUL, first_answer, ("reasoned",), asks=1),
        Strategy("cot", FAIR, every_answer, ("reasoned",)),
        Strategy("bon", FAITHFUL, most_likely, _ANSWERS),
        Strategy("bon", FAIR, most_likely_object, _ANSWERS),
        Strategy("w_bon", FAITHFUL, by_likelihood, _ANSWERS),
        Strategy("w_bon", FAIR, by_likelihood, _ANSWERS, TEMPERATURES),
        Strategy("w_bon_sum", FAITHFUL, by_whole_likelihood, _ANSWERS),
        Strategy("alm_v", FAITHFUL, picked_once, _ANSWERS, verified=True),
        Strategy("alm_v", FAIR, picked_by_majority, _ANSWERS, verified=True),
        Strategy("w_alm_v", FAITHFUL, by_score_share, _ANSWERS, verified=True),
        Strategy("w_alm_v", FAIR, by_score, _ANSWERS, TEMPERATURES, verified=True),
    )
}


def pool_for(strategy: Strategy, pools: Mapping[str, Pool]) -> Pool:
    """Return the pool that a strategy reads.

    Raises:
        UserError: None of them is there.
    """
    for kind in strategy.pools:
        if kind in pools:
            return pools[kind]
    given = ", ".join(pools) or "none"
    raise UserError(
        f"strategy {strategy.name}: needs a pool of kind {' or '.join(strategy.pools)}; there is {given}. "
        f"Generate such candidates, or leave {strategy.name} out."
    )


def apply_strategy(
    strategy: Strategy, pool: Pool, held_out: HeldOut, verifier: str = VERIFIER
) -> tuple[Combined, Array | None]:
    """Return the predictions of a strategy and the temperatures fitted for each utterance, (U,) or None.

    A temperature is fitted by NLL on the votes of the other folds' speakers.

    Args:
        strategy: One of ``STRATEGIES``.
        pool: The pool that it reads.
        held_out: Human votes on the same utterances.
        verifier: The verifier that it reads, or a control of it.

    Raises:
        UserError: The pool lacks what the strategy reads.
    """

    def at(tau: float | Array) -> Combined:
        weights, considered = strategy.weigh(pool, strategy.name, verifier, tau)
        return combine(weights, pool.q, considered, held_out.prior)

    if not strategy.grid:
        return at(1.0), None
    tau = fitted(lambda value: nll_votes(at(value).q, held_out.counts, held_out.floor), strategy.grid, held_out.folds)
    return at(tau), tau


def rival(combined: Combined, pool: Pool, prior: Array) -> Array:
    """Return the plain mean of the candidates that a strategy could have chosen, (U, C): its fair comparison."""
    weights = equal_weights(combined.considered)
    return np.where(combined.fallback[:, None], prior, mixed(weights, pool.q))


def _per_token(pool: Pool, name: str) -> Array:
    pool.require(name, columns=("logprob", "tokens"))
    return pool.logprob / np.where(pool.tokens > 0, pool.tokens, np.nan)


def _votes(picks: NDArray[np.intp], considered: Mask) -> Array:
    """Return the share of the orders in which each candidate was named, (U, K)."""
    named = (picks[:, :, None] == np.arange(considered.shape[1])) & considered[:, None, :]
    total = named.sum(axis=(1, 2))
    return named.sum(axis=1) / np.maximum(total, 1)[:, None]
