"""Agreement of synthetic votes with held-out human votes, between floors and ceiling."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from scaling_ambiguity.metrics.catalogue import METRICS, PER_VOTE
from scaling_ambiguity.reporting.naming import escape_latex, plain, predictor_name, split_labels
from scaling_ambiguity.reporting.selection import need, no_wider, pick
from scaling_ambiguity.reporting.tables.booktabs import Row, cell, tabular
from scaling_ambiguity.reporting.text import count, number, p_text
from scaling_ambiguity.tables.statistics import LIKE_THESE, SIGN_FLIP, THESE

SHOWN = ("nll", "brier", "jsd_bits", "bhattacharyya", "r2_within", "accuracy")
BEFORE, AFTER = ("uniform", "prior"), ("human-smoothed", "leave-one-out")
RAW = ("majority", "human", "split-half")  # histograms: a class that no one chose has the floor's probability
SMOOTHED = "smoothed"
COLUMNS = [
    *("corpus", "protocol", "labels", "metric", "votes", "estimate", "low", "high", "n", "n_clusters"),
    *("population", "method", "p", "p_adjusted"),
]
AS_ALONE = "no wider"  # than the interval with only speakers resampled, which is therefore not printed twice
BASELINES = {"prior": "class prior", "human-smoothed": "human votes, smoothed"}
CEILINGS = {
    "split-half": "split half",
    "split-half-corrected": "split half, Spearman--Brown",
    "leave-one-out": "all other raters, smoothed",
}


def metric_cells(rows: pd.DataFrame, metrics: Sequence[str]) -> list[str]:
    """Return one cell per metric, a dash where the table has no such row."""
    matches = rows.set_index("metric")
    return [cell(*_interval(matches.loc[metric])) if metric in matches.index else "--" for metric in metrics]


def _interval(row: pd.Series) -> tuple[float, float, float]:
    return float(row["estimate"]), float(row["low"]), float(row["high"])


def _name(labels: str) -> str:
    return CEILINGS.get(labels) or predictor_name(labels)


def _differences(rows: pd.DataFrame, synthetic: list[str]) -> list[Row]:
    """Return one line per paired difference: both intervals, and the adjusted p-values of both tests."""
    body: list[Row] = []
    for name in synthetic:
        for metric in PER_VOTE:
            for baseline, text in BASELINES.items():
                subset = pick(rows, labels=name, metric=f"{metric}_minus_{baseline}")
                these = subset[(subset["population"] == THESE) & (subset["method"] != SIGN_FLIP)]
                if these.empty:
                    continue
                like, flip = pick(subset, population=LIKE_THESE), pick(subset, method=SIGN_FLIP)
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


def _equal_counts(rows: pd.DataFrame, synthetic: list[str]) -> list[Row]:
    """Return one row per vote count: the JSD between histograms of that many votes, plug-in and bias-corrected."""
    body: list[Row] = []
    for name in synthetic:
        subset = rows[(rows["labels"] == name) & (rows["metric"] == "jsd_bits_equal")]
        for votes, n in zip(subset["votes"], subset["n"], strict=True):
            cells = []
            for metric in ("jsd_bits_equal", "jsd_bits_equal_corrected"):
                for labels, wanted in (("human", metric), (name, metric), (name, f"{metric}_minus_human")):
                    matches = pick(rows, labels=labels, metric=wanted, votes=votes)
                    if metric == "jsd_bits_equal" and wanted == metric:
                        cells.append(number(float(matches["estimate"].iloc[0])))
                    elif len(matches):
                        cells.append(cell(*_interval(matches.iloc[0])))
                    else:
                        cells.append("--")
            body.append([f"{votes:.0f}", count(n), *cells])
    return body


def _correlations(rows: pd.DataFrame, names: list[str], classes: list[str]) -> list[Row]:
    body: list[Row] = []
    for name in names:
        subset = pick(rows, labels=name)
        for kind in ("pearson", "spearman"):
            cells = metric_cells(subset, [*(f"{kind}_{label}" for label in classes), f"entropy_{kind}"])
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
    parts = _heads(classes)
    bodies: dict[str, list[Row]] = {name: [] for name in parts}
    many = rows["file"].nunique() > 1
    for file, block in rows.groupby("file", sort=True):
        synthetic = sorted(name for name in set(block["labels"]) if split_labels(name)[0] == "synthetic")
        smoothed = [name for name in synthetic if name.endswith(SMOOTHED)]
        histograms = [name for name in synthetic if name not in smoothed]
        related = [*histograms, "human", "human-smoothed", "split-half", "split-half-corrected"]
        of_block = {
            "scores": _scores(block, (*BEFORE, *smoothed, *AFTER)),
            "correlations": _correlations(block, related, classes),
            "differences": _differences(every[every["file"] == file], synthetic),
            "equal": _equal_counts(block, histograms),
            "raw": _scores(block, (*histograms, *RAW)),
        }
        title = plain(block["corpus"].iloc[0], split_labels(synthetic[0])[1], block["protocol"].iloc[0])
        for name, lines in of_block.items():
            bodies[name] += [escape_latex(title), *lines] if many else lines
    shown = [
        name for name, body in bodies.items() if name == "scores" or not all(isinstance(line, str) for line in body)
    ]
    table = "\n\\medskip\n\n".join(tabular(*parts[name], bodies[name]) for name in shown)
    wanted = (every["population"] == THESE) & every["metric"].isin(SHOWN)
    wanted |= every["metric"].str.contains("pearson|spearman|_minus_|_equal")
    return table, every.loc[wanted, COLUMNS].replace({np.inf: np.nan})


def _heads(classes: list[str]) -> dict[str, tuple[str, list[str]]]:
    """Return alignment and heads of the columns of each part, in order."""
    titles = [METRICS[metric].title for metric in SHOWN]
    equal = ["human", "synthetic", "difference"]
    related = ["predictor", "correlation", *map(escape_latex, classes), "entropy"]
    return {
        "scores": ("lr" + "l" * len(SHOWN), ["predictor", "$n$", *titles]),
        "correlations": ("l" * len(related), related),
        "differences": ("llllll", ["predictor", "minus", "difference", LIKE_THESE, "$p$", "$p$, sign flip"]),
        "equal": ("rrllllll", ["votes", "$n$", *equal, *(f"{name}, corrected" for name in equal)]),
        "raw": ("lr" + "l" * len(SHOWN), ["raw histogram, floored", "$n$", *titles]),
    }


def _scores(block: pd.DataFrame, names: Sequence[str]) -> list[Row]:
    """Return one line per predictor that there is: the number of utterances and every score."""
    of_name = {name: pick(block, labels=name) for name in names}
    return [
        [_name(name), count(subset.loc[subset["metric"].isin(SHOWN), "n"].max()), *metric_cells(subset, SHOWN)]
        for name, subset in of_name.items()
        if len(subset)
    ]
