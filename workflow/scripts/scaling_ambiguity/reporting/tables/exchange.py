"""The exchange rate in numbers: votes alone, combined with human votes, by level, and class shares of a corpus."""

import math
from collections.abc import Sequence

import pandas as pd

from scaling_ambiguity.reporting.naming import LEVELS, escape_latex, plain, predictor_name
from scaling_ambiguity.reporting.selection import need, no_wider, pick
from scaling_ambiguity.reporting.tables.alignment import AS_ALONE
from scaling_ambiguity.reporting.tables.booktabs import Row, cell, tabular
from scaling_ambiguity.reporting.text import bounds, number, p_text
from scaling_ambiguity.tables.statistics import LIKE_THESE, NOT_IDENTIFIABLE, THESE

VARIANTS = ("as_pooled", "weighted", "calibrated")
NAMES = {
    "as_pooled": "as they are",
    "weighted": "fitted weight",
    "calibrated": "calibrated",
    "echo": "control: echo",
    "calibrated-echo": "control: echo, calibrated",
    "shuffled": "another utterance's votes",
}
NOTHING = "not available"
UNKNOWN = "not identifiable"


def variant_name(labels: str) -> str:
    """Return the name of a predictor of the exchange rate, e.g. ``latent-2`` -> ``2 draws from the truth``."""
    if labels.startswith("latent-"):
        k = labels.removeprefix("latent-")
        return f"{k} draw{'s' if k != '1' else ''} from the truth"
    return NAMES.get(labels) or predictor_name(labels)


def votes_cell(row: pd.Series, largest: float, excess: float = math.nan, offset: float = 0.0) -> str:
    """Return equivalent votes with their interval, the end of the data, and the difference from the prior.

    Args:
        row: A row of equivalent votes, or of a gain over ``offset`` human votes.
        largest: The largest number k of human votes that the corpus can show.
        excess: NLL minus that of the prior, in nats.
        offset: Number of human votes over which ``row`` is a gain.
    """
    if row["method"].startswith("not_available"):
        return NOTHING
    if row["method"] == NOT_IDENTIFIABLE:
        return UNKNOWN
    beyond = row["one_sided"] == "low" and row["estimate"] + offset >= largest
    value = f"$>${largest - offset:.0f}" if beyond else number(row["estimate"], 2)
    interval = bounds(row["low"], row["high"], 2) if math.isfinite(row["low"]) else ""
    text = f"{value} {{\\scriptsize {interval}}}" if interval else value
    if not offset and row["estimate"] <= 0 and excess > 5e-4:
        text += f", worse than the prior by {number(excess)} nats"
    return text


def _m(votes: float) -> str:
    return r"$\infty$" if math.isinf(votes) else f"{votes:.0f}"


def _order(labels: str) -> tuple[int, str]:
    return (VARIANTS.index(labels) if labels in VARIANTS else len(VARIANTS), labels)


def _cells(rows: pd.DataFrame, digits: int = 3) -> str:
    if not len(rows):
        return "--"
    estimate, low, high = (float(rows.iloc[0][c]) for c in ("estimate", "low", "high"))
    return cell(estimate, low, high, digits)


def _alone(rows: pd.DataFrame, largest: float) -> list[Row]:
    """Return one line per predictor without human votes."""
    subset = pick(rows, metric="equivalent_votes", population=THESE, stratum="all")
    order = sorted(range(len(subset)), key=lambda i: (_order(subset.iloc[i]["labels"]), subset.iloc[i]["votes"]))
    body: list[Row] = []
    for i in order:
        row = subset.iloc[i]
        key = {"labels": row["labels"], "votes": row["votes"], "stratum": "all"}
        nll, excess, weight = (
            pick(rows, metric=metric, population=THESE, **key)
            for metric in ("nll", "nll_minus_prior", ("weight", "row_sum"))
        )
        like = pick(rows, metric="equivalent_votes", population=LIKE_THESE, **key)
        above = float(excess["estimate"].iloc[0]) if len(excess) else math.nan
        across = votes_cell(like.iloc[0], largest).partition(" ")[2] if len(like) else ""
        across = AS_ALONE if len(like) and no_wider(like.iloc[0], row, 2) else across
        line = [variant_name(row["labels"]), _m(row["votes"]), _cells(nll), _cells(excess)]
        body.append([*line, votes_cell(row, largest, above), across or "--", _cells(weight, 2)])
    return body


def _beside(rows: pd.DataFrame, ks: Sequence[int], largest: float) -> list[Row]:
    """Return one line per predictor combined with k human votes: the gain for every k, then minus the control's gain.

    The last column is the p-value of the difference in NLL from that control over ``typical_votes`` human votes.
    """
    typical = pick(rows, labels="human", metric="typical_votes")
    quoted = int(typical["estimate"].iloc[0]) if len(typical) else ks[0]
    body: list[Row] = []
    for prefix, ending in (("gain_k", ""), ("net_gain_k", ", less its control")):
        subset = rows[rows["metric"].str.startswith(prefix) & (rows["population"] == THESE)]
        keys = {(labels, votes) for labels, votes in zip(subset["labels"], subset["votes"], strict=True)}
        for labels, votes in sorted(keys, key=lambda key: (_order(key[0]), key[1])):
            cells = []
            for k in ks:
                matches = pick(subset, labels=labels, votes=votes, metric=f"{prefix}{k}", stratum="all")
                cells.append(votes_cell(matches.iloc[0], largest, offset=k) if len(matches) else "--")
            against = pick(rows, labels=labels, votes=votes, metric=f"nll_k{quoted}_minus_echo", stratum="all")
            p = p_text(against.iloc[0], "p") if len(against) and not ending else "--"
            body.append([variant_name(labels) + ending, _m(votes), *cells, p])
    return body


def _levels(rows: pd.DataFrame) -> tuple[list[Row], float]:
    """Return a line per predictor by level, and the largest number of human votes; one line if there are no levels."""
    human = pick(rows, labels="human", metric="nll")
    if human.empty:
        return [[UNKNOWN, "--", *["--"] * len(LEVELS)]], math.nan
    largest = float(human["votes"].max())
    subset = rows[rows["metric"].isin(["equivalent_votes", "gain_k1"]) & (rows["population"] == THESE)]
    body: list[Row] = []
    keys = {(row.metric, row.labels, row.votes) for row in subset.itertuples()}
    for metric, labels, votes in sorted(keys, key=lambda key: (key[0], _order(key[1]), key[2])):
        cells = []
        for stratum in LEVELS:
            matches = pick(subset, metric=metric, labels=labels, votes=votes, stratum=stratum)
            excess = pick(rows, metric="nll_minus_prior", labels=labels, votes=votes, stratum=stratum, population=THESE)
            above = float(excess["estimate"].iloc[0]) if len(excess) else math.nan
            offset = 1 if metric == "gain_k1" else 0
            cells.append(votes_cell(matches.iloc[0], largest, above, offset) if len(matches) else "--")
        name = variant_name(labels) + (", gain over 1 human vote" if metric == "gain_k1" else "")
        body.append([name, _m(votes), *cells])
    return body, largest


def _shares(rows: pd.DataFrame) -> list[Row]:
    body: list[Row] = []
    for stratum in dict.fromkeys(rows["stratum"]):
        subset = rows[rows["stratum"] == stratum].set_index("metric")
        if "class_share_ppi" not in subset.index:
            continue
        line = [escape_latex(stratum.removeprefix("class=")), f"{subset.loc['class_share_ppi', 'votes']:.0f}"]
        for metric in ("class_share_all", "class_share_human", "class_share_ppi", "class_share_synthetic"):
            estimate, low, high = (float(subset.loc[metric, c]) for c in ("estimate", "low", "high"))
            line.append(cell(estimate, low, high))
        ratio = float(subset.loc["ppi_ratio", "estimate"]) if "ppi_ratio" in subset.index else math.nan
        body.append([*line, number(float(subset.loc["ppi_lambda", "estimate"]), 2), number(ratio, 2)])
    return body


def exchange_table(statistics: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """Return the LaTeX table and the rows behind it.

    ``statistics`` are tables of estimate_exchange_rate, and of estimate_exchange_by_level.
    """
    overall = statistics[statistics["protocol"] == "none"]
    need(overall, "tab_exchange", metric="equivalent_votes")
    tables: dict[str, tuple[str, list[str], list[Row]]] = {}

    def extend(name: str, columns: str, head: list[str], title: str, body: list[Row]) -> None:
        part = tables.setdefault(name, (columns, head, []))[2]
        part += [title, *body] if title else body

    many = overall["file"].nunique() > 1
    for _, rows in overall.groupby("file", sort=True):
        largest = float(pick(rows, labels="human", metric="nll")["votes"].max())
        model = rows.loc[rows["model"] != "none", "model"].iloc[0]
        title = escape_latex(plain(rows["corpus"].iloc[0], model)) if many else ""
        head = [
            "synthetic votes alone",
            "$m$",
            "NLL",
            "$-$ prior",
            "equivalent human votes",
            LIKE_THESE,
            "weight of one",
        ]
        extend("alone", "lrlllll", head, title, _alone(rows, largest))
        ks = list(range(1, int(largest)))
        body = _beside(rows, ks, largest) if ks else []
        if body:
            head = ["gain over $k$ human votes", "$m$", *(f"$k={k}$" for k in ks), "$p$, echo"]
            extend(f"beside {largest}", "lr" + "l" * len(ks) + "r", head, title, body)
        if len(body := _shares(rows)):
            head = ["share of a class", "$n$", "all human votes", "$n$ human votes", "prediction-powered"]
            extend("shares", "lrllllrr", [*head, "synthetic alone", r"$\lambda$", "ratio"], title, body)
    for _, rows in statistics[statistics["protocol"] != "none"].groupby("file", sort=True):
        body, _ = _levels(rows)
        title = escape_latex(plain(rows["corpus"].iloc[0], rows["protocol"].iloc[0])) if many else ""
        extend("levels", "lrlll", ["by ambiguity", "$m$", *LEVELS], title, body)
    order = ["alone", *(name for name in tables if name.startswith("beside")), "levels", "shares"]
    parts = [tabular(columns, head, body) for columns, head, body in (tables[n] for n in order if n in tables)]
    shown = statistics["metric"].str.fullmatch(
        r"nll|nll_minus_prior|equivalent_votes|weight|row_sum|(net_)?gain_k\d+|nll_k\d+_minus_echo|class_share_\w+|ppi_\w+"
    )
    return "\n\\medskip\n\n".join(parts), statistics[shown].drop(columns="file")
