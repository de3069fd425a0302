"""Rows of the statistics table about the exchange rate: losses, equivalent votes, gains and worths."""

from typing import Any

import numpy as np

from scaling_ambiguity.inference.exchange import EquivalentVotes
from scaling_ambiguity.inference.exchange_losses import ECHO, HUMAN, WHOLE, ExchangeLosses, Key, ruler_of
from scaling_ambiguity.inference.exchange_predictors import FittedWeights
from scaling_ambiguity.tables.statistics import LIKE_THESE, THESE

# Reasons why an annotator has no distribution to read out.
NO_READ_OUT = ("replayed", "table", "server", "published", "stated", "reasoned", "searched")
_OF_WHOLE: dict[str, Any] = {"stratum": WHOLE, "population": THESE, "reference": "human"}
REFUSED = "refused"  # method of an estimate whose interval is known to undercover and is omitted


def stratum_rows(
    losses: ExchangeLosses,
    stratum: str,
    settings: dict[str, Any],
    of_known_worth: set[Key],
    refused: tuple[str, ...] = (),
) -> list[dict]:
    """Return every row about one stratum.

    Metrics, with ``votes`` the number m of synthetic votes (k for ``human`` and ``calibrated-human``): ``nll``,
    ``nll_minus_prior`` and ``equivalent_votes`` of synthetic votes alone; ``nll_k{k}``, ``nll_k{k}_minus_human``,
    ``nll_k{k}_minus_echo`` (nats per vote), ``gain_k{k}`` and, minus the gain of an echo of the k, ``net_gain_k{k}``
    (human votes) of synthetic votes combined with k human ones. ``n`` is the mean number of utterances per deal.

    Args:
        losses: The predictors' losses.
        stratum: All utterances, or a level.
        settings: Settings of the intervals.
        of_known_worth: Predictors whose worth is known.
        refused: Prefixes of predictors whose interval is not known to cover; it is omitted.
    """
    columns = _loss_columns(losses, stratum)
    intervals = losses.interval(stratum, settings)(np.stack([column for *_, column in columns], axis=1))
    row_key = {"stratum": stratum, "population": THESE, "n": intervals.n}
    row_key |= {"n_clusters": intervals.n_clusters, "method": settings["method"]}
    rows = [
        row_key | {"labels": name, "metric": metric, "votes": votes} | intervals.row(i, tested="_minus_" in metric)
        for i, (name, metric, votes, _) in enumerate(columns)
    ]
    worths = [(THESE, "", *value) for value in losses.values(stratum, settings)]
    worths += [(LIKE_THESE, "", *value) for value in losses.values_across(stratum, settings)]
    worths += [(THESE, "net_", key, value, "test_inversion") for key, value in losses.net_values(stratum, settings)]
    for population, prefix, key, value, method in worths:
        row = value_row(key, value, losses.world.largest)
        row |= {"metric": prefix + row["metric"], "method": method}
        if key[0].startswith(refused):
            if population == LIKE_THESE:
                continue  # only the interval would differ
            beyond = value.one_sided == "low" and value.estimate >= losses.world.largest
            row |= {"low": np.nan, "high": np.nan, "one_sided": "low" if beyond else "no", "method": REFUSED}
        rows.append(row_key | {"population": population} | row)
    truths = {(name, m) for name, _, m in of_known_worth}
    for row in rows:
        row["reference"] = "truth" if (row["labels"], row["votes"]) in truths else "human"
    return rows


def _loss_columns(losses: ExchangeLosses, stratum: str) -> list[tuple[str, str, float, np.ndarray]]:
    """Return labels, metric, votes and values (U,) of every loss, and of its difference from that of no or k votes."""
    columns: list[tuple[str, str, float, np.ndarray]] = []
    curves = {ruler: losses.columns(stratum, losses.people(ruler)) for ruler in losses.rulers()}
    for ruler, curve in curves.items():
        columns += [(ruler, "nll", k, column) for k, column in enumerate(curve.T)]
    keys = losses.keys()
    for key in keys:
        name, k, m = key
        own_loss = losses.columns(stratum, [key])[:, 0]
        suffix = f"_k{k}" if k else ""
        columns.append((name, f"nll{suffix}", m, own_loss))
        reference = curves[ruler_of(name)][:, k]
        columns.append((name, f"nll{suffix}_minus_{'human' if k else 'prior'}", m, own_loss - reference))
        control = (ECHO.get(name), k, m)
        if control in keys:
            columns.append((name, f"nll{suffix}_minus_echo", m, own_loss - losses.columns(stratum, [control])[:, 0]))
    return columns


def value_row(key: Key, value: EquivalentVotes, largest: int) -> dict[str, Any]:
    """Return equivalent votes of m synthetic votes; combined with k human votes, the gain over these."""
    name, k, m = key
    numbers = {"estimate": value.estimate - k, "low": value.low - k, "high": value.high - k}
    metric = f"gain_k{k}" if k else "equivalent_votes"
    return {"labels": name, "metric": metric, "votes": m, "one_sided": value.one_sided} | numbers


def weight_rows(weights: FittedWeights, n: int, n_clusters: int) -> list[dict]:
    """Return the weight of one synthetic vote: ``weight``, and ``weight_k{k}`` in combination with k human votes.

    For the calibrated variant ``row_sum`` and ``row_sum_k{k}``: the mean row sum of M, without an interval.
    """
    rows = []
    for (name, k, m), weight in weights.items():
        method = "jackknife_t" if np.isfinite(weight.low) else "point"
        metric = "row_sum" if name == "calibrated" else "weight"
        row = {"labels": name, "metric": f"{metric}_k{k}" if k else metric, "votes": m, "method": method}
        row |= {"estimate": weight.overall, "low": weight.low, "high": weight.high}
        rows.append(_OF_WHOLE | row | {"n": n, "n_clusters": n_clusters})
    return rows


def typical_row(votes: np.ndarray, largest: int, n: int) -> dict[str, Any]:
    """Return the row with the number k of human votes relative to which a gain is quoted: the corpus' median.

    At most K - 2, so that a gain of up to two votes can be read off the curve; 1 where K is 2, 0 where K is 1.

    Args:
        votes: (U,) human votes of every utterance of the corpus.
        largest: K, the end of the curve.
        n: Number of utterances behind the curve.
    """
    positive = votes[votes > 0]
    typical = min(int(np.median(positive)), max(largest - 2, 1), largest - 1)
    return _OF_WHOLE | {"labels": HUMAN, "metric": "typical_votes", "estimate": typical, "method": "median", "n": n}


def used_row(used: int, everyone: int) -> dict[str, Any]:
    """Return the row with the number of the corpus' utterances (``n``) that have enough votes for an analysis."""
    row = {"labels": HUMAN, "metric": "utterances_used", "estimate": used, "method": "count"}
    return _OF_WHOLE | row | {"n": everyone}


def unavailable_read_out(reason: str) -> dict[str, Any]:
    """Return the row stating that the limit of infinitely many synthetic votes is not known.

    The ``reason``, one of ``NO_READ_OUT``, ends the method ``not_available_...``; nothing is extrapolated.
    """
    row = {"labels": "weighted", "metric": "equivalent_votes", "votes": np.inf}
    return _OF_WHOLE | row | {"method": f"not_available_{reason}"}
