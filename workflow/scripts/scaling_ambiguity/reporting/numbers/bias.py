"""Numbers about how the ALM deviates from people."""

import pandas as pd

from scaling_ambiguity.reporting.naming import escape_latex, stratum_titles
from scaling_ambiguity.reporting.numbers.registry import Numbers
from scaling_ambiguity.reporting.selection import one, pick
from scaling_ambiguity.reporting.text import count, p_text, percent

WHOLE = {"match": "match", "human": "match_human", "gap": "match_gap", "entropy": "entropy_gap"}
CONFLICT = {"human": "match_human", "both": "match", "audio": "match_audio", "text": "match_text"}


def add_bias(numbers: Numbers, table: pd.DataFrame, annotator: str) -> None:
    """Define ``bias.*`` from one table of report_bias.

    Switches: ``entropycompared``, utterances have two votes of both kinds; ``factored``, groups were compared;
    ``listened``, voice and words alone were; ``conflicting``, also where they conflict; ``componentsknown``, the
    design identifies the variance components of the votes.
    """
    subset = pick(table, labels=f"synthetic-{annotator}")
    for key, metric in WHOLE.items():
        # where no utterance has two votes of both kinds, entropies cannot be compared
        row = numbers.estimate(f"bias.{key}", subset, stratum="all", metric=metric, optional=key == "entropy")
        if key == "entropy":
            numbers.switch("entropycompared", row is not None)
        if key == "entropy" and row is not None:
            numbers.cell("bias.entropy.n", row, "n", count(row["n"]))
    gaps = pick(subset, metric="share_gap").sort_values("estimate")["stratum"]
    for key, stratum in (("under", gaps.iloc[0]), ("over", gaps.iloc[-1])):
        _add_row(numbers, f"bias.{key}", subset, stratum, "share_gap")
    contrasts = (
        pick(subset, metric="match_gap_minus_rest").dropna(subset="p_adjusted").sort_values("estimate")["stratum"]
    )
    numbers.switch("factored", bool(len(contrasts)))
    if len(contrasts):
        _add_row(numbers, "bias.lowest", subset, contrasts.iloc[0], "match_gap_minus_rest")
    _add_listening(numbers, subset)
    numbers.switch("componentsknown", bool(len(pick(subset, metric="variance_rest"))))
    for part in ("utterance", "temperature", "focus", "rest") if numbers.switches["componentsknown"] else ():
        wanted = {"stratum": "all", "metric": f"variance_{part}"}
        row = one(subset, f"result key bias.variance.{part}", **wanted)
        text = percent(max(float(row["estimate"]), 0.0), 1)  # an estimate may be below 0 by chance
        numbers.cell(f"bias.variance.{part}", row, "estimate", text)


def _add_listening(numbers: Numbers, subset: pd.DataFrame) -> None:
    listened = all(len(pick(subset, metric=f"match_{part}")) for part in ("audio", "text"))
    numbers.switch("listened", listened)
    numbers.switch("conflicting", listened and len(pick(subset, metric="match_audio", stratum="conflict=1")) > 0)
    for part in ("audio", "text") if listened else ():
        numbers.estimate(f"bias.{part}", subset, stratum="all", metric=f"match_{part}")
        numbers.estimate(f"bias.changed.{part}", subset, stratum="all", metric=f"changed_{part}", optional=True)
    for key, metric in CONFLICT.items() if numbers.switches["conflicting"] else ():
        numbers.estimate(f"bias.conflict.{key}", subset, metric=metric, stratum="conflict=1")


def _add_row(numbers: Numbers, key: str, subset: pd.DataFrame, stratum: str, metric: str) -> None:
    """Define the estimate, its adjusted p and the name of its stratum."""
    row = numbers.estimate(key, subset, stratum=stratum, metric=metric)
    title = stratum_titles(subset["stratum"].unique())[stratum].removeprefix("class: ")
    numbers.cell(f"{key}.name", row, "stratum", escape_latex(title))
    numbers.cell(f"{key}.p", row, "p_adjusted", p_text(row))
