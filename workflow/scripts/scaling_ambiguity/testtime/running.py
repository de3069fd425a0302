"""Every strategy and every control on one ALM's pools: predictions, or the reason why there are none."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.testtime.combining import equal_weights
from scaling_ambiguity.testtime.controls import (
    CONTROL_VERIFIERS,
    CONTROLS,
    HUMAN,
    RANDOM_PICK,
    Setting,
    human_leave_one_out,
    means_of_first,
    random_verdicts,
)
from scaling_ambiguity.testtime.controls import mean as equal_mean
from scaling_ambiguity.testtime.crossfit import HeldOut
from scaling_ambiguity.testtime.pool import Pool
from scaling_ambiguity.testtime.strategies import (
    STRATEGIES,
    VERIFIER,
    Strategy,
    apply_strategy,
    every_answer,
    pool_for,
    rival,
)

Array: TypeAlias = NDArray[np.float64]
CONTROL = "control"
SIZES = (1, 2, 3, 5, 10, 20)
_OTHER_POOL = {"readout": "readout", "readout_tempered": "readout", "labels": "labels"}
_NO_POOL = ("prior", "uniform", "majority")
COMBINED = ("sampled", "beam", "reasoned", "greedy")  # the first of these that is there is the pool of the controls


@dataclass(frozen=True)
class Outcome:
    """What a strategy made of a pool.

    Attributes:
        strategy: Its name; a control of the verifier as ``alm_v-shuffled``.
        form: ``faithful``, ``fair`` or ``control``.
        pool: Kind of the pool that it read.
        p: (U, C) predictions; of ``random_pick`` (U, K, C) with ``weights``.
        rival: (U, C) plain mean of the candidates that it could have chosen, or None.
        weights: (U, K) of an outcome that is scored candidate by candidate, else None.
        values: Scores by metric, (U,) each, of an outcome that is no distribution; p is then not used.
        mixing: (U, K) weights of the candidates whose weighted mean p is, or None.
        facts: Shares of utterances, and what was fitted.
        reads: Parts that have to be paid for.
    """

    strategy: str
    form: str
    pool: str
    p: Array
    rival: Array | None = None
    weights: Array | None = None
    values: Mapping[str, Array] | None = None
    mixing: Array | None = None
    facts: Mapping[str, float] = field(default_factory=dict)
    reads: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unavailable:
    """A strategy that could not be applied, and why."""

    strategy: str
    form: str
    reason: str


def run_strategies(
    pools: Mapping[str, Pool], held_out: HeldOut, *, orders: int = 2, seed: int = 0
) -> tuple[list[Outcome], list[Unavailable]]:
    """Return the outcomes of every strategy and control, and those that the pools do not allow.

    Args:
        pools: By kind, all of the same utterances in the same order.
        held_out: Human votes on these.
        orders: Orders of the verifier that picks at random.
        seed: Its seed.
    """
    outcomes: list[Outcome] = []
    missing: list[Unavailable] = []
    for strategy in STRATEGIES.values():
        try:
            outcomes.append(_outcome(strategy, pool_for(strategy, pools), held_out, VERIFIER))
        except UserError as error:
            missing.append(Unavailable(strategy.name, strategy.form, str(error)))
    verified, absent = _verifier_controls(pools, held_out, orders, seed)
    controlled, lacking = run_controls(pools, held_out)
    return outcomes + verified + controlled, missing + absent + lacking


def run_controls(pools: Mapping[str, Pool], held_out: HeldOut) -> tuple[list[Outcome], list[Unavailable]]:
    """Return the outcomes of the controls on the first of ``COMBINED`` that is there, and what is not possible."""
    outcomes: list[Outcome] = []
    missing: list[Unavailable] = []
    kind = next((kind for kind in COMBINED if kind in pools), next(iter(pools)))
    setting = Setting(pools, pools[kind], held_out)
    plain = setting.mean()
    for name, control in CONTROLS.items():
        source = _OTHER_POOL.get(name, kind)
        reads = () if name in _NO_POOL else (source,)
        try:
            p = control(setting)
        except UserError as error:
            missing.append(Unavailable(name, CONTROL, str(error)))
            continue
        mixing = equal_weights(setting.pool.valid) if name == "mean" else None
        outcomes.append(Outcome(name, CONTROL, source, p, rival=plain, mixing=mixing, reads=reads))
    for n, p in means_of_first(setting, SIZES).items():
        outcomes.append(Outcome(f"mean_of_{n}", CONTROL, kind, p, rival=plain, reads=(f"{kind}:{n}",)))
    valid = setting.pool.valid
    some = valid.any(axis=1)
    q = np.where(some[:, None, None], setting.pool.q, held_out.prior[:, None, :])
    weights = np.where(some[:, None], valid / np.maximum(valid.sum(axis=1, keepdims=True), 1), 1 / valid.shape[1])
    outcomes.append(Outcome(RANDOM_PICK, CONTROL, kind, q, rival=plain, weights=weights, reads=(kind,)))
    values = human_leave_one_out(held_out)
    outcomes.append(Outcome(HUMAN, CONTROL, "none", held_out.prior, rival=plain, values=values, reads=("votes",)))
    return outcomes, missing


def _outcome(strategy: Strategy, pool: Pool, held_out: HeldOut, verifier: str) -> Outcome:
    combined, tau = apply_strategy(strategy, pool, held_out, verifier)
    facts = {"fallback_share": float(combined.fallback.mean()), "undecided_share": float(combined.undecided.mean())}
    if tau is not None:
        facts["temperature"] = float(np.median(tau))
    name = strategy.name if verifier == VERIFIER else f"{strategy.name}-{verifier}"
    form = strategy.form if verifier == VERIFIER else CONTROL
    reads: tuple[str, ...] = (pool.kind if strategy.asks is None else f"{pool.kind}:{strategy.asks}",)
    if strategy.verified:
        reads += (f"{verifier}:{pool.kind}",)
    beside: Array | None = rival(combined, pool, held_out.prior)
    if strategy.weigh is every_answer:  # itself a plain mean
        beside = None
    elif strategy.asks is not None:  # compared with the mean of all, if there are more than it asks for
        plain = equal_mean(pool.q, pool.valid)
        empty = ~pool.valid.any(axis=1, keepdims=True)
        beside = np.where(empty, held_out.prior, plain) if pool.q.shape[1] > strategy.asks else None
    return Outcome(name, form, pool.kind, combined.q, beside, mixing=combined.weights, facts=facts, reads=reads)


def _verifier_controls(
    pools: Mapping[str, Pool], held_out: HeldOut, orders: int, seed: int
) -> tuple[list[Outcome], list[Unavailable]]:
    """Return the verifier's strategies with controls in its place: another clip, no clip, the ALM itself, chance."""
    outcomes: list[Outcome] = []
    missing: list[Unavailable] = []
    by_chance: dict[str, Pool] = {}
    for key in ("alm_v/fair", "w_alm_v/fair"):
        strategy = STRATEGIES[key]
        for control in CONTROL_VERIFIERS:
            try:
                pool = pool_for(strategy, pools)
                if control == "random":
                    if pool.kind not in by_chance:
                        by_chance[pool.kind] = replace(pool, verdicts={control: random_verdicts(pool, orders, seed)})
                    pool = by_chance[pool.kind]
                outcomes.append(_outcome(strategy, pool, held_out, control))
            except UserError as error:
                missing.append(Unavailable(f"{strategy.name}-{control}", CONTROL, str(error)))
    return outcomes, missing
