"""How the ALM deviates from people: labels, groups of utterances, use of inputs, variance components of its votes."""

import pandas as pd

from scaling_ambiguity.reporting.naming import LEVELS, escape_latex
from scaling_ambiguity.reporting.selection import need, pick
from scaling_ambiguity.reporting.tables.booktabs import cell, tabular
from scaling_ambiguity.reporting.text import number, p_text

COMPONENTS = {
    "utterance": "utterance",
    "temperature": "temperature",
    "focus": "focus line",
    "utterance_temperature": "utterance $\\times$ temperature",
    "utterance_focus": "utterance $\\times$ focus line",
    "temperature_focus": "temperature $\\times$ focus line",
    "rest": "rest: draws of the same prompt at the same temperature",
}


def factor_strata(rows: pd.DataFrame) -> list[str]:
    """Return the levels of factors that were compared, in the order of the table."""
    return list(dict.fromkeys(pick(rows, metric="match_gap_minus_rest")["stratum"]))


def bias_table(statistics: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """Return the LaTeX table and the rows behind it; ``statistics`` are tables of report_bias, one block each."""
    need(statistics, "tab_bias", metric="match")
    body: list = []
    for _, block in statistics.groupby("file", sort=True):
        corpus, protocol, name = (escape_latex(block[key].iloc[0]) for key in ("corpus", "protocol", "model"))
        about = f"{corpus}, protocol {protocol}, {name}"
        own = pick(block, labels=need(block, "tab_bias", metric="match")["labels"].iloc[0])
        body.append(f"{about}: labels; share of the votes of people, of the ALM, difference")
        for stratum in pick(own, metric="share_gap")["stratum"]:
            shares = [_cell(pick(block, labels="human", stratum=stratum, metric="share"))]
            shares += [_cell(pick(own, stratum=stratum, metric=metric)) for metric in ("share", "share_gap")]
            body.append([escape_latex(stratum.removeprefix("class=")), "", *shares, _p(own, stratum, "share_gap")])
        body.append("utterances; chance that two people agree, that a person and the ALM do, difference")
        strata = ["all", *(level for level in LEVELS if level in set(own["stratum"])), *factor_strata(own)]
        for stratum in strata:
            values = {
                metric: pick(own, stratum=stratum, metric=metric) for metric in ("match_human", "match", "match_gap")
            }
            title = f"{stratum} ambiguity" if stratum in LEVELS else stratum.replace("=", " ")
            count = str(int(values["match"]["n"].iloc[0]))
            row = [escape_latex(title), count, *(_cell(value) for value in values.values())]
            body.append([*row, _p(own, stratum, "match_gap_minus_rest")])
        body += _listening(own)
        parts = [(text, pick(own, metric=f"variance_{part}")) for part, text in COMPONENTS.items()]
        if any(len(rows) for _, rows in parts):
            body.append("share in the variance of single votes of the ALM")
            body += [[text, "", "", "", _cell(rows), ""] for text, rows in parts if len(rows)]
    head = ["", "$n$", "people", "ALM", "difference", "$p$"]
    return tabular("lrrrrr", head, body), statistics


def _listening(own: pd.DataFrame) -> list:
    body: list = []
    for part in ("audio", "text"):
        metrics = (f"match_{part}", f"changed_{part}", f"match_both_minus_{part}")
        rows = pick(own, metric=metrics[0])
        if rows.empty:
            continue
        what = "the voice" if part == "audio" else "the words"
        title = f"given {what} alone: agreement with a person, change of the votes, agreement with both minus this"
        body.append(title)
        for stratum in rows["stratum"]:
            cells = [_cell(pick(own, stratum=stratum, metric=metric)) for metric in metrics]
            count = str(int(pick(rows, stratum=stratum)["n"].iloc[0]))
            body.append([escape_latex(stratum.replace("=", " ")), count, *cells, _p(own, stratum, metrics[2])])
    return body


def _cell(rows: pd.DataFrame) -> str:
    if not len(rows):
        return number(float("nan"))
    estimate, low, high = (float(rows[key].iloc[0]) for key in ("estimate", "low", "high"))
    return cell(estimate, low, high)


def _p(rows: pd.DataFrame, stratum: str, metric: str) -> str:
    found = pick(rows, stratum=stratum, metric=metric)
    return p_text(found.iloc[0]) if len(found) else ""
