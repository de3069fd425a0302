"""Numbers about the levels of ambiguity: their edges, the utterances in each, and their reliability."""

import math
from typing import Any

import pandas as pd

from scaling_ambiguity.labels.levels import RELIABILITY, attainable_agreement
from scaling_ambiguity.reporting.naming import LEVELS
from scaling_ambiguity.reporting.numbers.registry import Numbers
from scaling_ambiguity.reporting.selection import need, pick
from scaling_ambiguity.reporting.text import count, joined, number
from scaling_ambiguity.reporting.words import trend
from scaling_ambiguity.tables.statistics import THESE

RELIABLE = 0.5  # below this, more than half of the variance of a level's votes is chance
MEASURES = {
    "agreement": "the pairwise agreement",
    "entropy": "the normalised entropy",
    "pattern": "the share of the largest class",
    "faithful": "the entropy over the logarithm of the number of labels present",
}


def add_levels(numbers: Numbers, table: pd.DataFrame, definition: dict[str, Any], classes: list[str]) -> None:
    """Define ``levels.*`` from one table of align_votes; ``levelsnoisy``: their reliability is not known to reach .5.

    ``levels.note`` summarises them for captions; the numbers of utterances are means per deal.

    Args:
        numbers: With the switch ``leveled``.
        table: Rows of :func:`labels.levels.report_rows` among them.
        definition: The protocol's ``levels``: definition, and votes unless it uses all of them.
        classes: The class set.
    """
    if not numbers.switches["leveled"]:
        numbers.switch("levelsnoisy", False)
        return
    numbers.estimate(
        "levels.reliability", table, digits=2, interval=False, optional=True, metric=RELIABILITY, stratum="all"
    )
    value = numbers["levels.reliability"].value
    reliability = math.nan if value is None else float(value)
    numbers.switch("levelsnoisy", not reliability >= RELIABLE)
    edges, at_edges = [], []
    for end in ("lower", "upper"):
        rows = need(table, "levels", metric=f"level_{end}_edge")
        least, most = (number(float(value), 2) for value in (rows["estimate"].min(), rows["estimate"].max()))
        edges.append(least if least == most else f"{least} to {most}")
        for _, row in rows.iterrows():
            wanted = {"metric": row["metric"], "stratum": row["stratum"]}
            at_edges.append(f"levels.{end}.{row['stratum'].partition('=')[2]}")
            numbers.estimate(at_edges[-1], table, interval=False, **wanted)
    sizes = []
    for level in LEVELS:
        rows = pick(table, stratum=level, metric="nll", labels="human-smoothed", population=THESE)
        if len(rows):
            numbers.cell(f"levels.{level}", rows.iloc[0], "n", count(rows["n"].iloc[0]))
        else:
            numbers.absent(f"levels.{level}")
        sizes.append(f"{count(rows['n'].iloc[0]) if len(rows) else 'none'} of {level}")
    name = definition["definition"]
    whose = "all votes of an utterance" if name == "faithful" else f"{definition['votes']} votes of an utterance"
    forced = name == "agreement" and len(attainable_agreement(int(definition["votes"]), len(classes))) == 3
    only = ", the only pair that so many votes allow" if forced else ""
    keys = ["levels.reliability", *(f"levels.{level}" for level in LEVELS)]
    keys += at_edges
    said = "not known" if math.isnan(reliability) else number(reliability, 2)
    noise = ", so that a level is mostly noise" if reliability < RELIABLE else ""
    numbers.words(
        "levels.note",
        f"Levels: {MEASURES[name]} of {whose}, edges at {joined(edges)}{only}. In the alignment, there "
        f"are {joined(sizes)} ambiguity per deal. The reliability of a level is {said}{noise}.",
        keys,
    )  # fmt: skip


def add_trend(numbers: Numbers, key: str, change: str) -> None:
    """Define the verb for the number ``change``, the change from low to high ambiguity with its interval."""
    low, high = (math.nan if end is None else float(end) for end in (numbers[change].low, numbers[change].high))
    numbers.words(key, trend(low, high), [change])
