"""Where a number of the paper comes from, in a form that can be followed: file, rows, column, function.

A number without a function is one cell: its ``rows`` select one row of the file, its value is that cell's
``column``. With a function it is the result of that function on the selected rows, or on an entry of a JSON file or of
the configuration. :func:`recompute` repeats the steps; a number that differs from the result is refused when it is
made.
"""

import math
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import read_json, read_parquet
from scaling_ambiguity.reporting.numbers.augmentation import augmentations
from scaling_ambiguity.reporting.proxy_names import proxy_votes
from scaling_ambiguity.reporting.tables.agreement import matrix_of
from scaling_ambiguity.reporting.tables.corpus import describe_corpus
from scaling_ambiguity.tables.rejects import REJECTS
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES

CONFIGURATION = "configuration"
SHARE = "share of "  # a column of describe_corpus
FUNCTIONS: dict[str, Callable[[pd.DataFrame, str], Any]] = {
    "sum": lambda rows, column: rows[column].sum(),
    "mean": lambda rows, column: rows[column].mean(),
    "mean where asked": lambda rows, column: rows.loc[rows["total"] > 0, column].mean(),
    "max": lambda rows, column: rows[column].max(),
    "min": lambda rows, column: rows[column].min(),
    "largest finite": lambda rows, column: rows.loc[np.isfinite(rows[column]), column].max(),
    "distinct": lambda rows, column: rows[column].nunique(),
    "number known": lambda rows, column: rows[column].notna().sum(),
    "share of the total": lambda rows, column: rows[column].sum() / rows["total"].sum(),
    "rest of the total": lambda rows, column: rows["total"].sum() - rows[column].sum(),
    "per vote": lambda rows, column: (rows[column] / rows["votes"]).iloc[0],
    "mean of the diagonal": lambda rows, column: np.diag(matrix_of(rows, rows["labels"].iloc[0])).mean(),
}
OF_ENTRIES: dict[str, Callable[[Any], Any]] = {
    "length": len,
    "joined": lambda entry: ", ".join(map(str, entry)),
    "presentation": lambda entry: entry.get("presentation", "voice"),
}
OF_CONFIGURATION: dict[str, Callable[[dict[str, Any]], Any]] = {  # of all of it; the column selects the quantity
    "models that are no peers": lambda config: ", ".join(
        name for name in config["finetuning"]["models"] if name not in config.get("peers", {})
    ),
    "name of the headline annotator's votes": lambda config: proxy_votes(
        config, config["paper"]["headline"]["annotator"]
    ),
    "first augmentation": lambda config: augmentations(config)[0],
}
OF_CORPORA = ("describe_corpus", "largest share", "smallest share")


def recompute(number: dict[str, Any], config: dict[str, Any] | None = None) -> Any:
    """Return the value that follows from the provenance of a number; NaN is None.

    Args:
        number: ``file``, ``column``, ``rows`` and ``function`` of an entry of numbers.json.
        config: The configuration, for numbers that come from it.

    Raises:
        UserError: no such file, column, entry or function; or no row, or several, for a number without function.
    """
    file, column, function = number["file"], number["column"], number.get("function")
    if function in OF_CORPORA:
        return _of_corpus(number)
    if function in OF_CONFIGURATION:
        return OF_CONFIGURATION[function](config or {})
    if file == CONFIGURATION or str(file).endswith(".json"):
        entry = _entry(config if file == CONFIGURATION else read_json(file), str(column).split("."))
        if entry is _NOTHING:
            raise UserError(f"{file} has no entry {column!r}.")
        return _plain(OF_ENTRIES[function](entry) if function else entry)
    frame = _frame(str(file), Path(file).stat().st_mtime_ns)
    if column not in frame:
        raise UserError(f"{file} has no column {column!r}; it has {sorted(frame.columns)}.")
    rows = select(frame, number["rows"])
    if function:
        if function not in FUNCTIONS:
            raise UserError(f"no function {function!r}; there are {sorted(FUNCTIONS)}.")
        return _plain(FUNCTIONS[function](rows, column)) if len(rows) else None
    if len(rows) != 1:
        raise UserError(f"{file}: {len(rows)} rows with {number['rows']}; a number without function has one.")
    return _plain(rows.iloc[0][column])


def faults(numbers: dict[str, dict[str, Any]], config: dict[str, Any] | None = None) -> Iterable[str]:
    """Yield what is wrong with the provenance of the entries of numbers.json, one sentence per key."""
    for key, number in sorted(numbers.items()):
        missing = [name for name in number["derived_from"] if name not in numbers]
        wrong = f"derived from {missing}, which are no keys" if missing else fault(number, config)
        if wrong:
            yield f"{key}: {wrong}"


def fault(number: dict[str, Any], config: dict[str, Any] | None = None) -> str | None:
    """Return what is wrong with the provenance of one number, None if the value follows from it."""
    if number["derived_from"]:
        return None
    if number["file"] is None:
        return None if number["value"] is None else f"{number['value']!r} comes from no file and no other number"
    try:
        recomputed = recompute(number, config)
    except (UserError, OSError, KeyError) as error:
        return str(error)
    if same(number["value"], recomputed):
        return None
    return f"{number['value']!r} is said, {recomputed!r} is what {number['column']} of {number['file']} gives"


def same(value: Any, other: Any) -> bool:
    """Whether two values are equal, numbers to twelve digits."""
    if isinstance(value, int | float) and isinstance(other, int | float) and not isinstance(value, bool):
        return math.isclose(value, other, rel_tol=1e-12, abs_tol=1e-12)
    return value == other or (value is None and other is None)


def select(frame: pd.DataFrame, rows: dict[str, Any]) -> pd.DataFrame:
    """Return the rows equal to ``rows``: a list matches any of its members, None a missing value, "inf" infinity."""
    keep = np.ones(len(frame), dtype=bool)
    for column, value in rows.items():
        if column not in frame:
            raise UserError(f"no column {column!r} to select by; there are {sorted(frame.columns)}.")
        if value is None:
            keep &= frame[column].isna().to_numpy()
        elif isinstance(value, list | tuple):
            keep &= frame[column].isin(value).to_numpy()
        else:
            keep &= (frame[column] == (math.inf if value == "inf" else value)).to_numpy()
    return frame[keep]


def _of_corpus(number: dict[str, Any]) -> Any:
    files = tuple(number["file"])
    times = tuple(Path(file).stat().st_mtime_ns for file in files)
    described = _described(files, times, tuple(number["rows"]["classes"]))
    if number["function"] == "describe_corpus":
        if number["column"] not in described:
            raise UserError(f"describe_corpus does not give {number['column']!r}; it gives {sorted(described)}.")
        return _plain(described[number["column"]])
    shares = {name.removeprefix(SHARE): value for name, value in described.items() if name.startswith(SHARE)}
    return (max if number["function"] == "largest share" else min)(shares, key=lambda name: shares[name])


@lru_cache(maxsize=8)
def _described(files: tuple[str, ...], times: tuple[int, ...], classes: tuple[str, ...]) -> dict[str, float]:
    utterances, votes, rejects = files
    return describe_corpus(UTTERANCES.read(utterances), VOTES.read(votes), REJECTS.read(rejects), list(classes))


@lru_cache(maxsize=32)
def _frame(file: str, time: int) -> pd.DataFrame:
    return pd.read_csv(file, keep_default_na=False, na_values=[""]) if file.endswith(".csv") else read_parquet(file)


class _Nothing:
    """Represents a missing entry."""


_NOTHING = _Nothing()


def _entry(node: Any, path: list[str]) -> Any:
    """Return the entry at a path of keys and indices, any of which may hold dots; or _NOTHING."""
    if not path:
        return node
    if isinstance(node, list):
        inside = path[0].isdigit() and int(path[0]) < len(node)
        return _entry(node[int(path[0])], path[1:]) if inside else _NOTHING
    for length in range(1, len(path) + 1):
        name = ".".join(path[:length])
        if isinstance(node, dict) and name in node:
            entry = _entry(node[name], path[length:])
            if entry is not _NOTHING:
                return entry
    return _NOTHING


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: no NumPy type, None for NaN, "inf" for infinity."""
    value = value.item() if isinstance(value, np.generic) else value
    if value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return None
    return "inf" if isinstance(value, float) and math.isinf(value) else value
