"""Numbers about the agreement among raters and the alternative annotator test."""

import numpy as np
import pandas as pd

from scaling_ambiguity.reporting.naming import escape_latex
from scaling_ambiguity.reporting.numbers.registry import Numbers
from scaling_ambiguity.reporting.selection import one, pick
from scaling_ambiguity.reporting.tables.agreement import CONSTANT, matrix_of, verdict
from scaling_ambiguity.reporting.text import count, percent


def add_agreement(numbers: Numbers, table: pd.DataFrame, annotator: str) -> None:
    """Define ``agreement.*`` from one table of agree_votes; ``ratersjudged``: raters were also tested."""
    joined, own = f"human+synthetic-{annotator}", f"synthetic-{annotator}"
    numbers.estimate("agreement.pairwise", table, labels="human", metric="pairwise_agreement")
    numbers.estimate("agreement.alpha", table, labels="human", metric="krippendorff_alpha")
    numbers.estimate("agreement.alpha.joined", table, labels=joined, metric="krippendorff_alpha")
    _add_confusion(numbers, table, own)
    tests = pick(table, metric=["alt_test_winning_rate", "alt_test_advantage"])
    tests = tests[tests["estimate"].notna()]
    numbers.switch("ratersjudged", bool(len(tests)))
    if tests.empty:
        return
    for key, labels in (("rate", own), ("constant", CONSTANT)):
        wanted = {"labels": labels, "metric": "alt_test_winning_rate"}
        row = pick(tests, **wanted).iloc[0]
        numbers.cell(f"agreement.alt.{key}", row, "estimate", percent(float(row["estimate"])))
        if key == "rate":
            numbers.cell("agreement.alt.raters", row, "n_clusters", count(row["n_clusters"]))
            numbers.cell("agreement.alt.margin", row, "method", row["method"].removeprefix("alt_test_"))
    numbers.words("agreement.alt.verdict", _said(verdict(tests, own)), ["agreement.alt.rate", "agreement.alt.constant"])


def _add_confusion(numbers: Numbers, table: pd.DataFrame, own: str) -> None:
    """Define ``agreement.named.*``, means over classes, and the confusion that is most the ALM's own."""
    people, alm = matrix_of(table, "people"), matrix_of(table, own)
    file = table["file"].iloc[0]
    for key, labels, matrix in (("people", "people", people), ("synthetic", own, alm)):
        value = float(np.diag(matrix).mean())
        rows = {"labels": labels, "method": "dawid_skene"}
        common = {"file": file, "column": "estimate", "function": "mean of the diagonal"}
        numbers.value(f"agreement.named.{key}", value, percent(value), rows=rows, **common)
    excess = (alm - people).to_numpy() - 2 * np.eye(len(alm))
    i, j = np.unravel_index(int(excess.argmax()), excess.shape)
    kind, name = alm.index[i], alm.columns[j]
    what = {"stratum": f"class={kind}", "metric": f"called_{name}", "method": "dawid_skene"}
    row, other = (one(table, "the largest confusion", labels=labels, **what) for labels in (own, "people"))
    numbers.cell("agreement.confused.class", row, "stratum", escape_latex(kind))
    numbers.cell("agreement.confused.name", row, "metric", escape_latex(name))
    share, people_share = float(row["estimate"]), float(other["estimate"])
    numbers.cell("agreement.confused.share", row, "estimate", percent(share))
    numbers.cell("agreement.confused.people", other, "estimate", percent(people_share))
    keys = ["agreement.confused.share", "agreement.confused.people"]
    numbers.words("agreement.confused.excess", f"{100 * (share - people_share):.0f} points", keys)


def _said(words: str) -> str:
    return "may not replace a rater, being no better than a constant answer" if words.startswith("withheld") else words
