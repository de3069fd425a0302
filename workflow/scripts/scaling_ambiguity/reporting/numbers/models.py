"""Numbers about the fine-tuned models: one reference for all, differences paired by utterance."""

import math
from typing import Any

import pandas as pd

from scaling_ambiguity.reporting.naming import arm_name, escape_latex, split_labels
from scaling_ambiguity.reporting.numbers.registry import ABSENT, Numbers
from scaling_ambiguity.reporting.selection import need, one, pick
from scaling_ambiguity.reporting.text import count, p_text
from scaling_ambiguity.reporting.words import beside, difference, trend

COMBINED = ("equal", "weighted")


def add_models(
    numbers: Numbers, table: pd.DataFrame, annotator: str, level: float, *, simulated: bool, augmentation: str | None
) -> None:
    """Define ``models.*`` from one table of evaluate_models; and what truth and ``augmentation`` give, if any.

    ``augmentedhuman``, ``augmentedcombined``: so trained on these labels too.
    """
    trained = need(table[table["model"] != "none"], "models", metric="nll")
    model = sorted(set(trained["model"]))[0]
    about = {"model": model, "stratum": "all", "augmentation": "none"}
    rows = table[table["method"] != "seed"]
    arms = {"human": "human", "synthetic": f"synthetic-{annotator}"}
    arms |= {f"combined-{pooling}": f"combined-{annotator}-{pooling}" for pooling in COMBINED}
    n = int(pick(rows, metric="nll", reference="human", **about)["n"].max())
    wanted = {"metric": "nll", "reference": "human"} | about
    file = rows["file"].iloc[0]
    numbers.value("models.utterances", n, count(n), file=file, column="n", rows=wanted, function="max", n=n)
    for name, labels in arms.items():
        key, optional = f"models.{name}", name != "human"
        numbers.estimate(f"{key}.nll", rows, labels=labels, metric="nll", reference="human", optional=optional, **about)
        if name != "human":
            _add_difference(numbers, key, rows, labels, about, level)
    for name in ("human", "synthetic"):
        numbers.estimate(
            f"models.{name}.own", rows, labels=arms[name], metric="jsd_bits", reference="own", optional=True, **about
        )
        numbers.estimate(
            f"models.{name}.jsd", rows, labels=arms[name], metric="jsd_bits", reference="human", optional=True, **about
        )
    _add_side(numbers, "models.own-side", "models.synthetic.own", "models.human.own")
    _add_side(numbers, "models.human-side", "models.synthetic.jsd", "models.human.jsd")
    _add_controls(numbers, rows, about)
    _add_levels(numbers, rows, about, arms["combined-equal"])
    _add_balanced(numbers, rows, about, arms, level)
    if simulated:
        for name in ("human", "synthetic", "combined-equal"):
            wanted = {"labels": arms[name], "metric": "jsd_bits", "reference": "truth"}
            numbers.estimate(f"models.{name}.truth", rows, optional=True, **wanted, **about)
    more = about | {"augmentation": augmentation}
    for name in ("human", "combined-equal"):
        key, wanted = f"models.{name}.augmented", {"labels": arms[name], "metric": "nll", "reference": "human"} | more
        found = augmentation is not None and len(pick(rows, **wanted)) > 0
        numbers.switch(f"augmented{name.partition('-')[0]}", found)
        if found:
            numbers.estimate(key, rows, **wanted)
            _add_difference(numbers, key, rows, arms[name], more, level, metric="nll_minus_plain")


def _add_difference(
    numbers: Numbers,
    key: str,
    rows: pd.DataFrame,
    labels: str,
    about: dict[str, Any],
    level: float,
    *,
    metric: str = "nll_minus_human",
) -> None:
    """Define a paired difference, its adjusted p-value and what it says."""
    wanted = {"labels": labels, "metric": metric, "reference": "human"} | about
    row = numbers.estimate(f"{key}.difference", rows, optional=True, **wanted)
    if row is None:
        for end in ("p", "words"):
            numbers.words(f"{key}.{end}", ABSENT, [f"{key}.difference"])
        return
    p = float(row["p_adjusted"])
    numbers.cell(f"{key}.p", row, "p_adjusted", p_text(row))
    numbers.words(f"{key}.words", difference(float(row["estimate"]), p, level), [f"{key}.difference", f"{key}.p"])


def _add_side(numbers: Numbers, key: str, ours: str, theirs: str) -> None:
    values = [numbers[name].value for name in (ours, theirs)]
    numeric = [math.nan if value is None else float(value) for value in values]
    numbers.words(key, beside(*numeric), [ours, theirs])


def _add_controls(numbers: Numbers, rows: pd.DataFrame, about: dict[str, Any]) -> None:
    """Define the best control label, by NLL on the held-out human votes, and combined labels beside it."""
    controls = pick(rows, metric="nll", reference="human", **about)
    controls = controls[[split_labels(name)[0] == "control" for name in controls["labels"]]].dropna(subset="estimate")
    if controls.empty:
        for key in ("models.control.nll", "models.control.name", "models.control.side"):
            numbers.absent(key)
        return
    best = controls.sort_values("estimate").iloc[0]
    wanted = {"labels": best["labels"], "metric": "nll", "reference": "human"} | about
    numbers.estimate("models.control.nll", rows, **wanted)
    numbers.words("models.control.name", escape_latex(arm_name(best["labels"])), ["models.control.nll"])
    _add_side(numbers, "models.control.side", "models.combined-equal.nll", "models.control.nll")


def _add_balanced(
    numbers: Numbers, rows: pd.DataFrame, about: dict[str, Any], arms: dict[str, str], level: float
) -> None:
    """Define ``models.balanced.*``: NLL and sizes of the balanced splits; ``balancedsplit``: there are any."""
    about = about | {"stratum": "balanced"}
    found = pick(rows, metric="nll", reference="human", labels="human", **about)
    numbers.switch("balancedsplit", bool(len(found)))
    if found.empty:
        return
    for key, stratum in (("effective", "balanced"), ("subsample", "balanced_subsample")):
        wanted = about | {"stratum": stratum, "labels": "human", "metric": "nll", "reference": "human"}
        row = one(rows, "models.balanced", **wanted)
        numbers.cell(f"models.balanced.{key}", row, "n", count(row["n"]))
    numbers.estimate("models.balanced.human", rows, labels="human", metric="nll", reference="human", **about)
    _add_difference(numbers, "models.balanced.combined-equal", rows, arms["combined-equal"], about, level)


def _add_levels(numbers: Numbers, rows: pd.DataFrame, about: dict[str, Any], combined: str) -> None:
    """Define the difference of combined from human labels by level and how it moves."""
    keys, values = [], []
    for level in ("low", "medium", "high"):
        wanted = {"labels": combined, "metric": "nll_minus_human", "reference": "human"} | about | {"stratum": level}
        key = f"models.combined-equal.{level}"
        row = numbers.estimate(key, rows, optional=True, **wanted)
        keys.append(key)
        values.append(math.nan if row is None else float(row["estimate"]))
    numbers.words("models.combined-equal.trend", trend(values), keys)
