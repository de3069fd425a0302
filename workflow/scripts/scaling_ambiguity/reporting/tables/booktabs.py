"""LaTeX tabulars in the booktabs style."""

from collections.abc import Sequence

from scaling_ambiguity.reporting.text import interval_of, number
from scaling_ambiguity.tables.statistics import LIKE_THESE

Row = Sequence[str] | str
OPTIONAL = (LIKE_THESE, "truth")  # heads of columns for which no run has numbers whose raters, or truth, are not known


def cell(estimate: float, low: float, high: float, digits: int = 3) -> str:
    """Return an estimate with its interval in small print."""
    interval = interval_of(estimate, low, high, digits)
    value = number(estimate, digits)
    return rf"{value} {{\scriptsize {interval}}}" if interval and value != "--" else value


def plain_cell(text: str) -> str:
    """Return the text of a cell for a sentence: its interval in the size of the sentence."""
    return text.replace(r" {\scriptsize ", " ").replace("}", "")


def tabular(columns: str, head: Sequence[str], body: Sequence[Row]) -> str:
    r"""Return a tabular; a body row that is a string is a heading over the full width, ``""`` a rule.

    It is shrunk where the numbers of a run make it wider than its column. A column of ``OPTIONAL`` is left out where
    no row has a number in it.

    Args:
        columns: One letter of alignment per column.
        head: Heads of the columns.
        body: Cells of the rows; ``--`` is no number.

    Raises:
        ValueError: a row has another number of cells than the head.
    """
    for row in body:
        if not isinstance(row, str) and len(row) != len(head):
            raise ValueError(f"row {list(row)} has {len(row)} cells, the head {len(head)}")
    filled = [row for row in body if not isinstance(row, str)]
    kept = [i for i, name in enumerate(head) if name not in OPTIONAL or any(row[i] != "--" for row in filled)]
    columns, head = "".join(columns[i] for i in kept), [head[i] for i in kept]
    lines = [r"\begin{adjustbox}{max width=\linewidth}"]
    lines += [rf"\begin{{tabular}}{{@{{}}{columns}@{{}}}}", r"\toprule", rf"{' & '.join(head)} \\", r"\midrule"]
    for row in body:
        if isinstance(row, str):
            lines.append(rf"\multicolumn{{{len(head)}}}{{@{{}}l}}{{\emph{{{row}}}}} \\" if row else r"\midrule")
            continue
        lines.append(rf"{' & '.join(row[i] for i in kept)} \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{adjustbox}", ""])
