"""Rows of the statistics table about the exchange rate: losses, equivalent votes, gains and worths."""

from typing import Any

import numpy as np

from scaling_ambiguity.inference.crossed import POPULATION
from scaling_ambiguity.inference.exchange import EquivalentVotes
from scaling_ambiguity.inference.exchange_losses import ExchangeLosses, Key
from scaling_ambiguity.inference.exchange_predictors import Worths

THESE = "these raters"
CONTROLLED = ("weighted", "calibrated")


def stratum_rows(losses: ExchangeLosses, stratum: str, settings: dict[str, Any], known: set[Key]) -> list[dict]:
    """Return every row about one stratum.

    Metrics, with ``votes`` the number m of synthetic votes (k for ``human``): ``nll``, ``nll_minus_prior``
    and ``equivalent_votes`` of synthetic votes alone; ``nll_k{k}``, ``nll_k{k}_minus_human``, ``nll_k{k}_minus_echo``
    (nats per vote) and ``gain_k{k}`` (human votes) of synthetic votes beside k human ones.
    """
    people, keys = losses.people(), losses.keys()
    columns: list[tuple[str, str, float, np.ndarray]] = []
    curve = losses.columns(stratum, people)
    for (_, k, _), column in zip(people, curve.T, strict=True):
        columns.append(("human", "nll", k, column))
    for key in keys:
        name, k, m = key
        own = losses.columns(stratum, [key])[:, 0]
        suffix = f"_k{k}" if k else ""
        columns.append((name, f"nll{suffix}", m, own))
        columns.append((name, f"nll{suffix}_minus_{'human' if k else 'prior'}", m, own - curve[:, k]))
        if name in CONTROLLED and ("echo", k, m) in keys:
            other = losses.columns(stratum, [("echo", k, m)])[:, 0]
            columns.append((name, f"nll{suffix}_minus_echo", m, own - other))
    found = losses.interval(stratum, settings)(np.stack([column for *_, column in columns], axis=1))
    about = {"stratum": stratum, "population": THESE, "n": found.n, "n_clusters": found.n_clusters}
    about["method"] = settings["method"]
    rows = []
    for i, (name, metric, votes, _) in enumerate(columns):
        values = {"estimate": found.estimate[i], "low": found.low[i], "high": found.high[i]}
        if "_minus_" in metric:
            values |= {"p": found.p[i], "p_least": found.p_least}
        rows.append(about | {"labels": name, "metric": metric, "votes": votes} | values)
    for population, values in (
        (THESE, losses.values(stratum, settings)),
        (POPULATION, losses.values_across(stratum, settings)),
    ):
        for key, value, method in values:
            more = {"population": population, "method": method}
            rows.append(about | more | value_row(key, value, losses.world.largest))
    truths = {(name, m) for name, _, m in known}
    for row in rows:
        row["reference"] = "truth" if (row["labels"], row["votes"]) in truths else "human"
    return rows


def value_row(key: Key, value: EquivalentVotes, largest: int) -> dict[str, Any]:
    """Return equivalent votes of m synthetic votes; beside k human votes, the gain over these."""
    name, k, m = key
    numbers = {"estimate": value.estimate - k, "low": value.low - k, "high": value.high - k}
    metric = f"gain_k{k}" if k else "equivalent_votes"
    return {"labels": name, "metric": metric, "votes": m, "one_sided": value.one_sided} | numbers


def worth_rows(worths: Worths, n: int, n_clusters: int) -> list[dict]:
    """Return the human votes that one synthetic vote counts as, ``worth`` and beside k human votes ``worth_k{k}``.

    Of the calibrated variant ``row_sum`` and ``row_sum_k{k}``: the mean row sum of M, without an interval.
    """
    rows = []
    for (name, k, m), worth in worths.items():
        method = "jackknife_t" if np.isfinite(worth.low) else "point"
        metric = "row_sum" if name == "calibrated" else "worth"
        row = {"labels": name, "metric": f"{metric}_k{k}" if k else metric, "votes": m, "stratum": "all"}
        row |= {"estimate": worth.overall, "low": worth.low, "high": worth.high, "method": method}
        rows.append(row | {"population": THESE, "reference": "human", "n": n, "n_clusters": n_clusters})
    return rows


def unavailable_read_out() -> dict[str, Any]:
    """Return the row that says that the limit of infinitely many synthetic votes is not known.

    An annotator that only samples has no read-out distribution, and nothing is extrapolated.
    """
    return {"labels": "weighted", "metric": "equivalent_votes", "votes": np.inf, "stratum": "all"} | {
        "population": THESE, "reference": "human", "method": "not_available",
    }  # fmt: skip
