"""Numbers of the prose: each has a key, a text, and its provenance, which is checked when it is made."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.reporting.numbers.provenance import CONFIGURATION, fault
from scaling_ambiguity.reporting.selection import one, pick
from scaling_ambiguity.reporting.text import interval_of, number
from scaling_ambiguity.tables.statistics import STATISTICS

ABSENT = "(not available)"
PREAMBLE = r"""% Written by write_numbers; every \result{key} of the paper. An unknown key stops LaTeX.
\makeatletter
\newcommand{\result}[1]{\@ifundefined{result@#1}%
  {\PackageError{numbers}{Undefined result key '#1'}{Define it in reporting/numbers.}}%
  {\csname result@#1\endcsname}}
\newcommand{\defineresult}[2]{\@namedef{result@#1}{#2}}
% \nounof{key}{vote}{votes}: the noun that goes with \result{key}; the first if that is 1.
\newcommand{\defineone}[1]{\@namedef{one@#1}{}}
\newcommand{\nounof}[3]{\@ifundefined{one@#1}{#3}{#2}}
\makeatother
"""


@dataclass(frozen=True)
class Number:
    """One keyed text of the paper and its provenance, see :mod:`reporting.numbers.provenance`.

    ``value`` is in ``column`` of the one row of ``file`` selected by ``rows``; with a ``function`` it is the result
    on the selected rows. A text that follows from other numbers names their keys in ``derived_from``.
    """

    key: str
    text: str
    value: float | int | str | None = None
    file: str | tuple[str, ...] | None = None
    column: str | None = None
    rows: dict[str, Any] = field(default_factory=dict)
    function: str | None = None
    n: int | None = None
    n_clusters: int | None = None
    low: float | None = None
    high: float | None = None
    derived_from: tuple[str, ...] = ()


class Numbers:
    """Collects numbers; a key may be defined once, and its value has to follow from its provenance.

    Args:
        config: The configuration, for numbers that come from it.
    """

    def __init__(self, config: dict[str, Any] | None = None) -> None:
        self._config = config
        self._numbers: dict[str, Number] = {}
        self.switches: dict[str, bool] = {}

    def switch(self, name: str, on: bool) -> None:
        r"""Define ``\if<name>``, with which the text says what holds for this run only."""
        if name in self.switches:
            raise ValueError(f"the switch {name!r} is defined twice")
        self.switches[name] = bool(on)

    def add(self, number_: Number) -> None:
        """Add one number; a repeated key, or a provenance that gives another value, is a fault of the code."""
        if number_.key in self._numbers:
            raise ValueError(f"the result key {number_.key!r} is defined twice")
        if number_.file is None or self._there(number_.file):
            wrong = fault(asdict(number_), self._config)
            if wrong:
                raise ValueError(f"the result key {number_.key!r}: {wrong}")
        self._numbers[number_.key] = number_

    def value(self, key: str, value: Any, text: str, *, file: object, column: str, rows: dict[str, Any] | None = None,
              function: str | None = None, n: int | None = None) -> None:  # fmt: skip
        """Add the value of a cell, or the result of a function of ``provenance`` on selected rows or an entry."""
        where = tuple(map(str, file)) if isinstance(file, list | tuple) else str(file)
        self.add(Number(key, text, _json(value), file=where, column=column, rows=rows or {}, function=function, n=n))

    def cell(self, key: str, row: pd.Series, column: str, text: str) -> None:
        """Add the value in a column of one row of a statistics table that was read with its ``file``."""
        if column not in row:
            raise ValueError(f"the result key {key!r} is of the column {column!r}; a row has {list(row.index)}")
        self.value(key, row[column], text, file=row["file"], column=column, rows=address(row), n=int(row["n"]))

    def absent(self, key: str) -> None:
        """Add a text for a quantity that has no number in this run."""
        self.add(Number(key, ABSENT))

    def words(self, key: str, text: str, derived_from: Sequence[str]) -> None:
        """Add a phrase that follows from other numbers."""
        unknown = [name for name in derived_from if name not in self._numbers]
        if unknown:
            raise ValueError(f"the words {key!r} are derived from {unknown}, which are not defined")
        self.add(Number(key, text, value=text, derived_from=tuple(derived_from)))

    def estimate(
        self, key: str, statistics: pd.DataFrame, *, digits: int = 3, interval: bool = True, optional: bool = False,
        **wanted: Any,
    ) -> pd.Series | None:  # fmt: skip
        """Add the estimate of the one row equal to ``wanted``, with its interval, and return the row.

        An ``optional`` row that does not exist gives the text "(not available)" and None.
        """
        if optional and pick(statistics, **wanted).empty:
            self.absent(key)
            return None
        row = one(statistics, f"result key {key!r}", **wanted)
        text = number(float(row["estimate"]), digits)
        if interval:
            between = interval_of(float(row["estimate"]), float(row["low"]), float(row["high"]), digits)
            text = f"{text} {between}" if between else text
        self.add(
            Number(
                key,
                text,
                value=_finite(row["estimate"]),
                file=row["file"],
                column="estimate",
                rows=address(row),
                n=int(row["n"]),
                n_clusters=int(row["n_clusters"]),
                low=_finite(row["low"]),
                high=_finite(row["high"]),
            )
        )
        return row

    def _there(self, file: str | tuple[str, ...]) -> bool:
        """Whether a number of ``file`` can be checked; tests of texts pass tables that are in no file."""
        if file == CONFIGURATION:
            return self._config is not None
        return all(Path(name).is_file() for name in ((file,) if isinstance(file, str) else file))

    def __getitem__(self, key: str) -> Number:
        """Return the number of a key."""
        if key not in self._numbers:
            raise UserError(f"result key {key!r} is not defined.")
        return self._numbers[key]

    def keys(self) -> list[str]:
        """Return all keys, sorted."""
        return sorted(self._numbers)

    def latex(self) -> str:
        r"""Return numbers.tex: the macro, one definition a key, and a ``\newif`` for every switch."""
        lines = [PREAMBLE.rstrip()]
        for name, on in sorted(self.switches.items()):
            lines += [rf"\newif\if{name}", rf"\{name}{'true' if on else 'false'}"]
        lines += [rf"\defineresult{{{key}}}{{{self._numbers[key].text}}}" for key in self.keys()]
        lines += [rf"\defineone{{{key}}}" for key in self.keys() if self._numbers[key].text == "1"]
        return "\n".join(lines) + "\n"

    def provenance(self) -> dict[str, dict[str, Any]]:
        """Return numbers.json: for each key its text, value, source, interval and size."""
        return {key: {k: v for k, v in asdict(self._numbers[key]).items() if k != "key"} for key in self.keys()}


def _finite(value: float) -> float | None:
    value = float(value)
    return value if math.isfinite(value) else None


def address(row: pd.Series) -> dict[str, Any]:
    """Return the columns that address one row of a statistics table, in this table the only one."""
    return {name: _json(row[name]) for name in STATISTICS.key if name in row}


def _json(value: Any) -> Any:
    """Return a value as JSON can hold it: None for NaN, "inf" for infinity, no type of NumPy."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "inf"
    return value
