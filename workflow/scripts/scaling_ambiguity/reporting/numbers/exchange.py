"""Numbers about the exchange rate and its validation with proxies of known worth."""

from typing import Any

import numpy as np
import pandas as pd

from scaling_ambiguity.inference.exchange_rows import REFUSED
from scaling_ambiguity.reporting.naming import LEVELS
from scaling_ambiguity.reporting.numbers.registry import ABSENT, Number, Numbers, address
from scaling_ambiguity.reporting.selection import need, no_wider, one, pick
from scaling_ambiguity.reporting.tables.booktabs import plain_cell
from scaling_ambiguity.reporting.tables.exchange import votes_cell
from scaling_ambiguity.reporting.text import bounds, count, joined, number
from scaling_ambiguity.reporting.words import FEW_SPEAKERS, equivalent
from scaling_ambiguity.tables.statistics import LIKE_THESE, THESE

UNDERCOVERS = "which would cover too little"
NOT_READ = {  # why an annotator has no distribution to read out; inference.exchange_rows.NO_READ_OUT
    "replayed": "its votes are those of humans",
    "table": "its votes were given as a table",
    "server": "a server was asked for answers, not for the probabilities of all labels",
    "published": "its published answers hold no probabilities of labels",
    "stated": "every answer states a distribution of its own",
    "reasoned": "it reasons before it names a label",
    "searched": "its answers are those of a beam search, not draws",
}


def add_exchange(numbers: Numbers, table: pd.DataFrame, level: float) -> None:
    """Define ``exchange.*`` from one table of estimate_exchange_rate."""
    everyone, table = table, pick(table, population=THESE)
    human = need(table, "exchange", labels="human", metric="nll")
    largest = float(human["votes"].max())
    file = human["file"].iloc[0]
    n = int(human["n"].max())
    rows = {"labels": "human", "metric": "nll"}
    rows["population"] = THESE
    common: dict[str, Any] = {"file": file, "function": "max", "rows": rows, "n": n}
    numbers.value("exchange.largest", largest, f"{largest:.0f}", column="votes", **common)
    numbers.value("exchange.utterances", n, count(n), column="n", **common)
    sizes = need(table, "exchange", labels="weighted", metric="equivalent_votes")["votes"]
    m = float(sizes[np.isfinite(sizes)].max())
    rows = {"labels": "weighted", "metric": "equivalent_votes", "population": THESE}
    common |= {"function": "largest finite", "rows": rows}
    numbers.value("exchange.m", m, f"{m:.0f}", column="votes", **common)
    for votes, key in ((0.0, "none"), (1.0, "one"), (largest, "all")):
        numbers.estimate(f"exchange.human.{key}", table, labels="human", metric="nll", votes=votes)
    for labels, name in (("as_pooled", "pooled"), ("weighted", "weighted"), ("calibrated", "calibrated")):
        optional = labels == "calibrated"
        numbers.estimate(f"exchange.{name}.nll", table, optional=optional, labels=labels, metric="nll", votes=m)
        common = {"labels": labels, "metric": "equivalent_votes", "votes": m}
        _equivalent(numbers, f"exchange.{name}", table, largest, level, optional=optional, **common)
    _add_price(numbers, table, largest, m)
    _add_short(numbers, table, largest, m)
    numbers.estimate("exchange.weight", table, digits=2, labels="weighted", metric="weight", votes=m)
    numbers.switch("calibratedrefused", bool((pick(table, labels="calibrated")["method"] == REFUSED).any()))
    calibrated_all: dict[str, Any] = {"labels": "calibrated-human", "metric": "nll", "votes": largest}
    numbers.estimate("exchange.human.calibrated", table, optional=True, **calibrated_all)
    across = pick(everyone, population=LIKE_THESE, labels="weighted", metric="equivalent_votes", votes=m)
    numbers.switch("crossedraters", bool(len(across)))
    subset = pick(table, labels="weighted", metric="equivalent_votes", votes=m)
    numbers.switch("crossedalone", len(across) > 0 and no_wider(across.iloc[0], subset.iloc[0], 2))
    if len(across) and not numbers.switches["crossedalone"]:
        wanted: dict[str, Any] = {
            "labels": "weighted",
            "metric": "equivalent_votes",
            "votes": m,
            "population": LIKE_THESE,
        }
        _equivalent(numbers, "exchange.crossed", everyone, largest, level, **wanted)
    _add_read_out(numbers, table, largest, level)
    _add_gains(numbers, everyone, largest, m)
    _add_shares(numbers, table)


def _add_price(numbers: Numbers, table: pd.DataFrame, largest: float, m: float) -> None:
    """Define ``exchange.price.*``, in prices of a human vote: below it synthetic votes cost less than they are worth.

    ``all``: of one of the m votes of an utterance, k* / m; ``one``: of a single vote per utterance. ``pricedalone``:
    single votes were valued too.
    """
    wanted: dict[str, Any] = {"labels": "weighted", "metric": "equivalent_votes"}
    numbers.switch("pricedalone", m > 1 and bool(len(pick(table, votes=1.0, **wanted))))
    for name, votes in (("all", m), ("one", 1.0)) if numbers.switches["pricedalone"] else (("all", m),):
        row = one(table, "exchange.price", votes=votes, **wanted)
        estimate, low, high = (float(row[column]) / votes for column in ("estimate", "low", "high"))
        beyond = row["one_sided"] == "low" and estimate * votes >= largest
        value = f"$>${number(largest / votes)}" if beyond else number(estimate)
        common = {"file": row["file"], "column": "estimate", "rows": address(row), "n": int(row["n"])}
        numbers.add(
            Number(
                f"exchange.price.{name}",
                f"{value} {bounds(low, high)}".strip(),
                estimate,
                function="per vote",
                **common,
            )
        )


def _add_short(numbers: Numbers, table: pd.DataFrame, largest: float, m: float) -> None:
    """Define ``exchange.short.*``, the worth with its interval in brackets: of ``one`` vote, of ``all`` m."""
    wanted: dict[str, Any] = {"labels": "weighted", "metric": "equivalent_votes"}
    for name, votes in (("all", m), ("one", 1.0)) if numbers.switches["pricedalone"] else (("all", m),):
        row = one(table, "exchange.short", votes=votes, **wanted)
        numbers.cell(f"exchange.short.{name}", row, "estimate", plain_cell(votes_cell(row, largest)))


def _add_read_out(numbers: Numbers, table: pd.DataFrame, largest: float, level: float) -> None:
    """Define ``exchange.readout``, the limit of infinitely many synthetic votes, or why there is none."""
    common: dict[str, Any] = {"labels": "weighted", "metric": "equivalent_votes", "votes": float("inf")}
    limit = pick(table, **common)
    if limit["estimate"].notna().any():
        _equivalent(numbers, "exchange.readout", table, largest, level, **common)
        return
    method = limit["method"].iloc[0] if len(limit) else ""
    reason = NOT_READ.get(method.removeprefix("not_available_"))
    numbers.words("exchange.readout.words", f"not available: {reason}" if reason else "not available", ["exchange.m"])


def _add_gains(numbers: Numbers, everyone: pd.DataFrame, largest: float, m: float) -> None:
    """Define ``exchange.gain.*`` and, minus the echo's gain, ``exchange.net.*``, over k typical human votes.

    ``gaincrossed``: resampling the raters too widens the interval, which is then ``exchange.gain.crossed``.
    """
    table = pick(everyone, population=THESE)
    typical = pick(table, labels="human", metric="typical_votes")
    k = int(typical["estimate"].iloc[0]) if len(typical) else 1
    if len(typical):
        numbers.estimate("exchange.typical", table, digits=0, labels="human", metric="typical_votes")
    else:
        numbers.words("exchange.typical", "1", ["exchange.m"])
    numbers.switch("gainsbeside", k > 0)
    names = {"weighted": "weighted", "calibrated": "calibrated", "echo": "echo", "calibrated-echo": "echo.calibrated"}
    keys = [(f"exchange.gain.{name}", labels, f"gain_k{k}") for labels, name in names.items()]
    keys += [(f"exchange.net.{labels}", labels, f"net_gain_k{k}") for labels in ("weighted", "calibrated")]
    for key, labels, metric in keys:
        common: dict[str, Any] = {"labels": labels, "metric": metric, "votes": m}
        rows = pick(table, **common)
        beyond = len(rows) > 0 and rows["one_sided"].iloc[0] == "low" and rows["estimate"].iloc[0] + k >= largest
        if beyond:  # the corpus cannot show more, see votes_cell
            numbers.cell(key, rows.iloc[0], "estimate", plain_cell(votes_cell(rows.iloc[0], largest, offset=k)))
        else:
            numbers.estimate(key, table, digits=2, optional=True, **common)
    wanted: dict[str, Any] = {"labels": "weighted", "metric": f"gain_k{k}", "votes": m}
    these, like = pick(table, **wanted), pick(everyone, population=LIKE_THESE, **wanted)
    known = like[["low", "high"]].notna().any(axis=None)
    wider = len(these) > 0 and bool(known) and not no_wider(like.iloc[0], these.iloc[0], 2)
    numbers.switch("gaincrossed", wider)
    if wider:
        cell = plain_cell(votes_cell(like.iloc[0], largest, offset=k))
        numbers.cell("exchange.gain.crossed", like.iloc[0], "estimate", cell)


def _equivalent(
    numbers: Numbers, key: str, table: pd.DataFrame, largest: float, level: float, *, optional: bool = False,
    bound: str = "exchange.largest", **common: Any,
) -> None:  # fmt: skip
    """Define a number of equivalent votes and, with the ending ``.words``, its wording."""
    row = numbers.estimate(key, table, digits=2, optional=optional, **common)
    if row is None:
        numbers.words(f"{key}.words", ABSENT, [key])
        return
    why = UNDERCOVERS if row["method"] == REFUSED else FEW_SPEAKERS
    estimate, low, high = (float(row[column]) for column in ("estimate", "low", "high"))
    text = equivalent(estimate, low, high, largest, level, why)
    numbers.words(f"{key}.words", text, [key, bound])


def _add_shares(numbers: Numbers, table: pd.DataFrame) -> None:
    """Define ``shares.*``: the class shares of the corpus from few human votes, with and without synthetic ones."""
    rows = table[table["metric"] == "ppi_ratio"].sort_values("estimate", kind="stable")
    numbers.switch("classshares", bool(len(rows)))
    if rows.empty:
        return
    votes = float(rows["votes"].iloc[0])
    numbers.cell("shares.votes", rows.iloc[0], "votes", f"{votes:.0f}")
    for key, row in (("least", rows.iloc[0]), ("most", rows.iloc[-1])):
        name = row["stratum"].removeprefix("class=")
        common = {"metric": "ppi_ratio", "stratum": row["stratum"]}
        numbers.estimate(f"shares.ratio.{key}", table, digits=2, **common)
        numbers.words(f"shares.ratio.{key}.class", name, [f"shares.ratio.{key}"])
    better, losses = int((rows["estimate"] > 1).sum()), int((rows["estimate"] < 1).sum())
    text = f"{better} of {len(rows)} classes gain and {losses} lose precision"
    numbers.words("shares.gains", text, ["shares.ratio.least", "shares.ratio.most"])


def add_exchange_by_level(numbers: Numbers, table: pd.DataFrame, level: float) -> None:
    """Define ``exchange.level.*`` from one table of estimate_exchange_by_level; ``exchangeleveled``: it has any."""
    table = pick(table, population=THESE)
    rows = pick(table, metric="nll", labels="human")
    numbers.switch("exchangeleveled", bool(len(rows)))
    if rows.empty:
        return
    largest, file = float(rows["votes"].max()), rows["file"].iloc[0]
    common: dict[str, Any] = {"file": file, "function": "max", "rows": {"labels": "human", "metric": "nll"}}
    numbers.value("exchange.level.largest", largest, f"{largest:.0f}", column="votes", **common)
    common = {"metric": "equivalent_votes", "optional": True, "bound": "exchange.level.largest"}
    used = pick(table, labels="human", metric="utterances_used")
    for key, column in (("exchange.level.utterances", "estimate"), ("exchange.level.corpus", "n")):
        if len(used):
            numbers.cell(key, used.iloc[0], column, count(int(used[column].iloc[0])))
        else:
            numbers.absent(key)
    for stratum in LEVELS:
        for labels, name in (("weighted", stratum), ("calibrated", f"calibrated.{stratum}")):
            key = f"exchange.level.{name}"
            _equivalent(numbers, key, table, largest, level, labels=labels, stratum=stratum, **common)
    fresh = pick(table, metric="equivalent_votes")
    fresh = fresh[fresh["labels"].str.startswith("fresh-")]
    if len(fresh):
        inside = (fresh["low"] <= fresh["votes"]) & (fresh["high"].isna() | (fresh["votes"] <= fresh["high"]))
        text = f"{int(inside.sum())} of {len(fresh)}"
        numbers.words("validation.level.hits", text, ["exchange.level.largest"])


def add_validation(numbers: Numbers, table: pd.DataFrame, simulated: bool) -> None:
    """Define ``validation.*`` of a simulated corpus: proxies whose worth is known by construction."""
    if not simulated:
        return
    table = pick(table, population=THESE)
    fresh = pick(table, metric="equivalent_votes")
    fresh = fresh[fresh["labels"].str.startswith("fresh-")].copy()
    fresh = need(fresh, "validation", metric="equivalent_votes")
    fresh["known"] = fresh["labels"].str.removeprefix("fresh-").astype(int)
    fresh = fresh.sort_values("known")
    keys, texts, hits = [], [], 0
    for row in fresh.itertuples():
        key = f"validation.fresh-{row.known}"
        numbers.estimate(key, table, digits=2, labels=row.labels, metric="equivalent_votes")
        keys.append(key)
        between = bounds(row.low, row.high, 2)
        raters = f"{row.known} rater{'s' if row.known != 1 else ''}"
        texts.append(f"{number(row.estimate, 2)} {between} ({raters})".replace("  ", " "))
        low = row.low if pd.notna(row.low) else float("-inf")
        high = row.high if pd.notna(row.high) else float("inf")
        hits += int(low <= row.known <= high)
    numbers.words("validation.fresh", joined(texts), keys)
    numbers.words("validation.hits", f"{hits} of {len(fresh)}", keys)
    for labels in ("noise", "shuffled"):
        numbers.estimate(f"validation.{labels}", table, digits=2, labels=labels, metric="equivalent_votes")
