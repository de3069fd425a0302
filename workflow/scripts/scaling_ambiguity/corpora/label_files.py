"""Label files as distributed: matched under any spelling, read line by line, no line dropped without a reason."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from scaling_ambiguity.corpora.accounting import Rejects
from scaling_ambiguity.corpora.csv_file import UTF_16, read_data
from scaling_ambiguity.errors import UserError

REMEDY = "extract the corpus again, or correct its root"


@dataclass(frozen=True)
class Lines:
    """The lines of a text file.

    Attributes:
        text: The lines without line ends and white space around them, blank ones included.
        number: Their numbers, from 1.
        damaged: Which of them are not UTF-8.
    """

    text: pa.LargeStringArray
    number: np.ndarray
    damaged: np.ndarray

    def __getitem__(self, chosen: np.ndarray) -> "Lines":
        """Return the lines where the mask ``chosen`` is true."""
        return Lines(self.text.filter(pa.array(chosen)), self.number[chosen], self.damaged[chosen])


def find_file(folder: Path, names: tuple[str, ...]) -> Path | None:
    """Return the first of ``names`` that is a file of ``folder``, upper and lower case alike, or None."""
    present = {path.name.casefold(): path for path in sorted(folder.iterdir(), reverse=True) if path.is_file()}
    return next((present[name.casefold()] for name in names if name.casefold() in present), None)


def read_text(path: Path) -> tuple[str, bool]:
    """Return (text, all of it is UTF-8, or UTF-16 with a byte order mark); a foreign byte becomes U+FFFD.

    Raises:
        UserError: The file is not text; see also :func:`csv_file.read_data`.
    """
    data = read_data(path, REMEDY)
    if data.startswith(UTF_16):
        text = data.decode("utf-16", errors="replace")
        return text, "\ufffd" not in text
    if b"\0" in data:
        raise UserError(f"{path}: not UTF-8 text (UTF-16, or not text at all); convert it with iconv, or {REMEDY}.")
    try:
        return data.decode("utf-8-sig"), True
    except UnicodeDecodeError:
        return data.decode("utf-8-sig", errors="replace"), False


def read_lines(path: Path) -> Lines:
    """Return the lines of a text file; only line feeds separate lines.

    Raises:
        UserError: See :func:`read_text`.
    """
    text, whole = read_text(path)
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    array = pc.ascii_trim_whitespace(pa.array(lines, pa.large_string()))
    damaged = np.zeros(len(lines), bool) if whole else to_numpy(pc.match_substring(array, "\ufffd"))
    return Lines(array, np.arange(1, len(lines) + 1), damaged)


def to_numpy(mask: pa.Array) -> np.ndarray:
    """Return an Arrow array as numpy."""
    return mask.to_numpy(zero_copy_only=False)


def drop_damaged(lines: Lines, source: str, rejects: Rejects, stage: str = "label_file") -> Lines:
    """Return the lines that are UTF-8; the others go to the rejects."""
    rejects.lines(lines.number[lines.damaged], "the line is not UTF-8", source, stage)
    return lines[~lines.damaged]


def drop_blank(lines: Lines) -> Lines:
    """Return the non-blank lines."""
    return lines[to_numpy(pc.not_equal(lines.text, ""))]


def csv_columns(path: Path, lines: Lines) -> list[str]:
    """Return the column names on the first line of a CSV file.

    Raises:
        UserError: There is no line, or a name is empty or occurs twice.
    """
    if not len(lines.number):
        raise UserError(f"{path}: no line of it is text in UTF-8; {REMEDY}.")
    names = [name.strip() for name in next(csv.reader([lines.text[0].as_py()]))]
    if "" in names or len({name.casefold() for name in names}) < len(names):
        raise UserError(f"{path}, line {lines.number[0]}: columns {names} are not distinct names; {REMEDY}.")
    return names


def read_rows(path: Path, lines: Lines, source: str, rejects: Rejects, stage: str = "label_file") -> pd.DataFrame:
    """Return the rows of a CSV file as text, with their line numbers in ``line``.

    A line that is not UTF-8, has an unclosed quote or another number of columns than the
    first one goes to the rejects; a row ends with its line.

    Args:
        path: The file, for messages.
        lines: Its lines.
        source: Its name in the rejects.
        rejects: Receives faulty lines.
        stage: Stage of these rejects.

    Raises:
        UserError: See :func:`csv_columns`.
    """
    lines = drop_blank(drop_damaged(lines, source, rejects, stage))
    names = csv_columns(path, lines)
    lines = lines[np.arange(len(lines.number)) > 0]
    unclosed = to_numpy(pc.count_substring(lines.text, '"')) % 2 == 1
    rejects.lines(lines.number[unclosed], "a quote is not closed; the line is cut or damaged", source, stage)
    lines = lines[~unclosed]
    if not len(lines.number):
        return pd.DataFrame({name: pd.Series(dtype="str") for name in names} | {"line": np.zeros(0, int)})
    wrong: list[tuple[int, int]] = []

    def skip(row: Any) -> str:
        wrong.append((row.number - 1, row.actual_columns))
        return "skip"

    table = pa.csv.read_csv(
        pa.BufferReader("\n".join(lines.text.to_pylist()).encode()),
        pa.csv.ReadOptions(use_threads=False, column_names=names),
        pa.csv.ParseOptions(invalid_row_handler=skip, ignore_empty_lines=False),
        pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.large_string()), strings_can_be_null=False),
    )
    at = np.array([index for index, _ in wrong], dtype=int)
    reasons = [f"{columns} columns instead of {len(names)}; the line is cut or damaged" for _, columns in wrong]
    rejects.lines(lines.number[at], reasons, source, stage)
    frame = table.to_pandas()
    frame.columns = names
    numbers = np.delete(lines.number, at)
    assert len(frame) == len(numbers), "a line was lost"
    return frame.assign(line=numbers)


class Pairs(list):
    """A JSON object as its (key, value) pairs, so that a repeated key stays visible."""


def read_json_pairs(path: Path) -> Pairs:
    """Return the JSON object in a file as pairs, objects inside it likewise.

    Raises:
        UserError: See :func:`read_text`; the file is cut, not JSON, not all UTF-8 or not an object.
    """
    text, whole = read_text(path)
    if not whole:
        raise UserError(f"{path}: not all of it is UTF-8; convert it with iconv, or {REMEDY}.")
    try:
        value = json.loads(text, object_pairs_hook=Pairs)
    except ValueError as error:
        raise UserError(f"{path}: not readable as JSON ({error}); {REMEDY}.") from error
    if not isinstance(value, Pairs):
        raise UserError(f"{path}: not a JSON object with one entry per file; {REMEDY}.")
    return value
