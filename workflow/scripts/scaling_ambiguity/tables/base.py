"""A table of the project: a pandera schema, a key, and one reader and writer that both validate."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa
from numpy.typing import NDArray

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import read_parquet, write_parquet

PROBABILITY_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Table:
    """One table of the project.

    Attributes:
        name: Its name in error messages.
        schema: pandera schema; its columns come first, in its order; those that are not required may be absent.
        key: Columns that identify a row; rows are stored sorted by them.
        families: Prefixes of numeric column families whose names depend on the class
            set or the number of deals, e.g. ``("p_",)``; the columns of ``distributions`` sum to 1 in each row.
        distributions: The families that are probability distributions.
    """

    name: str
    schema: pa.DataFrameSchema
    key: tuple[str, ...]
    families: tuple[str, ...] = ()
    distributions: tuple[str, ...] = ()

    def validate(self, frame: pd.DataFrame, where: str | Path) -> pd.DataFrame:
        """Return ``frame`` with columns and rows in order; raise UserError naming the first fault."""
        fixed = [name for name, column in self.schema.columns.items() if column.required or name in frame]
        extra = [c for c in frame.columns if c not in fixed]
        unknown = [c for c in extra if not c.startswith(self.families or ("\0",))]
        if unknown:
            raise UserError(
                f"{where}: the {self.name} table has no column {unknown[0]!r}; expected {fixed} and {self.families}."
            )
        try:
            frame = self.schema.validate(frame)
        except pa.errors.SchemaError as error:
            raise UserError(f"{where}: not a valid {self.name} table: {error}") from error
        repeated = frame.duplicated(list(self.key))
        if repeated.any():
            item = frame.loc[repeated, list(self.key)].iloc[0].to_dict()
            raise UserError(f"{where}: the {self.name} table has {item} twice; its key is {self.key}.")
        for family in self.distributions:
            self._check_distribution(frame, [c for c in extra if c.startswith(family)], where)
        return frame[fixed + extra].sort_values(list(self.key), kind="stable").reset_index(drop=True)

    def _check_distribution(self, frame: pd.DataFrame, columns: list[str], where: str | Path) -> None:
        values = frame[columns]
        off = (values.sum(axis=1, skipna=False) - 1).abs()
        wrong = ~(off <= PROBABILITY_TOLERANCE) | (values < 0).any(axis=1)
        if not columns or wrong.any():
            row = frame.loc[wrong].iloc[0].to_dict() if columns else "no p_<label> column"
            raise UserError(
                f"{where}: the {self.name} table needs non-negative probabilities that sum to 1; got {row}."
            )

    def write(self, frame: pd.DataFrame, path: str | Path) -> None:
        """Validate and write, atomically, with bytes that depend only on the data."""
        write_parquet(self.validate(frame, path), path)

    def read(self, path: str | Path, *, utterances: list[str] | None = None) -> pd.DataFrame:
        """Read and validate; with ``utterances``, rows of other utterances are never loaded."""
        filters = None if utterances is None else [("utterance", "in", list(utterances))]
        return self.validate(read_parquet(path, filters=filters), path)


def class_columns(classes: list[str], prefix: str = "p_") -> list[str]:
    """Return the column names of a class set, e.g. ``["p_happy", "p_sad"]``, in its order."""
    return [f"{prefix}{label}" for label in classes]


def deal_columns(deals: int, prefix: str) -> list[str]:
    """Return the column names of ``deals`` deals, e.g. ``["position_00", "position_01"]``."""
    return [f"{prefix}{deal:02d}" for deal in range(deals)]


def by_deal(frame: pd.DataFrame, prefix: str, where: str | Path) -> NDArray:
    """Return the columns of a family with one column per deal, (deals, rows), in order of the deals.

    Raises:
        UserError: no such column, or a gap between the numbers of the deals.
    """
    wanted = deal_columns(sum(str(column).startswith(prefix) for column in frame.columns), prefix)
    absent = sorted(set(wanted) - set(frame.columns))
    if absent or not wanted:
        raise UserError(f"{where}: the column {(absent or [prefix + '00'])[0]} is missing. Remove it and run again.")
    return np.stack([frame[column].to_numpy() for column in wanted])
