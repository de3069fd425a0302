"""LaTeX tabulars in the booktabs style."""

from collections.abc import Sequence

from scaling_ambiguity.reporting.text import interval_of, number

Row = Sequence[str] | str


def cell(estimate: float, low: float, high: float, digits: int = 3) -> str:
    """Return an estimate with its interval in small print."""
    interval = interval_of(estimate, low, high, digits)
    value = number(estimate, digits)
    return rf"{value} {{\scriptsize {interval}}}" if interval and value != "--" else value


def tabular(columns: str, head: Sequence[str], body: Sequence[Row]) -> str:
    r"""Return a tabular; a body row that is a string is a heading over the full width, ``""`` a rule.

    It is shrunk where the numbers of a run make it wider than its column.

    Raises:
        ValueError: a row has another number of cells than the head.
    """
    lines = [r"\begin{adjustbox}{max width=\linewidth}"]
    lines += [rf"\begin{{tabular}}{{@{{}}{columns}@{{}}}}", r"\toprule", rf"{' & '.join(head)} \\", r"\midrule"]
    for row in body:
        if isinstance(row, str):
            lines.append(rf"\multicolumn{{{len(head)}}}{{@{{}}l}}{{\emph{{{row}}}}} \\" if row else r"\midrule")
            continue
        if len(row) != len(head):
            raise ValueError(f"row {list(row)} has {len(row)} cells, the head {len(head)}")
        lines.append(rf"{' & '.join(row)} \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{adjustbox}", ""])
