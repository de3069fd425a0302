"""What the strategies on a submission cost by its own record, and whether they are worth it at matched cost."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.inference.bootstrap import mean_interval
from scaling_ambiguity.labels.counting import codes
from scaling_ambiguity.metrics.scores import nll_votes
from scaling_ambiguity.testtime.accounting import Size, Usage, flop, matched_difference, pareto_front
from scaling_ambiguity.testtime.accounting import strategy_usage as usage_of
from scaling_ambiguity.testtime.crossfit import HeldOut
from scaling_ambiguity.testtime.running import CONTROL, SIZES, Outcome
from scaling_ambiguity.testtime.scoring import utterance_scores
from scaling_ambiguity.testtime.strategies import VERIFIER

Array: TypeAlias = NDArray[np.float64]
_MEAN_OF = "mean_of_"


def recorded_usage(
    candidates: pd.DataFrame, scores: pd.DataFrame, utterances: list[str], shared: Mapping[str, bool]
) -> dict[str, Usage]:
    """Return what every part cost on each utterance: pools, their first N candidates (``sampled:5``), verifiers.

    A candidate without a record counts as one request and one encoded clip; tokens and seconds without a record are
    NaN. A verifier without one counts as one request and one clip per order. Where candidates share one prefill, its
    requests, clips and tokens are those of the candidate with most of them; decoded tokens and seconds add up.

    Args:
        candidates: Of a submission.
        scores: Likewise; may be empty.
        utterances: The U utterances, in order.
        shared: Kind of pool -> whether the candidates of an utterance shared one prefill.
    """
    parts = {}
    for pool, rows in candidates.groupby("pool", sort=True):
        rows = rows.sort_values(["utterance", "draw"], kind="stable")
        number = rows.groupby("utterance").cumcount().to_numpy()
        sizes = {n for n in SIZES if n <= number.max(initial=0)} | {int(number.max(initial=0)) + 1}
        for name, used in [(str(pool), rows), *((f"{pool}:{n}", rows[number < n]) for n in sizes)]:
            parts[name] = _recorded(used, utterances, shared=shared[str(pool)])
    for (verifier, pool), rows in scores.groupby(["verifier", "pool"], sort=True):
        orders = rows.groupby(["utterance", "order"])["draw"].transform("size")
        parts[f"{verifier}:{pool}"] = _recorded(rows, utterances, 1 / orders.to_numpy(float))
    return parts


def cost_rows(
    outcomes: Sequence[Outcome],
    parts: Mapping[str, Usage],
    size: Size | None,
    held_out: HeldOut,
    settings: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Return the rows of costs: means per utterance, the front of NLL against each currency, and matched differences.

    A published strategy is compared with the plain mean of as many samples as its cost would have bought: by operations
    where their number is recorded, otherwise by requests. ``against`` is then ``matched``.

    Args:
        outcomes: Of ``running.run_strategies``.
        parts: :func:`recorded_usage`.
        size: Of the ALM, or None.
        held_out: Human votes.
        settings: ``resamples``, ``seed``, ``level`` and ``method`` of intervals.
    """
    rows: list[dict[str, Any]] = []
    priced: list[tuple[Outcome, dict[str, float]]] = []
    for outcome in outcomes:
        costs = _costs(outcome, parts, size)
        if costs:
            priced.append((outcome, costs))
        key = {"strategy": outcome.strategy, "form": outcome.form, "pool": outcome.pool, "block": "cost"}
        rows += [key | {"metric": name, "estimate": value} for name, value in costs.items() if np.isfinite(value)]
    nll = np.array([utterance_scores(outcome, held_out, ("nll",))["nll"].mean() for outcome, _ in priced])
    for currency in ("requests", "flop", "seconds"):
        cost = np.array([costs.get(currency, np.nan) for _, costs in priced])
        real = np.array(["oracle" not in outcome.strategy for outcome, _ in priced], dtype=bool)
        front = pareto_front(np.where(real, cost, np.nan), nll)
        for (outcome, _), on_it in zip(priced, front, strict=True):
            if np.isfinite(cost).any() and outcome.form != CONTROL:
                rows.append(_fact(outcome, f"on_front_of_{currency}", float(on_it)))
    return rows + _matched(priced, held_out, settings)


def _recorded(rows: pd.DataFrame, utterances: list[str], once: Array | float = 1.0, *, shared: bool = False) -> Usage:
    """Return the usage of rows, by utterance; ``once`` is the default of requests and clips of each row."""
    place = codes(rows["utterance"], utterances, "utterance", "submission")

    def column(name: str, absent: Array | float) -> Array:
        values = rows[name].to_numpy(float)
        return np.where(np.isfinite(values), values, absent)

    def total(values: Array) -> Array:
        return np.bincount(place, values, minlength=len(utterances))

    def most(values: Array) -> Array:
        largest = np.zeros(len(utterances))
        with np.errstate(invalid="ignore"):  # what is not known stays unknown
            np.maximum.at(largest, place, values)
        return largest

    before = most if shared else total
    prompt = column("prompt_tokens", np.nan) + column("audio_tokens", 0.0) - column("cached_tokens", 0.0)
    return Usage(
        requests=before(column("requests", once)),
        encoder_rows=before(column("encoder_rows", once)),
        prefill_tokens=before(prompt),
        decode_tokens=total(column("decode_tokens", np.nan)),
        seconds=total(column("seconds", np.nan)),
    )


def _costs(outcome: Outcome, parts: Mapping[str, Usage], size: Size | None) -> dict[str, float]:
    """Return the mean costs per utterance; none where a part has no record."""
    if not outcome.reads:
        return {"requests": 0.0}
    try:
        usage = usage_of(outcome.strategy, outcome.reads, parts)
    except UserError:
        return {}
    costs = {
        "requests": float(usage.requests.mean()),
        "decode_tokens": float(usage.decode_tokens.mean()),
        "seconds": float(usage.seconds.mean()),
    }
    if size is not None and not any(part.startswith(VERIFIER) for part in outcome.reads):
        costs["flop"] = float(flop(usage, size).mean())
    return costs


def _matched(
    priced: Sequence[tuple[Outcome, dict[str, float]]], held_out: HeldOut, settings: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return the differences in NLL to the plain mean of as many samples as the strategy's cost would have bought."""
    rows: list[dict[str, Any]] = []
    priced_means = {o.strategy: (costs, nll_votes(o.p, held_out.counts, held_out.floor)) for o, costs in priced
             if o.strategy.startswith(_MEAN_OF)}  # fmt: skip
    for outcome, costs in priced:
        if outcome.form == CONTROL or outcome.weights is not None:
            continue
        currency = "flop" if np.isfinite(costs.get("flop", np.nan)) else "requests"
        of_n = {
            int(name.removeprefix(_MEAN_OF)): (prices[currency], losses)
            for name, (prices, losses) in priced_means.items()
            if np.isfinite(prices.get(currency, np.nan))
        }
        losses = nll_votes(outcome.p, held_out.counts, held_out.floor)
        n, beyond = matched_difference(losses, costs[currency], of_n)
        if n is None:
            continue
        ends = mean_interval(beyond, held_out.speakers, **settings)
        row = _fact(outcome, "nll", float(ends.estimate[0])) | {"block": "proper", "against": "matched"}
        row |= {"low": float(ends.low[0]), "high": float(ends.high[0]), "p": float(ends.p[0])}
        rows.append(row | {"n": ends.n, "n_clusters": ends.n_clusters, "method": settings["method"]})
        rows.append(_fact(outcome, "matched_samples", float(n)))
    return rows


def _fact(outcome: Outcome, metric: str, value: float) -> dict[str, Any]:
    key = {"strategy": outcome.strategy, "form": outcome.form, "pool": outcome.pool}
    return key | {"metric": metric, "block": "fact", "estimate": value}
