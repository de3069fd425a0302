"""How synthetic votes deviate from people's: labels, groups of utterances, use of inputs, components of variance."""

from collections.abc import Mapping

import pandas as pd

from scaling_ambiguity.reporting.naming import LEVELS, escape_latex, split_labels
from scaling_ambiguity.reporting.proxy_names import SYNTHETIC, label, shared_name
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
GIVEN = {
    "audio": "the voice alone",
    "text": "the words alone",
    "another": "the voice of another utterance",
    "silence": "silence",
}


def factor_strata(rows: pd.DataFrame) -> list[str]:
    """Return the levels of factors that were compared, in the order of the table."""
    return list(dict.fromkeys(pick(rows, metric="match_gap_minus_rest")["stratum"]))


def bias_table(statistics: pd.DataFrame, proxies: Mapping[str, str]) -> tuple[str, pd.DataFrame]:
    """Return the LaTeX table and the rows behind it.

    ``statistics`` are tables of report_bias, one block each; ``proxies`` is the name of the votes of each annotator.
    """
    need(statistics, "tab_bias", metric="match")
    body: list = []
    for _, block in statistics.groupby("file", sort=True):
        corpus, protocol, name = (escape_latex(block[key].iloc[0]) for key in ("corpus", "protocol", "model"))
        about = f"{corpus}, protocol {protocol}, {name}"
        labels = need(block, "tab_bias", metric="match")["labels"].iloc[0]
        votes = escape_latex(proxies.get(split_labels(labels).annotator, SYNTHETIC))
        own = pick(block, labels=labels)
        body.append(f"{about}: labels; share among people's votes, among {votes}, difference")
        for stratum in pick(own, metric="share_gap")["stratum"]:
            shares = [_cell(pick(block, labels="human", stratum=stratum, metric="share"))]
            shares += [_cell(pick(own, stratum=stratum, metric=metric)) for metric in ("share", "share_gap")]
            body.append([escape_latex(stratum.removeprefix("class=")), "", *shares, _p(own, stratum, "share_gap")])
        body.append(f"utterances; chance that two people agree, that a person agrees with one of {votes}, difference")
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
            body.append(f"share in the variance of single votes among {votes}")
            body += [[text, "", "", "", _cell(rows), ""] for text, rows in parts if len(rows)]
    head = ["", "$n$", "people", escape_latex(label(shared_name(proxies))), "difference", "$p$"]
    return tabular("lrrrrr", head, body), statistics


def _listening(own: pd.DataFrame) -> list:
    body: list = []
    for part, what in GIVEN.items():
        metrics = (f"match_{part}", f"changed_{part}", f"match_both_minus_{part}")
        rows = pick(own, metric=metrics[0])
        if rows.empty:
            continue
        title = f"given {what}: agreement with a person, change of the votes, agreement with both minus this"
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
