"""Scores of strategies with intervals over speakers: proper ones, published ones apart, differences to fair rivals."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling_ambiguity.evaluation.scores import scores
from scaling_ambiguity.inference.adjust import adjust, adjust_rows
from scaling_ambiguity.inference.bootstrap import Intervals, mean_interval
from scaling_ambiguity.inference.whole_set import whole_set_intervals
from scaling_ambiguity.tables.statistics import FEW, LEAST_CLUSTERS
from scaling_ambiguity.testtime.crossfit import HeldOut
from scaling_ambiguity.testtime.manifest import same_benchmark
from scaling_ambiguity.testtime.running import Outcome, Unavailable

Array: TypeAlias = NDArray[np.float64]
PROPER = ("nll", "brier")
PUBLISHED = ("jsd_bits", "bhattacharyya", "r2_within", "accuracy", "macro_f1", "weighted_f1")
FURTHER = ("js_distance", "entropy_gap", "uar", "ece")
BLOCK = dict.fromkeys(PROPER, "proper") | dict.fromkeys(PUBLISHED, "published") | dict.fromkeys(FURTHER, "further")
WHOLE = ("macro_f1", "weighted_f1", "uar", "ece")  # of the whole set, not means over utterances
MEANS = tuple(name for name in BLOCK if name not in WHOLE)
SINGLE = "single"


def utterance_scores(outcome: Outcome, held_out: HeldOut, metrics: tuple[str, ...] = MEANS) -> dict[str, Array]:
    """Return {metric: (U,)} of an outcome; of a random pick the exact expectation over its candidates."""
    if outcome.values is not None:
        return {name: outcome.values[name] for name in metrics if name in outcome.values}
    if outcome.weights is None:
        return scores(outcome.p, held_out.counts, held_out.floor, metrics)
    row, column = np.nonzero(outcome.weights)
    picked = scores(outcome.p[row, column], held_out.counts[row], held_out.floor, metrics)
    weight, utterances = outcome.weights[row, column], len(held_out.counts)
    return {name: np.bincount(row, weight * values, minlength=utterances) for name, values in picked.items()}


def score_rows(
    outcomes: Sequence[Outcome], missing: Sequence[Unavailable], held_out: HeldOut, settings: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return the rows of ``tables.strategy_scores``, without the columns that are the same in all.

    Every metric of every outcome, with its interval; for the proper ones also the difference to the plain mean of the
    candidates considered and to the first answer, paired by utterance. p is adjusted (Holm) over all published
    strategies in one kind of difference; controls are descriptive.

    Args:
        outcomes: See ``running.run_strategies``.
        missing: Likewise.
        held_out: Human votes.
        settings: ``resamples``, ``seed``, ``level`` and ``method`` of intervals.
    """
    tables = [utterance_scores(outcome, held_out) for outcome in outcomes]
    rows = _absolute(outcomes, tables, held_out, settings)
    rows += _whole(outcomes, held_out, settings)
    rows += _differences(outcomes, tables, held_out, settings)
    for outcome in outcomes:
        for name, value in outcome.facts.items():
            rows.append(_key(outcome) | {"metric": name, "block": "fact", "estimate": value})
    for strategy in missing:
        rows.append(
            {"strategy": strategy.strategy, "form": strategy.form, "pool": "none", "metric": "nll", "block": "proper",
             "reason": strategy.reason}
        )  # fmt: skip
    return rows


def score_frame(rows: Sequence[Mapping[str, Any]], same: Mapping[str, Any]) -> pd.DataFrame:
    """Return rows as ``tables.strategy_scores``; absent numbers are NaN, ``against`` and ``method`` ``none``.

    With fewer than five speakers there is neither interval nor p, and ``method`` is ``few_clusters``.

    Args:
        rows: Of :func:`score_rows` and of costs.
        same: Columns that are the same in all rows: corpus, alm, tier, benchmark.
    """
    frame = pd.DataFrame([{**row, **same} for row in rows])
    for name in ("estimate", "low", "high", "p", "p_adjusted"):
        frame[name] = frame[name].astype(float) if name in frame else np.nan
    for name in ("n", "n_clusters"):
        frame[name] = frame[name].fillna(0).astype(int) if name in frame else 0
    for name in ("against", "method"):
        frame[name] = frame[name].astype(object).fillna("none").astype(str) if name in frame else "none"
    few = frame["n_clusters"].between(1, LEAST_CLUSTERS - 1)
    frame.loc[few & (frame["method"] != "none"), "method"] = FEW
    reasons = frame["reason"] if "reason" in frame else pd.Series([None] * len(frame))
    frame["reason"] = reasons.astype("str")
    return frame


def joined_scores(frames: Sequence[pd.DataFrame], where: Sequence[str]) -> pd.DataFrame:
    """Return the scores of several ALMs and corpora in one table, p adjusted (Holm) over all of them.

    The family of one kind of difference is every published strategy of every ALM and corpus.

    Args:
        frames: Tables of ``tables.strategy_scores``.
        where: Their files, for messages.

    Raises:
        UserError: A table was scored by another version of the benchmark, on other votes or with other code.
    """
    first = [frame.iloc[0] for frame in frames]
    same_benchmark([row["benchmark"] for row in first], [row["corpus"] for row in first], where)
    table = pd.concat(frames, ignore_index=True)
    for against in ("mean", "single"):
        family = (table["against"] == against) & (table["metric"] == PROPER[0]) & (table["form"] != "control")
        table.loc[family, "p_adjusted"] = adjust(table.loc[family, "p"].to_numpy(float))
    return table


def wide(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row per strategy, the best NLL first: estimate, low and high of every metric and difference.

    A metric of a difference is named ``nll_minus_mean``. Those that could not be applied come last, with the reason.
    """
    frame = frame.copy()
    named = frame["metric"] + np.where(frame["against"] == "none", "", "_minus_" + frame["against"])
    key = ["corpus", "alm", "strategy", "form", "pool"]
    order = list(dict.fromkeys(named))
    parts = {}
    for name, rows in frame.assign(named=named).groupby("named", sort=False):
        indexed = rows.set_index(key)
        parts[name] = indexed["estimate"]
        if indexed["low"].notna().any():
            parts[f"{name}_low"], parts[f"{name}_high"] = indexed["low"], indexed["high"]
        if indexed["p_adjusted"].notna().any():
            parts[f"{name}_p_adjusted"] = indexed["p_adjusted"]
    board = pd.DataFrame(parts)
    columns = [f"{name}{end}" for name in order for end in ("", "_low", "_high", "_p_adjusted")]
    board = board[[name for name in columns if name in board]]
    reasons = frame.dropna(subset=["reason"]).set_index(key)["reason"]
    board["reason"] = reasons.reindex(board.index) if len(reasons) else np.nan
    board = board.reset_index()
    return board.sort_values(["corpus", "alm", "nll", "strategy", "form"], kind="stable").reset_index(drop=True)


def _key(outcome: Outcome) -> dict[str, Any]:
    return {"strategy": outcome.strategy, "form": outcome.form, "pool": outcome.pool}


def _rows(keys: list[dict[str, Any]], intervals: Intervals, method: str) -> list[dict[str, Any]]:
    ends = zip(keys, intervals.estimate, intervals.low, intervals.high, strict=True)
    size = {"n": intervals.n, "n_clusters": intervals.n_clusters, "method": method}
    return [key | {"estimate": mean, "low": low, "high": high} | size for key, mean, low, high in ends]


def _absolute(
    outcomes: Sequence[Outcome], tables: list[dict[str, Array]], held_out: HeldOut, settings: Mapping[str, Any]
) -> list[dict[str, Any]]:
    pairs = [(outcome, metric) for outcome, table in zip(outcomes, tables, strict=True) for metric in table]
    keys = [_key(outcome) | {"metric": metric, "block": BLOCK[metric]} for outcome, metric in pairs]
    values = np.stack([values for table in tables for values in table.values()], axis=1)
    return _rows(keys, mean_interval(values, held_out.speakers, **settings), settings["method"])


def _whole(outcomes: Sequence[Outcome], held_out: HeldOut, settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    whole = [outcome for outcome in outcomes if outcome.weights is None and outcome.values is None]
    intervals = whole_set_intervals([o.p[None] for o in whole], held_out.counts, held_out.speakers, **settings)
    rows = []
    for metric in WHOLE:
        keys = [_key(outcome) | {"metric": metric, "block": BLOCK[metric]} for outcome in whole]
        rows += _rows(keys, intervals[metric], settings["method"])
    return rows


def _differences(
    outcomes: Sequence[Outcome], tables: list[dict[str, Array]], held_out: HeldOut, settings: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return the differences in the proper scores to the plain mean and to the first answer."""
    single = next((t for o, t in zip(outcomes, tables, strict=True) if o.strategy == SINGLE), None)
    keys, columns = [], []
    for outcome, table in zip(outcomes, tables, strict=True):
        rivals = {}
        if outcome.rival is not None:
            rivals["mean"] = scores(outcome.rival, held_out.counts, held_out.floor, PROPER)
        if single is not None and outcome.strategy != SINGLE:
            rivals["single"] = single
        for against, other in rivals.items():
            for metric in PROPER:
                keys.append(_key(outcome) | {"metric": metric, "block": BLOCK[metric], "against": against})
                columns.append(table[metric] - other[metric])
    if not keys:
        return []
    intervals = mean_interval(np.stack(columns, axis=1), held_out.speakers, **settings)
    compared = zip(_rows(keys, intervals, settings["method"]), intervals.p, strict=True)
    rows = [row | {"p": p, "p_adjusted": np.nan} for row, p in compared]

    def family(row: dict[str, Any]) -> str | None:
        return row["against"] if row["form"] != "control" and row["metric"] == PROPER[0] else None

    return adjust_rows(rows, "holm", family)
