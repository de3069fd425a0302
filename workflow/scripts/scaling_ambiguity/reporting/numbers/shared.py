"""Numbers about the effect of shared votes on results by level."""

import pandas as pd

from scaling_ambiguity.reporting.naming import LEVELS
from scaling_ambiguity.reporting.numbers.registry import Numbers
from scaling_ambiguity.reporting.selection import one, pick
from scaling_ambiguity.reporting.words import equivalent

ARRANGEMENTS = {"all": "shared-all", "disjoint": "disjoint"}
SHOWN = [("withheld", "withheld-2", "all"), ("withheld", "withheld-2", "disjoint"), ("shuffled", "shuffled", "all")]


def add_shared(numbers: Numbers, table: pd.DataFrame, level: float) -> None:
    """Define ``shared.*`` from one table of trace_shared_votes; ``sharedvotes``: the corpus has enough votes."""
    rows = pick(table, metric="equivalent_votes")
    numbers.switch("sharedvotes", bool(rows["estimate"].notna().any()))
    if not numbers.switches["sharedvotes"]:
        return
    largest = float(pick(table, labels="human", metric="nll")["votes"].max())
    for name, labels, key in SHOWN:
        for stratum in LEVELS if name == "withheld" else ("high",):
            wanted = {"labels": labels, "stratum": stratum, "metric": "equivalent_votes", "method": ARRANGEMENTS[key]}
            matches = pick(table, **wanted)
            if matches.empty:
                numbers.absent(f"shared.{name}.{key}.{stratum}")
                continue
            row = one(matches, "shared votes", **wanted)
            estimate, low, high = (float(row[column]) for column in ("estimate", "low", "high"))
            text = equivalent(estimate, low, high, largest, level)
            numbers.cell(f"shared.{name}.{key}.{stratum}", row, "estimate", text)
