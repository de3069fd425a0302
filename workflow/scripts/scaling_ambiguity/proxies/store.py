"""The answer store: an append-only folder of JSON lines. Answers are paid for once and never discarded.

Each writing process has its own file, so that writers never conflict and only the last line of a file can be
truncated. One line is one answer; it begins with its key and that of its question. Failures of draws, by a server or
because a clip has no audio token, are stored in separate files (``failed-*.jsonl``); if these are removed, the draws
are requested again.
"""

import json
import os
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies.requests import Request, upgraded

_START, _THEN = '{"key": "', '", "question": "'
_KEY_LENGTH = 64
_THEN_AT = len(_START) + _KEY_LENGTH
_QUESTION_AT = _THEN_AT + len(_THEN)


def record_line(record: dict[str, Any]) -> str:
    """Return the line of a record, with its end; the keys come first."""
    return json.dumps({"key": record["key"], "question": record["question"], **record}, allow_nan=False) + "\n"


class AnswerStore:
    """Answers by key, in ``folder``; several processes may use one folder at once."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._files: dict[str, int] = {}

    def find(self, requests: Iterable[Request], repeats: bool = True) -> dict[str, dict[str, Any]]:
        """Return {request key: stored record} for the requests that were answered, under any version of the key.

        Among several answers the first counts, by time then file: an answer before a failure and, where the request has
        no limit, a complete one before one that was cut.

        Args:
            requests: The requests to look up.
            repeats: Whether the same question gives the same answer; see :meth:`Request.answered_by`.

        Raises:
            UserError: A line other than a file's truncated last one is not a record.
        """
        wanted: dict[str, list[Request]] = defaultdict(list)
        for request in dict.fromkeys(requests):
            wanted[request.question].append(request)
        answers: dict[str, dict[str, Any]] = {}
        for record in self._records(wanted):
            for request in wanted[record["question"]]:
                if request.answered_by(record, repeats):
                    _keep_first(answers, request.key, record, request.limit is None)
        return answers

    def all(self) -> list[dict[str, Any]]:
        """Return every stored record, each key once; see :meth:`find`."""
        records: dict[str, dict[str, Any]] = {}
        for record in self._records(None):
            _keep_first(records, record["key"], record, record["limit"] is None)
        return list(records.values())

    def _records(self, wanted: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
        """Yield the whole records of the wanted questions, or of all, file by file."""
        for path in sorted(self.folder.glob("*.jsonl")):
            for number, line in enumerate(path.open(encoding="utf-8", errors="replace"), start=1):
                if not line.endswith("\n"):
                    continue  # truncated by a kill while writing: the answer counts as never given
                if not line.startswith(_START):
                    raise UserError(f"{path}, line {number}: not an answer record. Move the file away and run again.")
                # a line without one is of an older version, or damaged
                well_formed = line.startswith(_THEN, _THEN_AT) and line.endswith("}\n")
                if well_formed and wanted is not None and line[_QUESTION_AT : _QUESTION_AT + _KEY_LENGTH] not in wanted:
                    continue
                try:
                    record = upgraded(json.loads(line))
                except (ValueError, KeyError) as error:
                    raise UserError(
                        f"{path}, line {number}: damaged ({error}). Move the file away and run again."
                    ) from error
                if wanted is None or record["question"] in wanted:
                    yield record

    def append(self, records: list[dict[str, Any]]) -> None:
        """Add records in one write per file, on disk before this returns; see :func:`requests.identity`.

        Raises:
            UserError: The disk is full, or cannot be written; what was stored before is intact.
        """
        for kind in ("answers", "failed"):
            self._append(kind, [record for record in records if (record["status"] == "failed") == (kind == "failed")])

    def _append(self, kind: str, records: list[dict[str, Any]]) -> None:
        if not records:
            return
        if kind not in self._files:
            self.folder.mkdir(parents=True, exist_ok=True)
            name = self.folder / f"{kind}-{uuid.uuid4().hex}.jsonl"
            self._files[kind] = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        data = "".join(map(record_line, records)).encode()
        try:
            while data:
                data = data[os.write(self._files[kind], data) :]
            os.fsync(self._files[kind])
        except OSError as error:
            raise UserError(
                f"{self.folder}: an answer could not be stored ({error.strerror}). Every answer before it is kept; "
                "make room and run again."
            ) from error

    def close(self) -> None:
        """Close the files of this process."""
        for file in self._files.values():
            os.close(file)
        self._files = {}


def _keep_first(records: dict[str, dict[str, Any]], key: str, record: dict[str, Any], whole_first: bool) -> None:
    """Store a record unless a better one is present."""

    def rank(of: dict[str, Any]) -> tuple[bool, bool, float]:
        return of["status"] == "failed", whole_first and of["status"] == "cut", of["time"]

    if key not in records or rank(record) < rank(records[key]):
        records[key] = record
