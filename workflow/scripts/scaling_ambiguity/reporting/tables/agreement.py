"""How far people agree, what the synthetic rater changes, and whether it may replace one of them."""

import pandas as pd

from scaling_ambiguity.inference.agreement import METRICS
from scaling_ambiguity.metrics.catalogue import METRICS as CATALOGUE
from scaling_ambiguity.reporting.naming import escape_latex, plain
from scaling_ambiguity.reporting.selection import need, pick
from scaling_ambiguity.reporting.tables.booktabs import Row, cell, tabular
from scaling_ambiguity.reporting.text import number

CONSTANT = "constant"


def verdict(rows: pd.DataFrame, labels: str) -> str:
    """Return a candidate's result in the alternative annotator test, withheld unless it beats the constant answer."""
    values = rows.set_index(["labels", "metric"])["estimate"]
    if labels in (CONSTANT, "prior"):
        return "for comparison"
    if values[labels, "alt_test_winning_rate"] < 0.5:
        return "may not replace a rater"
    if values[labels, "alt_test_advantage"] <= values[CONSTANT, "alt_test_advantage"]:
        return "withheld: no better than a constant"
    return "may replace a rater"


def _candidate(labels: str) -> str:
    names = {CONSTANT: "the most frequent class, always", "prior": "a draw from the class prior"}
    if labels in names:
        return names[labels]
    return "the mode of its votes" if labels.endswith("-mode") else "one synthetic vote"


def matrix_of(rows: pd.DataFrame, labels: str) -> pd.DataFrame:
    """Return one matrix of Dawid and Skene, rows are the classes of the utterance, columns the labels given."""
    chosen = need(rows, "confusion of raters", labels=labels, method="dawid_skene")
    order = list(dict.fromkeys(chosen["stratum"].str.removeprefix("class=")))
    table = chosen.assign(kind=chosen["stratum"].str.removeprefix("class="), name=chosen["metric"].str[7:])
    return table.pivot(index="kind", columns="name", values="estimate").loc[order, order]


def agreement_table(statistics: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """Return the LaTeX table and the rows behind it; ``statistics`` are tables of agree_votes, one block each."""
    need(statistics, "tab_agreement", metric=METRICS)
    agreed: list[Row] = []
    tested: list[Row] = []
    many = statistics["file"].nunique() > 1
    for _, block in statistics.groupby("file", sort=True):
        where = f"{escape_latex(plain(block['corpus'].iloc[0]))}: " if many else ""
        agreed += [where.removesuffix(": ")] if many else []
        joined = next(name for name in block["labels"] if name.startswith("human+"))
        for metric in METRICS:
            cells = []
            for labels in ("human", joined):
                row = pick(block, labels=labels, metric=metric).iloc[0]
                cells.append(cell(row["estimate"], row["low"], row["high"]))
            agreed.append([CATALOGUE[metric].title, *cells])
        tests = block[block["metric"].str.startswith("alt_test") & block["estimate"].notna()]
        if tests.empty:
            agreed.append(f"{where}alternative annotator test not applicable, raters are not known or too few")
            continue
        margin = tests["method"].iloc[0].removeprefix("alt_test_")
        raters = int(tests["n_clusters"].max())
        tested.append(f"{where}margin {margin}, {raters} raters, no intervals")
        for labels in sorted(set(tests["labels"]), key=lambda name: (name in (CONSTANT, "prior"), name)):
            subset = tests[tests["labels"] == labels].set_index("metric")["estimate"]
            rate, advantage = subset["alt_test_winning_rate"], subset["alt_test_advantage"]
            tested.append([_candidate(labels), number(rate, 2), number(advantage, 2), verdict(tests, labels)])
    parts = [tabular("lll", ["agreement", "people alone", "with the synthetic rater"], agreed)]
    if tested:
        parts.append(tabular("llll", ["alternative annotator test", "winning rate", "advantage", "verdict"], tested))
    columns = ["corpus", "labels", "metric", "estimate", "low", "high", "n", "n_clusters", "method"]
    return "\n\\medskip\n\n".join(parts), statistics[columns]
