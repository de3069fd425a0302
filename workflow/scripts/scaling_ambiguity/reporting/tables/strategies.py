"""Strategies at test time and their controls: scores, differences from the mean of the same pool, costs."""

import math

import pandas as pd

from scaling_ambiguity.reporting.naming import escape_latex, plain
from scaling_ambiguity.reporting.selection import need, pick
from scaling_ambiguity.reporting.strategy_names import CONTROLS, FORMS, PUBLISHED, strategy_name, why_not
from scaling_ambiguity.reporting.tables.booktabs import Row, cell, tabular
from scaling_ambiguity.reporting.text import joined, number, p_value, percent
from scaling_ambiguity.testtime.projecting import NOT_AVAILABLE

HEAD = ["strategy", "pool", "NLL", "minus the mean", "$p$", "Brier", "JSD", "BC", "requests", "seconds", "usable"]
FLOP = "GFLOP"
Values = dict[str, pd.Series]


def strategies_table(statistics: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """Return the LaTeX table and the rows behind it, one block per corpus and ALM.

    ``statistics`` are tables of gather_strategies.
    """
    need(statistics, "tab_strategies", metric="nll")
    priced = bool(pick(statistics, metric="flop")["estimate"].notna().any())
    head = [*HEAD[:-1], FLOP, HEAD[-1]] if priced else HEAD
    body: list[Row] = []
    blocks = list(statistics.groupby(["corpus", "model"], sort=False))
    for (corpus, model), rows in blocks:
        title = plain(corpus, model)
        if body:
            body.append("")
        body.append(f"{escape_latex(title)}{_diversity(rows)}")
        body += [_row(rows, *key, priced=priced) for key in _applied(rows, list(PUBLISHED), list(FORMS))]
        body.append(escape_latex("controls and bounds"))
        body += [_row(rows, *key, priced=priced) for key in _applied(rows, _controls(rows), ["control"])]
        body += _absent(rows)
    kept = statistics[~statistics["metric"].str.contains("_slope|^mixture|_share$|^ece$|^uar$")]
    return tabular("llllllllll" + ("l" if priced else "") + "l", head, body), kept


def _controls(rows: pd.DataFrame) -> list[str]:
    verified = sorted({name for name in rows["labels"] if "-" in name})
    return [*CONTROLS, *verified]


def _applied(rows: pd.DataFrame, names: list[str], forms: list[str]) -> list[tuple[str, str]]:
    """Return the (strategy, form) that have a score, in order."""
    scored = pick(rows, metric="nll").dropna(subset=["estimate"])
    there = set(zip(scored["labels"], scored["augmentation"], strict=True))
    return [(name, form) for name in names for form in forms if (name, form) in there]


def _row(rows: pd.DataFrame, strategy: str, form: str, *, priced: bool) -> list[str]:
    subset = pick(rows, labels=strategy, augmentation=form)
    values: Values = {str(row["metric"]): row for _, row in subset.iterrows()}
    pool = str(subset["stratum"].iloc[0])
    usable = pick(rows, labels=f"pool_{pool}", metric="usable_share")["estimate"]
    asked = float(values["requests"]["estimate"]) if "requests" in values else math.nan
    costs = [number(asked, 0 if asked == round(asked, 3) // 1 else 1), _plain(values, "seconds", 3)]
    costs += [_plain(values, "flop", 2, 1e-9)] if priced else []
    cells = [strategy_name(strategy, form), pool if pool != "none" and strategy != "prior" else "--"]
    cells += [_cell(values, "nll"), _cell(values, "nll_minus_mean"), _p(values), _plain(values, "brier", 3)]
    cells += [_plain(values, "jsd_bits", 3), _plain(values, "bhattacharyya", 3), *costs]
    shown = percent(float(usable.iloc[0])) if len(usable) and strategy != "prior" else "--"
    return [*map(escape_latex, cells[:2]), *cells[2:], shown]


def _cell(values: Values, metric: str) -> str:
    if metric not in values:
        return "--"
    row = values[metric]
    return cell(float(row["estimate"]), float(row["low"]), float(row["high"]))


def _plain(values: Values, metric: str, digits: int, scale: float = 1.0) -> str:
    return number(float(values[metric]["estimate"]) * scale, digits) if metric in values else "--"


def _p(values: Values) -> str:
    return p_value(float(values["nll_minus_mean"]["p_adjusted"])) if "nll_minus_mean" in values else "--"


def _diversity(rows: pd.DataFrame) -> str:
    """Return what the pools are like: mean JSD of pairs of candidates, and whether that is no diversity."""
    texts = []
    for row in pick(rows, metric="pairwise_jsd_bits").itertuples():
        none = pick(rows, labels=row.labels, metric="has_no_diversity")["estimate"]
        said = ", no diversity" if len(none) and float(none.iloc[0]) == 1 else ""
        texts.append(f"{row.stratum} {number(row.estimate)}{said}")
    return f" (JSD of pairs of candidates: {'; '.join(texts)})" if texts else ""


def _absent(rows: pd.DataFrame) -> list[str]:
    """Return one line for each reason why strategies were not applied."""
    missing = rows[rows["method"].str.startswith(NOT_AVAILABLE)]
    applied = set(_applied(rows, list(PUBLISHED), list(FORMS)))
    lines = []
    for reason, same in missing.assign(why=missing["method"].map(why_not)).groupby("why", sort=True):
        names: dict[str, None] = {}  # in order, each once
        for row in same.itertuples():
            strategy = row.labels.partition("-")[0]
            other = any((strategy, form) in applied for form in FORMS)
            short = PUBLISHED.get(strategy, CONTROLS.get(strategy, strategy))
            names[strategy_name(strategy, row.augmentation) if other and row.augmentation in FORMS else short] = None
        lines.append(rf"not available: {escape_latex(joined(list(names)))} -- {escape_latex(str(reason))}")
    return lines


def has_diversity(rows: pd.DataFrame, pool: str) -> bool:
    """Return whether candidates of a pool differ enough to choose from; a pool with one candidate has none."""
    matches = pick(rows, labels=f"pool_{pool}", metric="has_no_diversity")["estimate"]
    return len(matches) > 0 and math.isclose(float(matches.iloc[0]), 0.0)
