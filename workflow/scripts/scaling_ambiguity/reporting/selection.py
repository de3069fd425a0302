"""Rows of the statistics tables, selected by content and never by position."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.inference.crossed import ALONE
from scaling_ambiguity.reporting.text import number
from scaling_ambiguity.tables.statistics import STATISTICS


def read_statistics(paths: Iterable[str | Path]) -> pd.DataFrame:
    """Return all ``paths`` as one table with a column ``file``; at least one path is needed."""
    frames = [STATISTICS.read(path).assign(file=str(path)) for path in paths]
    if not frames:
        raise UserError("no statistics table was given; expected at least one results/statistics/*.parquet.")
    return pd.concat(frames, ignore_index=True)


def pick(frame: pd.DataFrame, **wanted: object) -> pd.DataFrame:
    """Return the rows equal to ``wanted`` in every named column.

    A list or tuple matches any of its members, ``None`` a missing number.
    """
    keep = pd.Series(True, index=frame.index)
    for column, value in wanted.items():
        if value is None:
            keep &= frame[column].isna()
        elif isinstance(value, list | tuple):
            keep &= frame[column].isin(value)
        else:
            keep &= frame[column] == value
    return frame[keep]


def need(frame: pd.DataFrame, what: str, **wanted: object) -> pd.DataFrame:
    """Return :func:`pick` of ``frame``; a UserError names the rows if there are none."""
    rows = pick(frame, **wanted)
    if rows.empty:
        files = ", ".join(sorted(set(frame.get("file", pd.Series(dtype=str))))) or "the table"
        raise UserError(f"{what}: no row with {wanted} in {files}; re-run the rule that writes it.")
    return rows


def no_wider(like: pd.Series, these: pd.Series, digits: int) -> bool:
    """Whether an interval for raters like these is, or prints as, that for these raters."""
    printed = [[number(float(row[end]), digits) for end in ("low", "high")] for row in (like, these)]
    bounded = pd.notna(like["low"]) or pd.notna(like["high"])
    return bounded and (like["method"].endswith(ALONE) or printed[0] == printed[1])


def one(frame: pd.DataFrame, what: str, **wanted: object) -> pd.Series:
    """Return the single row equal to ``wanted``; a UserError says so if there is none or more than one."""
    rows = need(frame, what, **wanted)
    if len(rows) > 1:
        columns = [c for c in rows.columns if rows[c].nunique(dropna=False) > 1]
        raise UserError(f"{what}: {len(rows)} rows with {wanted}, which differ in {columns}; expected one.")
    return rows.iloc[0]
