"""Coverage of nominal 95 % intervals: methods in rows, numbers of speakers in columns."""

import pandas as pd

from scaling_ambiguity.inference.validity import judge
from scaling_ambiguity.reporting.selection import pick
from scaling_ambiguity.reporting.tables.booktabs import tabular
from scaling_ambiguity.tables.statistics import LIKE_THESE, THESE

NAMES = {
    "bootstrap_t": "bootstrap-$t$",
    "percentile": "percentile",
    "t": "Student's $t$",
    "crossed_bootstrap_t": "bootstrap-$t$, speakers and raters crossed",
}
MARKS = {"refused": r"$^\dagger$", "conservative": r"$^\ddagger$", "covers": ""}
LINES = (
    *((THESE, method, 30) for method in ("bootstrap_t", "t", "percentile")),
    *((LIKE_THESE, "bootstrap_t", raters) for raters in (6, 12, 30, 300)),
    *((LIKE_THESE, "crossed_bootstrap_t", raters) for raters in (30, 300)),
)


def validity_table(study: pd.DataFrame, own: pd.DataFrame | None) -> tuple[str, pd.DataFrame]:
    """Return the LaTeX table at 4 classes and 5 votes, and all cells behind it.

    Args:
        study: The cells of the study with their verdicts.
        own: The cell of the design of this run, without verdicts, or None.
    """
    cells = pick(study, classes=4, votes=5)
    speakers = sorted(set(cells["speakers"]))
    blank = [] if own is None else [""]  # the design of this run has its own column
    body: list = []
    for population in (THESE, LIKE_THESE):
        body.append(f"population: {population}")
        for where, method, raters in LINES:
            if where == population:
                rows = pick(cells, population=population, method=method, raters=raters).set_index("speakers")
                values = [_cell(rows.loc[number]) if number in rows.index else "--" for number in speakers]
                body.append([NAMES[method], str(raters), *values, *blank])
    if own is not None:
        judged = judge(own)
        first = judged.iloc[0]
        size = ", ".join(f"{first[name]} {name}" for name in ("speakers", "raters", "classes", "votes"))
        body.append(f"in the design of this run: {size}")
        for row in judged[judged["method"].isin(["bootstrap_t", "crossed_bootstrap_t"])].itertuples():
            value = _cell(pd.Series(row._asdict()))
            body.append([f"{NAMES[row.method]}, {row.population}", str(row.raters), *[""] * len(speakers), value])
        study = pd.concat([study, judged], ignore_index=True)
    head = ["method", "raters", *(f"{number} speakers" for number in speakers)]
    head += [] if own is None else ["this run"]
    return tabular("lr" + "r" * (len(head) - 2), head, body), study


def _cell(row: pd.Series) -> str:
    return f"{100 * row['coverage']:.1f}{MARKS[row['verdict']]}"
