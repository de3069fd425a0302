"""A comma-separated file of a corpus as text, every row with its line; a row of the wrong length is a reject."""

import codecs
import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from scaling_ambiguity.corpora.accounting import rejects
from scaling_ambiguity.corpora.paths import POINTER, impostor
from scaling_ambiguity.errors import UserError

LINE = "source_line"
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_data(path: Path, remedy: str) -> bytes:
    """Return the bytes of a file.

    Raises:
        UserError: The file is absent, empty, or a Git-LFS pointer or a web page.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: not readable ({error.strerror}); {remedy}.") from error
    if fake := impostor(data):
        pull = "`git lfs pull` in its repository, or " if fake == POINTER else ""
        raise UserError(f"{path}: is {fake}, not the file itself; {pull}{remedy}.")
    if not data.strip():
        raise UserError(f"{path}: is empty; {remedy}.")
    return data


def read_text(path: Path, remedy: str) -> str:
    """Return a text file in UTF-8, or in UTF-16 with a byte order mark (Excel's "Unicode text"), without the mark.

    Raises:
        UserError: The file is in another encoding; see also :func:`read_data`.
    """
    data = read_data(path, remedy)
    try:
        if data.startswith(UTF_16):
            return data.decode("utf-16")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        if data.startswith(UTF_16):
            raise UserError(f"{path}, line {line}: UTF-16 that is cut or damaged; {remedy}.") from error
        raise UserError(
            f"{path}, line {line}: not UTF-8; convert it, e.g. `iconv -f WINDOWS-1252 -t UTF-8`, or {remedy}."
        ) from error


def read_csv(
    path: Path, columns: list[str], remedy: str, *, root: Path, line_breaks: bool = False, delimiter: str = ","
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return (rows, rejects) of a CSV file: all its columns as text, and ``source_line``, the row's last line.

    Rows with more or fewer fields than the header, as where a file was cut, are rejects of stage
    ``label_file``; blank lines and rows of empty fields are ignored. Line ends may be LF, CRLF or CR.

    Args:
        path: The file.
        columns: Required columns.
        remedy: Remedy for a broken file, for messages.
        root: Root of the corpus; ``source_file`` is relative to it.
        line_breaks: Whether a quoted field may hold line breaks; if not, a stray quote costs one line.
        delimiter: Field separator, unless a first line ``sep=;`` or the header shows another.

    Raises:
        UserError: The file cannot be read at all (see :func:`read_text`), lacks a column or names one twice.
    """
    source = path.relative_to(root).as_posix()
    lines = list(io.StringIO(read_text(path, remedy), newline=""))
    skipped, delimiter = _delimiter(lines, delimiter)
    numbered = []
    try:
        for number, row in (_fields if line_breaks else _single_lines)(lines[skipped:], delimiter):
            numbered.append((number + skipped, row))
    except csv.Error as error:
        line = numbered[-1][0] if numbered else 0
        raise UserError(f"{path}, after line {line}: not readable as CSV ({error}); {remedy}.") from error
    first = numbered.pop(0)[1] if numbered else None
    if first is None:
        raise UserError(f"{path}: no header with the names of the columns; {remedy}.")
    header = [name.strip() for name in first]
    absent = [column for column in columns if column not in header]
    if absent:
        raise UserError(f"{path}: no column {absent[0]!r}, it has {header[:12]}; {remedy}.")
    twice = [column for column in header if header.count(column) > 1 and (column or column in columns)]
    if twice:
        raise UserError(f"{path}: column {twice[0]!r} is there twice; {remedy}.")
    width = len(header)
    good = [(line, row) for line, row in numbered if row is not None and len(row) == width]
    frame = pd.DataFrame([row for _, row in good], columns=header, dtype="str")
    frame = frame.loc[:, ~frame.columns.duplicated()]
    frame[LINE] = [line for line, _ in good]
    bad = [
        (f"{source}:{line}", "label_file", _unusable(row, width), source, line)
        for line, row in numbered
        if row is None or len(row) != width
    ]
    return frame, rejects(bad)


def _unusable(row: list[str] | None, width: int) -> str:
    if row is None:
        return "a quote is opened on this line and never closed; close it, or write it twice"
    return f"the row has {len(row)} fields instead of {width}"


def _fields(lines: list[str], delimiter: str) -> Iterator[tuple[int, list[str] | None]]:
    """Yield (number of the last line, fields) of each row; a quoted field may hold line breaks.

    A quote that is opened and never closed would swallow the following lines: its line is a row by itself, whose
    fields are None in a CSV file; in a TSV file, which is usually written without quoting, the quote is a character.
    """
    start, reader = 0, csv.reader(lines, delimiter=delimiter)
    while start < len(lines):
        before = reader.line_num
        try:
            row = next(reader, [])
        except csv.Error:  # a field longer than the limit
            row = None
        taken = lines[start : start + reader.line_num - before]
        if row is not None and (len(taken) < 2 or _closed(taken, delimiter)):
            start += len(taken)
            if any(field.strip() for field in row):
                yield start, row
            continue
        plain = next(csv.reader([lines[start]], delimiter=delimiter, quoting=csv.QUOTE_NONE))
        start += 1
        yield start, plain if delimiter == "\t" else None
        reader = csv.reader(lines[start:], delimiter=delimiter)


def _closed(lines: list[str], delimiter: str) -> bool:
    """Return whether every quote that opens a field on these lines is closed at a delimiter or the end of a line."""
    try:
        list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error:
        return False
    return True


def _single_lines(lines: list[str], delimiter: str) -> Iterator[tuple[int, list[str] | None]]:
    for number, line in enumerate(lines, start=1):
        row = next(csv.reader([line.removesuffix("\n")], delimiter=delimiter), [])
        if any(field.strip() for field in row):
            yield number, row


def _delimiter(lines: list[str], delimiter: str) -> tuple[int, str]:
    """Return (lines before the header, field separator), from ``sep=;`` or the header line."""
    first = lines[0].strip().strip('"') if lines else ""
    if first.lower().startswith("sep=") and len(first) in (4, 5):
        return 1, first[4:] or "\t"
    if first and delimiter not in first:
        return 0, next((other for other in (",", ";", "\t", "|") if other in first), delimiter)
    return 0, delimiter
