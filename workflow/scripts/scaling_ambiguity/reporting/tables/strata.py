"""Fine-tuned models on a balanced split, by class and by the factors of a corpus."""

import pandas as pd

from scaling_ambiguity.evaluation.further_strata import CONFLICT
from scaling_ambiguity.reporting.naming import (
    LEVELS,
    arm_name,
    escape_latex,
    plain,
    predictor_name,
    split_labels,
    stratum_titles,
)
from scaling_ambiguity.reporting.selection import need, pick
from scaling_ambiguity.reporting.tables.booktabs import Row, cell, tabular
from scaling_ambiguity.reporting.text import number

FLOORS = ("prior", "human-smoothed")
COMBINED, EQUAL = "combined, ", "combined, equal"
METRICS = ("nll", "nll_minus_human", "uar", "macro_f1")
SPLITS = {"balanced": "weighted", "balanced_subsample": "subsample"}
COLUMNS = [
    *("corpus", "protocol", "model", "labels", "stratum", "metric"),
    *("estimate", "low", "high", "p", "p_adjusted", "n", "n_clusters"),
]


def strata_of(rows: pd.DataFrame) -> dict[str, list[str]]:
    """Return the strata of a table by heading: the balanced splits first, then classes, then each factor."""
    present = list(dict.fromkeys(rows["stratum"]))
    groups = {"balanced split": [name for name in SPLITS if name in present]}
    for name in sorted((name for name in present if "=" in name), key=_upwards):
        groups.setdefault(name.partition("=")[0], []).append(name)
    order = sorted(groups, key=lambda key: (key != "balanced split", key != "class", key))
    return {key: groups[key] for key in order if groups[key]}


def _upwards(stratum: str) -> tuple[str, int, str]:
    """Return a key that sorts strata by factor and value, thirds of the conflict from low to high."""
    factor, _, value = stratum.partition("=")
    return factor, LEVELS.index(value) if factor == CONFLICT and value in LEVELS else 0, value


def strata_table(statistics: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """Return the LaTeX table of NLL and UAR, one line per stratum, one column per kind of labels, and its rows.

    Columns are the class prior and the smoothed human votes, then models without augmentation on human,
    synthetic and combined labels (pooled as equals, or as the run pools them if it has no such models), the
    difference of the last from human labels, and the unweighted average recall of the top class of two of them.
    ``n`` of the balanced splits is the effective number of utterances. ``statistics`` are tables of
    evaluate_models; each model and annotator has a tabular of its own, so that a page may end after each.
    """
    rows = need(statistics, "tab_strata", reference="human", augmentation="none", metric=METRICS)
    rows = rows[(rows["method"] != "seed") & ~rows["stratum"].isin(LEVELS)]
    pooled = sorted(name for name in set(rows["labels"].map(arm_name)) if name.startswith(COMBINED))
    arms: tuple[str, ...] = ("human", "synthetic", EQUAL if EQUAL in pooled or not pooled else pooled[0])
    if not set(arms[1:]) & set(rows.loc[rows["model"] != "none", "labels"].map(arm_name)):
        arms = arms[:1]
    trained = rows[(rows["model"] != "none") & rows["labels"].map(arm_name).isin(arms)]
    floors = rows[(rows["model"] == "none") & rows["labels"].isin(FLOORS)]
    head = [
        "",
        "$n$",
        *(predictor_name(name) for name in FLOORS),
        *arms,
        *([rf"{arms[-1].removeprefix(COMBINED)} $-$ human"] if arms[1:] else []),
        *(f"UAR, {arm}" for arm in dict.fromkeys((arms[0], arms[-1]))),
    ]
    blocks: list[list[Row]] = []
    for (file, model), group in need(trained, "tab_strata").groupby(["file", "model"], sort=True):
        annotators = sorted({split_labels(name)[1] for name in group["labels"]} - {""}) or [""]
        for annotator in annotators:
            subset = group[group["labels"].map(lambda name, one=annotator: split_labels(name)[1] in ("", one))]
            both = pd.concat([subset, pick(floors, file=file)])
            where = [group["corpus"].iloc[0], f"protocol {group['protocol'].iloc[0]}", model]
            body: list[Row] = [escape_latex(plain(*where, *([annotator] if len(annotators) > 1 else [])))]
            body.append(_line(pick(both, stratum="all"), "all utterances", arms))
            for heading, strata in strata_of(subset).items():
                titles = stratum_titles(strata)
                for stratum in strata:
                    name = f"{heading}: {SPLITS[stratum]}" if stratum in SPLITS else titles[stratum]
                    body.append(_line(pick(both, stratum=stratum), escape_latex(name), arms))
            blocks.append(body)
    columns = "lr" + "r" * (len(FLOORS) + len(arms)) + "l" * (3 if arms[1:] else 1)
    table = "\n\\medskip\n\n".join(tabular(columns, head, body) for body in blocks)
    return table, pd.concat([floors, trained])[COLUMNS]


def _line(subset: pd.DataFrame, name: str, arms: tuple[str, ...]) -> list[str]:
    models = pick(subset[subset["model"] != "none"], metric="nll")
    values = [_one(pick(subset, model="none", labels=labels, metric="nll")) for labels in FLOORS]
    values += [_one(models[models["labels"].map(arm_name) == arm]) for arm in arms]
    change = pick(subset, metric="nll_minus_human")
    recall = pick(subset[subset["model"] != "none"], metric="uar")
    last = [_interval(change, arms[-1])] if arms[1:] else []
    last += [_interval(recall, arm) for arm in dict.fromkeys((arms[0], arms[-1]))]
    return [name, str(int(models["n"].max())) if len(models) else "--", *values, *last]


def _interval(rows: pd.DataFrame, arm: str) -> str:
    subset = rows[rows["labels"].map(arm_name) == arm]
    if not len(subset):
        return "--"
    estimate, low, high = (float(subset[c].iloc[0]) for c in ("estimate", "low", "high"))
    return cell(estimate, low, high)


def _one(rows: pd.DataFrame) -> str:
    return number(float(rows["estimate"].iloc[0])) if len(rows) else "--"
