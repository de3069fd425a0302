"""The answer store: an append-only folder of JSON lines. Answers are bought once and never thrown away.

Each writing process has a file of its own, so that writers never meet and only the last line of
a file can be torn. One line is one answer; the line begins with its key.
"""

import json
import os
import uuid
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from scaling_ambiguity.errors import UserError

_START = '{"key": "'
_KEY_LENGTH = 64


def record_line(record: dict[str, Any]) -> str:
    """Return the line of a record, with its end; the key comes first."""
    return json.dumps({"key": record["key"], **record}, allow_nan=False) + "\n"


class AnswerStore:
    """Answers by key, in ``folder``; several processes may use one folder at once."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._file: int | None = None

    def read(self, keys: Collection[str]) -> dict[str, dict[str, Any]]:
        """Return the stored records among ``keys``; of a key stored twice the first, by time then file.

        Raises:
            UserError: A line other than a file's torn last one is not a record.
        """
        return _first_of_each(self._records(set(keys)))

    def all(self) -> list[dict[str, Any]]:
        """Return every stored record, each key once; see :meth:`read`."""
        return list(_first_of_each(self._records(None)).values())

    def _records(self, wanted: set[str] | None) -> Iterator[dict[str, Any]]:
        """Yield the whole records of the wanted keys, or of all, file by file."""
        for path in sorted(self.folder.glob("*.jsonl")):
            for number, line in enumerate(path.open(encoding="utf-8", errors="replace"), start=1):
                if not line.endswith("\n"):
                    continue  # torn by a kill in mid-write: the answer counts as never given
                key = line[len(_START) : len(_START) + _KEY_LENGTH]
                if not line.startswith(_START):
                    raise UserError(f"{path}, line {number}: not an answer record. Move the file away and run again.")
                if wanted is not None and key not in wanted:
                    continue
                try:
                    yield json.loads(line)
                except ValueError as error:
                    raise UserError(
                        f"{path}, line {number}: damaged ({error}). Move the file away and run again."
                    ) from error

    def append(self, records: list[dict[str, Any]]) -> None:
        """Add records in one write, on the disk before this returns; each has a ``key`` of 64 characters.

        Raises:
            UserError: The disk is full, or cannot be written; what was stored before is whole.
        """
        if not records:
            return
        if self._file is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            name = self.folder / f"answers-{uuid.uuid4().hex}.jsonl"
            self._file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        data = "".join(map(record_line, records)).encode()
        try:
            while data:
                data = data[os.write(self._file, data) :]
            os.fsync(self._file)
        except OSError as error:
            raise UserError(
                f"{self.folder}: an answer could not be stored ({error.strerror}). Every answer before it is kept; "
                "make room and run again."
            ) from error

    def close(self) -> None:
        """Close the file of this process."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _first_of_each(records: Iterator[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for record in records:
        key = record["key"]
        if key not in found or record["time"] < found[key]["time"]:
            found[key] = record
    return found
