"""How close synthetic votes come to held-out human votes, between floors and ceiling."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from scaling_ambiguity.reporting.naming import METRICS, escape_latex, predictor_name, split_labels
from scaling_ambiguity.reporting.selection import need, pick
from scaling_ambiguity.reporting.tables.booktabs import cell, tabular
from scaling_ambiguity.reporting.text import count

SHOWN = ("nll", "brier", "jsd_bits", "bhattacharyya", "r2_within", "accuracy")
FIXED_ORDER = ("uniform", "prior", "majority", "human", "human-smoothed")


def metric_cells(rows: pd.DataFrame, metrics: Sequence[str]) -> list[str]:
    """Return one cell a metric, a dash where the table has no such row."""
    found = rows.set_index("metric")
    return [
        cell(*(float(found.loc[metric, column]) for column in ("estimate", "low", "high")))
        if metric in found.index
        else "--"
        for metric in metrics
    ]


def _correlations(rows: pd.DataFrame, names: list[str], classes: list[str]) -> list[list[str]]:
    body = []
    for name in names:
        own = pick(rows, labels=name)
        for kind in ("pearson", "spearman"):
            cells = metric_cells(own, [*(f"{kind}_{label}" for label in classes), f"entropy_{kind}"])
            if any(text != "--" for text in cells):
                body.append([predictor_name(name), kind.capitalize(), *cells])
    return body


def alignment_table(statistics: pd.DataFrame, classes: list[str] | None = None) -> tuple[str, pd.DataFrame]:
    """Return the LaTeX table (scores, then correlations by class) over all utterances, and the rows behind it.

    ``statistics`` are tables of align_votes; each gets its own block. ``classes`` order the columns
    of the correlations; without them they are alphabetical.
    """
    rows = need(statistics, "tab_alignment", stratum="all", reference="human", population="these raters")
    if classes is None:
        metrics = rows["metric"]
        classes = sorted(set(metrics[metrics.str.startswith("pearson_")].str.removeprefix("pearson_")))
    body: list = []
    related: list = []
    many = rows["file"].nunique() > 1
    for _, block in rows.groupby("file", sort=True):
        synthetic = sorted(name for name in set(block["labels"]) if split_labels(name)[0] == "synthetic")
        if many:
            title = f"{block['corpus'].iloc[0]}, {split_labels(synthetic[0])[1]}, {block['protocol'].iloc[0]}"
            body.append(escape_latex(title))
            related.append(escape_latex(title))
        for name in (*FIXED_ORDER[:3], *synthetic, *FIXED_ORDER[3:]):
            own = pick(block, labels=name)
            if len(own):
                scores = own[own["metric"].isin(SHOWN)]
                body.append([predictor_name(name), count(scores["n"].max()), *metric_cells(own, SHOWN)])
        related += _correlations(block, [*synthetic, "human", "human-smoothed"], classes)
    scores = tabular("lr" + "l" * len(SHOWN), ["predictor", "$n$", *(METRICS[m] for m in SHOWN)], body)
    table = scores
    if any(not isinstance(line, str) for line in related):
        head = ["predictor", "correlation", *(escape_latex(label) for label in classes), "entropy"]
        table += "\n\\medskip\n\n" + tabular("ll" + "l" * (len(classes) + 1), head, related)
    columns = [
        "corpus",
        "protocol",
        "labels",
        "metric",
        "votes",
        "estimate",
        "low",
        "high",
        "n",
        "n_clusters",
        "method",
    ]
    wanted = rows["metric"].isin(SHOWN) | rows["metric"].str.contains("pearson|spearman")
    return table, rows.loc[wanted, columns].replace({np.inf: np.nan})
