"""Fine-tuned models by kind of training labels, all scored on the same held-out human votes."""

import pandas as pd

from scaling_ambiguity.metrics.catalogue import METRICS
from scaling_ambiguity.reporting.naming import arm_name, arm_order, escape_latex, plain, predictor_name
from scaling_ambiguity.reporting.selection import need, pick
from scaling_ambiguity.reporting.tables.alignment import metric_cells
from scaling_ambiguity.reporting.tables.booktabs import tabular
from scaling_ambiguity.reporting.text import number, p_text

SHOWN = ("nll", "brier", "jsd_bits", "accuracy")
AT_TEMPERATURE = "nll_scaled"  # see evaluation.scaling
FLOORS = ("uniform", "prior", "majority", "human", "human-smoothed")


def _without_interval(subset: pd.DataFrame, metric: str) -> str:
    return metric_cells(subset, [metric])[0].partition(" {")[0]


def between_seeds(subset: pd.DataFrame) -> str:
    """Return the variation of a condition's NLL between trainings, without the variation between speakers.

    The standard deviation of the component between seeds where it was estimated, else the smallest and largest value.
    """
    component = pick(subset, metric="nll_seed_variance")
    if len(component):
        return f"SD {number(float(component['estimate'].iloc[0]) ** 0.5)}"
    values = pick(subset, metric="nll", method="seed")["estimate"]
    return f"{number(float(values.min()))}--{number(float(values.max()))}" if len(values) > 1 else "--"


def _line(every: pd.DataFrame, name: str) -> list[str]:
    subset = every[every["method"] != "seed"]
    human = pick(subset, reference="human")
    difference = pick(human, metric="nll_minus_human")
    change = metric_cells(difference, ["nll_minus_human"])[0] if len(difference) else "--"
    p = p_text(difference.iloc[0]) if len(difference) else "--"
    scaled = _without_interval(human, AT_TEMPERATURE)
    cells = [*metric_cells(human, SHOWN), scaled, between_seeds(every), change, p]
    return [name, *cells, *(_without_interval(pick(subset, reference=r), "jsd_bits") for r in ("own", "truth"))]


def results_table(statistics: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """Return the LaTeX table over all utterances and the rows behind it.

    ``statistics`` are tables of evaluate_models; each gets its own block.
    """
    rows = need(statistics, "tab_results", stratum="all")
    rows = rows[~rows["labels"].str.startswith("curve-")]  # see fig_cost_surface
    body: list = []
    for _, block in rows.groupby("file", sort=True):
        where = plain(block["corpus"].iloc[0], f"protocol {block['protocol'].iloc[0]}")
        floors = pick(block, model="none")
        body.append(escape_latex(f"{where}: no model"))
        body += [
            _line(pick(floors, labels=name), predictor_name(name)) for name in FLOORS if name in set(floors["labels"])
        ]
        trained = block[block["model"] != "none"]
        for model, arms in trained.groupby("model", sort=True):
            body.append(escape_latex(f"{where}: {plain(model)} fine-tuned on"))
            pairs = {(str(r.labels), str(r.augmentation)) for r in arms.itertuples()}
            for labels, augmentation in sorted(
                pairs, key=lambda pair: (pair[1] != "none", pair[1], arm_order(pair[0]))
            ):
                name = arm_name(labels) + ("" if augmentation == "none" else f" + {plain(augmentation)}")
                body.append(_line(pick(arms, labels=labels, augmentation=augmentation), escape_latex(name)))
    shown = [METRICS[m].title for m in (*SHOWN, AT_TEMPERATURE)]
    head = ["", *shown, "NLL by seed", r"$\Delta$NLL to human", "$p$", "own", "truth"]
    table = tabular("l" + "l" * len(SHOWN) + "lllrrr", head, body)
    columns = [
        *("corpus", "protocol", "model", "labels", "augmentation", "metric", "reference"),
        *("estimate", "low", "high", "n", "n_clusters", "votes", "method", "p", "p_adjusted"),
    ]  # votes: for method ``seed``, the number of the training
    wanted = rows["metric"].isin(
        [*SHOWN, AT_TEMPERATURE, "nll_minus_human", f"{AT_TEMPERATURE}_minus_human", "nll_seed_variance"]
    )
    return table, rows.loc[wanted, columns]
