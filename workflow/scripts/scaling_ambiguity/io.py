"""Files that are either complete or absent: written under a temporary name, then renamed."""

import hashlib
import json
import os
import re
import shutil
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from scaling_ambiguity.errors import UserError

_OLD = 24 * 3600  # seconds after which a temporary file of another machine, or without an owner, is abandoned


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a job-unique temporary path (file or folder) next to ``path``; rename it on success.

    Two copies of a job may write at once: each has its own temporary name and the last rename wins. On an exception
    the temporary is removed and ``path`` is untouched. Remains of killed jobs for the same path are removed first:
    temporaries whose process no longer exists, and those a day old.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path)
    temporary = path.with_name(f".{path.stem}.{_owner()}{path.suffix}")
    try:
        yield temporary
        if path.is_dir() and temporary.is_dir():
            retired = path.with_name(f".{path.name}.{_owner()}.old")
            path.replace(retired)
            temporary.replace(path)
            shutil.rmtree(retired)
        else:
            temporary.replace(path)
    finally:
        _remove(temporary)


def _owner() -> str:
    """Return a unique name for a temporary: a hash of this machine's name, the process, and a random part."""
    return f"{_machine()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def _machine() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:6]


def _sweep(path: Path) -> None:
    """Remove the temporaries of ``path`` that no process will rename any more."""
    owner = r"(?:([0-9a-f]{6})-(\d+)-)?[0-9a-f]{8,12}"
    stem, suffix, whole = (re.escape(part) for part in (path.stem, path.suffix, path.name))
    names = [re.compile(rf"\.{stem}\.{owner}{suffix}"), re.compile(rf"\.{whole}\.{owner}\.old")]
    for other in _hidden(path.parent.absolute()):
        matches = [match for name in names if (match := name.fullmatch(other))]
        if matches and _abandoned(path.with_name(other), *matches[0].groups()):
            _remove(path.with_name(other))


@cache
def _hidden(folder: Path) -> tuple[str, ...]:
    """Return the hidden names of a folder, listed once per process: remains of killed jobs predate it."""
    return tuple(entry.name for entry in os.scandir(folder) if entry.name.startswith("."))


def _abandoned(temporary: Path, machine: str | None, process: str | None) -> bool:
    """Whether the process that wrote a temporary has ended or, where unknown, has not written for a day."""
    if process is not None and machine == _machine():
        return not _runs(int(process))
    try:
        return time.time() - temporary.stat().st_mtime > _OLD
    except FileNotFoundError:  # its own process has just renamed it
        return False


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _remove(temporary: Path) -> None:
    if temporary.is_dir():
        shutil.rmtree(temporary, ignore_errors=True)
    else:
        temporary.unlink(missing_ok=True)


def write_text(text: str, path: str | Path) -> None:
    """Write ``text`` as UTF-8, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(value: Any, path: str | Path) -> None:
    """Write ``value`` as indented JSON with sorted keys, atomically; NaN is refused."""
    write_text(json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n", path)


def read_json(path: str | Path) -> Any:
    """Return the JSON value in ``path``; a UserError names the file if it does not parse."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not readable as JSON ({error}). Remove it and run again.") from error


def write_csv(frame: pd.DataFrame, path: str | Path) -> None:
    """Write ``frame`` as CSV without its index, floats to 10 significant digits, atomically."""
    write_text(frame.to_csv(index=False, float_format="%.10g", lineterminator="\n"), path)


def write_parquet(frame: pd.DataFrame, path: str | Path) -> None:
    """Write ``frame`` without its index, atomically and with bytes that depend only on the data."""
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def read_parquet(path: str | Path, **options: Any) -> pd.DataFrame:
    """Return the table in ``path`` (``options`` go to pandas); a UserError names a broken file."""
    try:
        return pd.read_parquet(path, **options)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise UserError(f"{path}: not readable as parquet ({error}). Remove it and run again.") from error


def file_sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
