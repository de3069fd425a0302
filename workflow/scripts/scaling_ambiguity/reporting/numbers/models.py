"""Numbers about the fine-tuned models: one reference for all, differences paired by utterance."""

from typing import Any

import pandas as pd

from scaling_ambiguity.reporting.naming import LEVELS, arm_name, arm_order, escape_latex, plain, split_labels
from scaling_ambiguity.reporting.numbers.levels import add_trend
from scaling_ambiguity.reporting.numbers.registry import ABSENT, Numbers
from scaling_ambiguity.reporting.selection import need, one, pick
from scaling_ambiguity.reporting.text import count, joined, p_text
from scaling_ambiguity.reporting.words import difference


def main_pooling(poolings: list[str]) -> str:
    """Return the pooling that the text calls combined labels: equal votes, or the first of a run without these."""
    return "equal" if "equal" in poolings else poolings[0]


def add_models(
    numbers: Numbers,
    table: pd.DataFrame,
    annotator: str,
    level: float,
    models: list[str],
    poolings: list[str],
    *,
    simulated: bool,
    augmentation: str | None,
) -> None:
    """Define ``models.*`` from one table of evaluate_models; and results for truth and ``augmentation``, if any.

    The text speaks of the first of ``models`` that was trained, and of combined labels as :func:`main_pooling` says.
    ``augmentedhuman``, ``augmentedcombined``: also trained on these labels with it.
    """
    trained = set(need(table[table["model"] != "none"], "models", metric="nll")["model"])
    model = next((name for name in models if name in trained), min(trained))
    common: dict[str, Any] = {"model": model, "stratum": "all", "augmentation": "none"}
    rows = table[table["method"] != "seed"]
    arms = {"human": "human", "synthetic": f"synthetic-{annotator}"}
    arms |= {"combined": f"combined-{annotator}-{main_pooling(poolings)}"}
    if main_pooling(poolings) != "weighted":
        arms |= {"combined-weighted": f"combined-{annotator}-weighted"}
    n = int(pick(rows, metric="nll", reference="human", **common)["n"].max())
    wanted = {"metric": "nll", "reference": "human"} | common
    file = rows["file"].iloc[0]
    numbers.value("models.utterances", n, count(n), file=file, column="n", rows=wanted, function="max", n=n)
    for name, labels in arms.items():
        key, optional = f"models.{name}", name != "human"
        numbers.estimate(
            f"{key}.nll", rows, labels=labels, metric="nll", reference="human", optional=optional, **common
        )
        if name != "human":
            _add_difference(numbers, key, rows, labels, common, level)
    several = f"the first of {len(trained)} models ({escape_latex(plain(model))})"
    numbers.words("models.which", several if len(trained) > 1 else "the model", ["models.human.nll"])
    for name in ("human", "synthetic"):
        numbers.estimate(
            f"models.{name}.own", rows, labels=arms[name], metric="jsd_bits", reference="own", optional=True, **common
        )
        numbers.estimate(
            f"models.{name}.jsd", rows, labels=arms[name], metric="jsd_bits", reference="human", optional=True, **common
        )
    _add_controls(numbers, rows, common)
    _add_levels(numbers, rows, common, arms["combined"])
    _add_balanced(numbers, rows, common, arms, level)
    if simulated:
        for name in ("human", "synthetic", "combined"):
            wanted = {"labels": arms[name], "metric": "jsd_bits", "reference": "truth"}
            numbers.estimate(f"models.{name}.truth", rows, optional=True, **wanted, **common)
    more = common | {"augmentation": augmentation}
    for name in ("human", "combined"):
        key, wanted = f"models.{name}.augmented", {"labels": arms[name], "metric": "nll", "reference": "human"} | more
        augmented = augmentation is not None and len(pick(rows, **wanted)) > 0
        numbers.switch(f"augmented{name}", augmented)
        if augmented:
            numbers.estimate(key, rows, **wanted)
            _add_difference(numbers, key, rows, arms[name], more, level, metric="nll_minus_plain")


def _add_difference(
    numbers: Numbers,
    key: str,
    rows: pd.DataFrame,
    labels: str,
    common: dict[str, Any],
    level: float,
    *,
    metric: str = "nll_minus_human",
) -> None:
    """Define a paired difference, its adjusted p-value and its wording."""
    wanted = {"labels": labels, "metric": metric, "reference": "human"} | common
    row = numbers.estimate(f"{key}.difference", rows, optional=True, **wanted)
    if row is None:
        for end in ("p", "words"):
            numbers.words(f"{key}.{end}", ABSENT, [f"{key}.difference"])
        return
    p = float(row["p_adjusted"])
    numbers.cell(f"{key}.p", row, "p_adjusted", p_text(row))
    numbers.words(f"{key}.words", difference(float(row["estimate"]), p, level), [f"{key}.difference", f"{key}.p"])


def _add_controls(numbers: Numbers, rows: pd.DataFrame, common: dict[str, Any]) -> None:
    """Define ``models.controls``: the NLL of every control label on the held-out human votes, in words."""
    controls = pick(rows, metric="nll", reference="human", **common)
    controls = controls[[split_labels(name)[0] == "control" for name in controls["labels"]]].dropna(subset="estimate")
    if controls.empty:
        numbers.absent("models.controls")
        return
    keys, texts = [], []
    for labels in sorted(controls["labels"], key=arm_order):
        key = f"models.control.{split_labels(labels)[2]}"
        numbers.estimate(key, rows, labels=labels, metric="nll", reference="human", **common)
        keys.append(key)
        texts.append(rf"{numbers[key].text} (\emph{{{escape_latex(arm_name(labels))}}})")
    numbers.words("models.controls", joined(texts), keys)


def _add_balanced(
    numbers: Numbers, rows: pd.DataFrame, common: dict[str, Any], arms: dict[str, str], level: float
) -> None:
    """Define ``models.balanced.*``: NLL and sizes of the balanced splits; ``balancedsplit``: there are any."""
    common = common | {"stratum": "balanced"}
    matches = pick(rows, metric="nll", reference="human", labels="human", **common)
    numbers.switch("balancedsplit", bool(len(matches)))
    if matches.empty:
        return
    for key, stratum in (("effective", "balanced"), ("subsample", "balanced_subsample")):
        wanted = common | {"stratum": stratum, "labels": "human", "metric": "nll", "reference": "human"}
        row = one(rows, "models.balanced", **wanted)
        numbers.cell(f"models.balanced.{key}", row, "n", count(row["n"]))
    numbers.estimate("models.balanced.human", rows, labels="human", metric="nll", reference="human", **common)
    _add_difference(numbers, "models.balanced.combined", rows, arms["combined"], common, level)


def _add_levels(numbers: Numbers, rows: pd.DataFrame, common: dict[str, Any], combined: str) -> None:
    """Define the difference of combined from human labels by level, and its direction if significant."""
    for level in LEVELS:
        wanted = {"labels": combined, "metric": "nll_minus_human", "reference": "human"} | common | {"stratum": level}
        numbers.estimate(f"models.combined.{level}", rows, optional=True, **wanted)
    wanted = {"labels": combined, "metric": "nll_minus_human_rise", "reference": "human"} | common
    numbers.estimate("models.combined.rise", rows, optional=True, **wanted)
    add_trend(numbers, "models.combined.trend", "models.combined.rise")
