"""Numbers about the exchange rate and its validation with proxies of known worth."""

import pandas as pd

from scaling_ambiguity.reporting.naming import LEVELS
from scaling_ambiguity.reporting.numbers.registry import NOT_RUN, Numbers
from scaling_ambiguity.reporting.selection import need, pick
from scaling_ambiguity.reporting.text import bounds, count, joined, number
from scaling_ambiguity.reporting.words import equivalent


def add_exchange(numbers: Numbers, table: pd.DataFrame, level: float) -> None:
    """Define ``exchange.*`` from one table of estimate_exchange_rate."""
    everyone, table = table, pick(table, population="these raters")
    human = need(table, "exchange", labels="human", metric="nll")
    largest = float(human["votes"].max())
    file = human["file"].iloc[0]
    n = int(human["n"].max())
    rows = {"labels": "human", "metric": "nll"}
    numbers.value("exchange.largest", largest, f"{largest:.0f}", file=file, column="votes", rows=rows, n=n)
    numbers.value("exchange.utterances", n, count(n), file=file, column="n", rows=rows, n=n)
    m = float(need(table, "exchange", labels="weighted", metric="equivalent_votes")["votes"].max())
    numbers.value("exchange.m", m, f"{m:.0f}", file=file, column="votes", rows={"labels": "weighted"}, n=n)
    for votes, key in ((0.0, "none"), (1.0, "one"), (largest, "all")):
        numbers.estimate(f"exchange.human.{key}", table, labels="human", metric="nll", votes=votes)
    for labels, name in (("as_pooled", "pooled"), ("weighted", "weighted")):
        numbers.estimate(f"exchange.{name}.nll", table, labels=labels, metric="nll", votes=m)
        row = numbers.estimate(f"exchange.{name}", table, digits=2, labels=labels, metric="equivalent_votes", votes=m)
        text = equivalent(*(float(row[column]) for column in ("estimate", "low", "high")), largest, level)
        numbers.words(f"exchange.{name}.words", text, [f"exchange.{name}", "exchange.largest"])
    numbers.estimate("exchange.worth", table, digits=2, labels="weighted", metric="worth", votes=m)
    across = pick(everyone, population="raters like these", labels="weighted", metric="equivalent_votes", votes=m)
    numbers.switch("crossedraters", bool(len(across)))
    if len(across):
        wanted = {"labels": "weighted", "metric": "equivalent_votes", "votes": m, "population": "raters like these"}
        row = numbers.estimate("exchange.crossed", everyone, digits=2, **wanted)
        text = equivalent(*(float(row[column]) for column in ("estimate", "low", "high")), largest, level)
        numbers.words("exchange.crossed.words", text, ["exchange.crossed", "exchange.largest"])


def add_exchange_by_level(numbers: Numbers, table: pd.DataFrame, level: float) -> None:
    """Define ``exchange.level.*`` from one table of estimate_exchange_by_level; ``exchangeleveled``: if it has any."""
    rows = pick(table, metric="nll", labels="human")
    numbers.switch("exchangeleveled", bool(len(rows)))
    if rows.empty:
        return
    largest, file = float(rows["votes"].max()), rows["file"].iloc[0]
    wanted = {"labels": "human", "metric": "nll"}
    numbers.value("exchange.level.largest", largest, f"{largest:.0f}", file=file, column="votes", rows=wanted)
    for stratum in LEVELS:
        key, about = (
            f"exchange.level.{stratum}",
            {"labels": "weighted", "metric": "equivalent_votes", "stratum": stratum},
        )
        row = numbers.estimate(key, table, digits=2, optional=True, **about)
        if row is None:
            numbers.words(f"{key}.words", NOT_RUN, [key])
            continue
        text = equivalent(*(float(row[column]) for column in ("estimate", "low", "high")), largest, level)
        numbers.words(f"{key}.words", text, [key, "exchange.level.largest"])


def add_validation(numbers: Numbers, table: pd.DataFrame) -> None:
    """Define ``validation.*``: proxies whose worth is known because they were made for it."""
    table = pick(table, population="these raters")
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
