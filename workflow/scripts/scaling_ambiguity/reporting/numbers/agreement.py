"""Numbers about the agreement among raters and the alternative annotator test."""

import pandas as pd

from scaling_ambiguity.reporting.numbers.registry import Numbers
from scaling_ambiguity.reporting.selection import pick
from scaling_ambiguity.reporting.tables.agreement import CONSTANT, verdict
from scaling_ambiguity.reporting.text import percent


def add_agreement(numbers: Numbers, table: pd.DataFrame, annotator: str) -> None:
    """Define ``agreement.*`` from one table of agree_votes; ``ratersjudged``: raters were tested, too."""
    joined, own = f"human+synthetic-{annotator}", f"synthetic-{annotator}"
    numbers.estimate("agreement.pairwise", table, labels="human", metric="pairwise_agreement")
    numbers.estimate("agreement.alpha", table, labels="human", metric="krippendorff_alpha")
    numbers.estimate("agreement.alpha.joined", table, labels=joined, metric="krippendorff_alpha")
    tests = pick(table, metric=["alt_test_winning_rate", "alt_test_advantage"])
    tests = tests[tests["estimate"].notna()]
    numbers.switch("ratersjudged", bool(len(tests)))
    if tests.empty:
        return
    for key, labels in (("rate", own), ("constant", CONSTANT)):
        wanted = {"labels": labels, "metric": "alt_test_winning_rate"}
        row = pick(tests, **wanted).iloc[0]
        value, file = float(row["estimate"]), row["file"]
        numbers.value(f"agreement.alt.{key}", value, percent(value), file=file, column="estimate", rows=wanted)
    numbers.words("agreement.alt.verdict", _said(verdict(tests, own)), ["agreement.alt.rate", "agreement.alt.constant"])


def _said(words: str) -> str:
    return "may not replace a rater, being no better than a constant answer" if words.startswith("withheld") else words
