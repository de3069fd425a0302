"""A comma-separated file of a corpus as text, every row with its line; a row of the wrong length is a reject."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from scaling_ambiguity.corpora.impostors import LONGEST_HEAD, impostor
from scaling_ambiguity.corpora.model import REJECT_COLUMNS
from scaling_ambiguity.errors import UserError

LINE = "source_line"


def read_text(path: Path, remedy: str) -> str:
    """Return a text file in UTF-8, its byte order mark removed.

    Raises:
        UserError: The file is absent, empty, in another encoding, or a Git-LFS pointer or a web page.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: not readable ({error.strerror}); {remedy}.") from error
    fake = impostor(data[:LONGEST_HEAD])
    if fake:
        raise UserError(f"{path}: is {fake}, not the file itself; {remedy}.")
    if not data.strip():
        raise UserError(f"{path}: is empty; {remedy}.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{path}, line {line}: not UTF-8; convert it, e.g. `iconv -f WINDOWS-1252 -t UTF-8`, or {remedy}."
        ) from error


def read_csv(
    path: Path, columns: list[str], remedy: str, *, root: Path, line_breaks: bool = False, delimiter: str = ","
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return (rows, rejects) of a CSV file: all its columns as text, and ``source_line``, the row's last line.

    Rows with more or fewer fields than the header, as where a file was cut, are rejects of stage
    ``label_file``; blank lines are nothing. Line ends may be LF, CRLF or CR.

    Args:
        path: The file.
        columns: Columns it has to have.
        remedy: What to do about a broken file, for messages.
        root: Root of the corpus; ``source_file`` is relative to it.
        line_breaks: Whether a quoted field may hold line breaks; if not, a stray quote costs one line.
        delimiter: What separates the fields.

    Raises:
        UserError: The file cannot be read at all (see :func:`read_text`), lacks a column or names one twice.
    """
    source = path.relative_to(root).as_posix()
    text, line = read_text(path, remedy), 0
    numbered = []
    try:
        for line, row in (_rows if line_breaks else _single_lines)(text, delimiter):
            numbered.append((line, row))
    except csv.Error as error:
        raise UserError(f"{path}, after line {line}: not readable as CSV ({error}); {remedy}.") from error
    header = numbered.pop(0)[1]
    absent = [column for column in columns if column not in header]
    if absent:
        raise UserError(f"{path}: no column {absent[0]!r}, it has {header[:12]}; {remedy}.")
    twice = [column for column in header if header.count(column) > 1 and (column or column in columns)]
    if twice:
        raise UserError(f"{path}: column {twice[0]!r} is there twice; {remedy}.")
    width = len(header)
    good = [(line, row) for line, row in numbered if len(row) == width]
    frame = pd.DataFrame([row for _, row in good], columns=header, dtype="str")
    frame = frame.loc[:, ~frame.columns.duplicated()]
    frame[LINE] = [line for line, _ in good]
    bad = [
        (f"{source}:{line}", "label_file", f"the row has {len(row)} fields instead of {width}", source, line)
        for line, row in numbered
        if len(row) != width
    ]
    return frame, rejects(bad)


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    yield from ((reader.line_num, row) for row in reader if row)


def _single_lines(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(io.StringIO(text, newline=None), start=1):
        row = next(csv.reader([line.removesuffix("\n")], delimiter=delimiter), [])
        if row:
            yield number, row


def rejects(rows: list[tuple] | pd.DataFrame) -> pd.DataFrame:
    """Return a table of rejects from (item, stage, reason, source file, source line)."""
    return pd.DataFrame(rows, columns=list(REJECT_COLUMNS), dtype=object)
