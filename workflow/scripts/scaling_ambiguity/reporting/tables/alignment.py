"""Agreement of synthetic votes with held-out human votes, between floors and ceiling."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from scaling_ambiguity.metrics.catalogue import METRICS, PER_VOTE
from scaling_ambiguity.reporting.naming import escape_latex, predictor_name, split_labels
from scaling_ambiguity.reporting.selection import need, no_wider, pick
from scaling_ambiguity.reporting.tables.booktabs import cell, tabular
from scaling_ambiguity.reporting.text import count, number, p_text
from scaling_ambiguity.tables.statistics import LIKE_THESE, SIGN_FLIP, THESE

SHOWN = ("nll", "brier", "jsd_bits", "bhattacharyya", "r2_within", "accuracy")
BEFORE, AFTER = ("uniform", "prior"), ("human-smoothed", "leave-one-out")
RAW = ("majority", "human", "split-half")  # histograms: a class that no one chose has the floor's probability
SMOOTHED = "smoothed"
AS_ALONE = "no wider"  # than the interval with only speakers resampled, which is therefore not printed twice
BASELINES = {"prior": "class prior", "human-smoothed": "human votes, smoothed"}
CEILINGS = {
    "split-half": "split half",
    "split-half-corrected": "split half, Spearman--Brown",
    "leave-one-out": "all other raters, smoothed",
}


def metric_cells(rows: pd.DataFrame, metrics: Sequence[str]) -> list[str]:
    """Return one cell per metric, a dash where the table has no such row."""
    found = rows.set_index("metric")
    return [cell(*_interval(found.loc[metric])) if metric in found.index else "--" for metric in metrics]


def _interval(row: pd.Series) -> tuple[float, float, float]:
    return float(row["estimate"]), float(row["low"]), float(row["high"])


def _name(labels: str) -> str:
    return CEILINGS.get(labels) or predictor_name(labels)


def _differences(rows: pd.DataFrame, synthetic: list[str]) -> list[list[str]]:
    """Return one line per paired difference: both intervals, and the adjusted p-values of both tests."""
    body = []
    for name in synthetic:
        for metric in PER_VOTE:
            for baseline, text in BASELINES.items():
                own = pick(rows, labels=name, metric=f"{metric}_minus_{baseline}")
                these = own[(own["population"] == THESE) & (own["method"] != SIGN_FLIP)]
                if these.empty:
                    continue
                like, flip = pick(own, population=LIKE_THESE), pick(own, method=SIGN_FLIP)
                line = these.iloc[0]
                cells = [cell(*_interval(line))]
                if len(like):
                    interval = cell(*_interval(like.iloc[0]))
                    cells.append(AS_ALONE if no_wider(like.iloc[0], line, 3) else interval.partition(" ")[2] or "--")
                else:
                    cells.append("--")
                cells.append(p_text(line))
                cells.append(p_text(flip.iloc[0]) if len(flip) else "--")
                body.append([_name(name), f"{METRICS[metric].title}, {text}", *cells])
    return body


def _equal_counts(rows: pd.DataFrame, synthetic: list[str]) -> list[list[str]]:
    """Return one row per vote count: the JSD between histograms of that many votes, plug-in and bias-corrected."""
    body = []
    for name in synthetic:
        own = rows[(rows["labels"] == name) & (rows["metric"] == "jsd_bits_equal")]
        for votes, n in zip(own["votes"], own["n"], strict=True):
            cells = []
            for metric in ("jsd_bits_equal", "jsd_bits_equal_corrected"):
                for labels, wanted in (("human", metric), (name, metric), (name, f"{metric}_minus_human")):
                    found = pick(rows, labels=labels, metric=wanted, votes=votes)
                    if metric == "jsd_bits_equal" and wanted == metric:
                        cells.append(number(float(found["estimate"].iloc[0])))
                    elif len(found):
                        cells.append(cell(*_interval(found.iloc[0])))
                    else:
                        cells.append("--")
            body.append([f"{votes:.0f}", count(n), *cells])
    return body


def _correlations(rows: pd.DataFrame, names: list[str], classes: list[str]) -> list[list[str]]:
    body = []
    for name in names:
        own = pick(rows, labels=name)
        for kind in ("pearson", "spearman"):
            cells = metric_cells(own, [*(f"{kind}_{label}" for label in classes), f"entropy_{kind}"])
            if any(text != "--" for text in cells):
                body.append([_name(name), kind.capitalize(), *cells])
    return body


def alignment_table(statistics: pd.DataFrame, classes: list[str] | None = None) -> tuple[str, pd.DataFrame]:
    """Return the LaTeX table over all utterances, and the rows behind it.

    Scores of smoothed votes, correlations by class, paired differences with their tests, JSD at equal counts, and
    last the scores of raw histograms, whose NLL is dominated by the floor. ``statistics`` are tables of align_votes;
    each gets its own block. ``classes`` order the columns of the correlations; without them they are alphabetical.
    """
    every = need(statistics, "tab_alignment", stratum="all", reference="human")
    rows = every[(every["population"] == THESE) & (every["method"] != SIGN_FLIP)]
    if classes is None:
        metrics = rows["metric"]
        classes = sorted(set(metrics[metrics.str.startswith("pearson_")].str.removeprefix("pearson_")))
    body: list = []
    raw: list = []
    related: list = []
    paired: list = []
    equal: list = []
    many = rows["file"].nunique() > 1
    for file, block in rows.groupby("file", sort=True):
        synthetic = sorted(name for name in set(block["labels"]) if split_labels(name)[0] == "synthetic")
        if many:
            title = f"{block['corpus'].iloc[0]}, {split_labels(synthetic[0])[1]}, {block['protocol'].iloc[0]}"
            for part in (body, related, paired, equal, raw):
                part.append(escape_latex(title))
        smoothed = [name for name in synthetic if name.endswith(SMOOTHED)]
        plain = [name for name in synthetic if name not in smoothed]
        for part, names in ((body, (*BEFORE, *smoothed, *AFTER)), (raw, (*plain, *RAW))):
            for name in names:
                own = pick(block, labels=name)
                if len(own):
                    scores = own[own["metric"].isin(SHOWN)]
                    part.append([_name(name), count(scores["n"].max()), *metric_cells(own, SHOWN)])
        related += _correlations(
            block, [*plain, "human", "human-smoothed", "split-half", "split-half-corrected"], classes
        )
        paired += _differences(every[every["file"] == file], synthetic)
        equal += _equal_counts(block, plain)
    scores = tabular("lr" + "l" * len(SHOWN), ["predictor", "$n$", *(METRICS[m].title for m in SHOWN)], body)
    table = scores
    if any(not isinstance(line, str) for line in related):
        head = ["predictor", "correlation", *(escape_latex(label) for label in classes), "entropy"]
        table += "\n\\medskip\n\n" + tabular("ll" + "l" * (len(classes) + 1), head, related)
    if any(not isinstance(line, str) for line in paired):
        head = ["predictor", "minus", "difference", LIKE_THESE, "$p$", "$p$, sign flip"]
        table += "\n\\medskip\n\n" + tabular("llllll", head, paired)
    if any(not isinstance(line, str) for line in equal):
        head = ["votes", "$n$", "human", "synthetic", "difference"]
        head += ["human, corrected", "synthetic, corrected", "difference, corrected"]
        table += "\n\\medskip\n\n" + tabular("rrllllll", head, equal)
    if any(not isinstance(line, str) for line in raw):
        head = ["raw histogram, floored", "$n$", *(METRICS[m].title for m in SHOWN)]
        table += "\n\\medskip\n\n" + tabular("lr" + "l" * len(SHOWN), head, raw)
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
        "population",
        "method",
        "p",
        "p_adjusted",
    ]
    wanted = (every["population"] == THESE) & every["metric"].isin(SHOWN)
    wanted |= every["metric"].str.contains("pearson|spearman|_minus_|_equal")
    return table, every.loc[wanted, columns].replace({np.inf: np.nan})
