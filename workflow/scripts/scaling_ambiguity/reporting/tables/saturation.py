"""How the divergence falls with the number of synthetic votes, its limit, and the published estimate of it."""

import pandas as pd

from scaling_ambiguity.reporting.naming import escape_latex, plain, split_labels
from scaling_ambiguity.reporting.selection import need, pick
from scaling_ambiguity.reporting.tables.booktabs import cell, tabular
from scaling_ambiguity.reporting.text import number, percent

PARTS = {
    "limit": "limit, the annotator's own distribution",
    "human_noise": "of that: few human votes",
    "corrected": "of that: divergence of the two sources",
}
PUBLISHED = {"asymptote": ("as published: asymptote", 3), "saturation_votes": ("as published: saturated from $N$", 0)}


def saturation_table(statistics: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """Return the LaTeX table and the rows behind it; ``statistics`` are tables of trace_saturation, one block each."""
    rows = need(statistics, "tab_saturation", metric="jsd_bits")
    many = rows["file"].nunique() > 1
    body: list = []
    for _, block in statistics.groupby("file", sort=True):
        name = next(n for n in block["labels"] if split_labels(n)[0] == "synthetic" and not split_labels(n)[2])
        if many:
            body.append(escape_latex(plain(block["corpus"].iloc[0], split_labels(name)[1])))
        subset = pick(block, labels=name)
        excess = pick(subset, metric="jsd_bits_excess").set_index("votes")
        for _, row in pick(subset, metric="jsd_bits").sort_values("votes").iterrows():
            line = [f"{row['votes']:.0f}", _cell(row), "--", "--"]
            if row["votes"] in excess.index:
                left, first = excess.loc[row["votes"]], float(excess["estimate"].iloc[0])
                line[2] = _cell(left)
                line[3] = percent(float(left["estimate"]) / first) if first > 0 else "--"
            body.append(line)
        parts = [(text, pick(subset, metric=f"jsd_bits_{part}")) for part, text in PARTS.items()]
        body += [[text, _cell(part.iloc[0]), "", ""] for text, part in parts if len(part)]
        for metric, (text, digits) in PUBLISHED.items():
            matches = pick(block, labels=f"{name}-faithful", metric=metric)
            body += [[text, number(float(value), digits), "", ""] for value in matches["estimate"]]
    kept = statistics[statistics["metric"].str.startswith("jsd_bits") | statistics["metric"].isin(PUBLISHED)]
    return tabular("lllr", ["$N$", "JSD", "excess", "of the first"], body), kept


def _cell(row: pd.Series) -> str:
    return cell(float(row["estimate"]), float(row["low"]), float(row["high"]))
