"""A predictor's distributions as somebody computed them elsewhere: a CSV table, checked line by line."""

import csv
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.tables.base import class_columns

TOLERANCE = 1e-3  # of a sum of rounded probabilities


def read_given(path: Path, names: list[str], classes: list[str], left_out: Collection[str] = ()) -> pd.DataFrame:
    """Return ``utterance`` and ``p_<label>`` of every utterance of a corpus, in the order of ``names``.

    Args:
        path: CSV, UTF-8, with the columns ``utterance`` and ``p_<label>`` for every class; others are ignored.
        names: The U utterances of the corpus.
        classes: The class set.
        left_out: Items that the corpus has but the run rejected; their rows are ignored.

    Raises:
        UserError: The file is no such table; a line has an unknown or repeated utterance, a value that is no
            probability, or probabilities that do not sum to 1 within .001; or an utterance has no line.
    """
    columns = class_columns(classes)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            lacking = [name for name in ["utterance", *columns] if name not in (reader.fieldnames or [])]
            if lacking:
                raise UserError(f"{path}: no column {lacking[0]!r}; expected utterance, {', '.join(columns)}.")
            lines = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: not readable as a CSV table in UTF-8 ({error}).") from error
    wanted, ignored = set(names), set(left_out)
    given: dict[str, np.ndarray] = {}
    for number, row in lines:
        where, name = f"{path}, line {number}", (row["utterance"] or "").strip()
        if name in ignored:
            continue
        if name not in wanted:
            raise UserError(f"{where}: utterance {name!r} is not in the corpus. Correct its name, or remove the line.")
        if name in given:
            raise UserError(f"{where}: utterance {name!r} has a line already. Remove one of the two.")
        given[name] = _distribution([row[column] for column in columns], where)
    absent = [name for name in names if name not in given]
    if absent:
        raise UserError(
            f"{path}: no line for utterance {absent[0]!r} ({len(absent)} of {len(names)} have none). Add them."
        )
    frame = pd.DataFrame(np.stack([given[name] for name in names]), columns=columns)
    frame.insert(0, "utterance", names)
    return frame


def _distribution(cells: list[str | None], where: str) -> np.ndarray:
    try:
        values = np.array([float(cell or "") for cell in cells])
    except ValueError as error:
        raise UserError(f"{where}: not a number ({error}). Every class needs a probability.") from error
    if not ((values >= 0) & (values <= 1 + TOLERANCE)).all():
        raise UserError(f"{where}: {values[~((values >= 0) & (values <= 1 + TOLERANCE))][0]} is no probability.")
    if abs(values.sum() - 1) > TOLERANCE:
        raise UserError(f"{where}: the probabilities sum to {values.sum():.4f}, not 1.")
    return values / values.sum()
