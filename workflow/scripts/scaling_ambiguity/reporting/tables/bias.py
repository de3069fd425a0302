"""How synthetic votes deviate from people's: labels, groups of utterances, use of inputs, components of variance."""

from collections.abc import Mapping

import pandas as pd

from scaling_ambiguity.reporting.naming import LEVELS, escape_latex, plain, stratum_titles
from scaling_ambiguity.reporting.proxy_names import label, shared_name
from scaling_ambiguity.reporting.selection import need, pick
from scaling_ambiguity.reporting.tables.booktabs import Row, cell, tabular
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
    """Return the LaTeX table, one part per question, and the rows behind it.

    ``statistics`` are tables of report_bias, one block each; ``proxies`` is the name of the votes of each annotator.
    """
    need(statistics, "tab_bias", metric="match")
    votes = escape_latex(label(shared_name(proxies)))
    heads = {
        "labels": ["share of a label", "people's votes", votes, "difference", "$p$"],
        "groups": [
            "chance that votes agree",
            "$n$",
            "two people",
            f"a person, one of the {votes}",
            "difference",
            "$p$",
        ],
        **{
            part: [f"given {what}", "$n$", "agreement with a person", "change of the votes", "both minus this", "$p$"]
            for part, what in GIVEN.items()
        },
        "components": [f"share in the variance of {votes}", "share"],
    }
    bodies: dict[str, list[Row]] = {name: [] for name in heads}
    many = statistics["file"].nunique() > 1
    for _, block in statistics.groupby("file", sort=True):
        corpus, protocol, name = (block[key].iloc[0] for key in ("corpus", "protocol", "model"))
        title = escape_latex(plain(corpus, f"protocol {protocol}", name))
        parts = _parts(block, need(block, "tab_bias", metric="match")["labels"].iloc[0])
        for part, lines in parts.items():
            bodies[part] += [title, *lines] if lines and many else lines
    shown = [tabular("l" + "r" * (len(head) - 1), head, bodies[part]) for part, head in heads.items() if bodies[part]]
    return "\n\\medskip\n\n".join(shown), statistics


def _parts(block: pd.DataFrame, labels: str) -> dict[str, list[Row]]:
    """Return the lines of each part of the table for one annotator, whose votes are called ``labels``."""
    subset = pick(block, labels=labels)
    parts: dict[str, list[Row]] = {"labels": [], "groups": []}
    for stratum in pick(subset, metric="share_gap")["stratum"]:
        shares = [_cell(pick(block, labels="human", stratum=stratum, metric="share"))]
        shares += [_cell(pick(subset, stratum=stratum, metric=metric)) for metric in ("share", "share_gap")]
        parts["labels"].append(
            [escape_latex(stratum.removeprefix("class=")), *shares, _p(subset, stratum, "share_gap")]
        )
    strata = ["all", *(level for level in LEVELS if level in set(subset["stratum"])), *factor_strata(subset)]
    titles = stratum_titles(strata)
    for stratum in strata:
        values = [pick(subset, stratum=stratum, metric=metric) for metric in ("match_human", "match", "match_gap")]
        count = str(int(values[1]["n"].iloc[0]))
        row = [escape_latex(titles[stratum]), count, *(_cell(value) for value in values)]
        parts["groups"].append([*row, _p(subset, stratum, "match_gap_minus_rest")])
    parts |= {part: _listening(subset, part) for part in GIVEN}
    components = [(text, pick(subset, metric=f"variance_{part}")) for part, text in COMPONENTS.items()]
    parts["components"] = [[text, _cell(rows)] for text, rows in components if len(rows)]
    return parts


def _listening(subset: pd.DataFrame, part: str) -> list[Row]:
    """Return the lines of the annotator that was given one part of the input alone."""
    metrics = (f"match_{part}", f"changed_{part}", f"match_both_minus_{part}")
    rows = pick(subset, metric=metrics[0])
    titles = stratum_titles(rows["stratum"])
    lines: list[Row] = []
    for stratum in rows["stratum"]:
        cells = [_cell(pick(subset, stratum=stratum, metric=metric)) for metric in metrics]
        count = str(int(pick(rows, stratum=stratum)["n"].iloc[0]))
        lines.append([escape_latex(titles[stratum]), count, *cells, _p(subset, stratum, metrics[2])])
    return lines


def _cell(rows: pd.DataFrame) -> str:
    if not len(rows):
        return number(float("nan"))
    estimate, low, high = (float(rows[key].iloc[0]) for key in ("estimate", "low", "high"))
    return cell(estimate, low, high)


def _p(rows: pd.DataFrame, stratum: str, metric: str) -> str:
    matches = pick(rows, stratum=stratum, metric=metric)
    return p_text(matches.iloc[0]) if len(matches) else ""
