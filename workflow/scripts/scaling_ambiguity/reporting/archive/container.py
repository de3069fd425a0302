"""A zip file with one form: sorted names, fixed times, nothing compressed, a list of SHA-256 sums.

The same contents give the same bytes on every machine, and no other bytes are accepted: a changed byte, a file too many
or too few, a path that leaves the folder and an archive that would unpack to more than itself are refused.
"""

import hashlib
import re
import shutil
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import atomic_path

MANIFEST = "manifest-sha256.txt"  # as `sha256sum -c` reads it
TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that zip can state
MODE = 0o100644 << 16  # a plain file, in the upper half as Unix keeps it
LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")
REMEDY = "Nothing of it is used. Get the archive again from where it was published."
_BROKEN = (zipfile.BadZipFile, zlib.error, OSError, ValueError, RuntimeError, EOFError)


def write_container(files: Mapping[str, bytes | Path], path: str | Path) -> None:
    """Write ``files``, contents or paths by their name in the archive, and the list of their sums; atomically."""
    sums = {name: _sha256(content) for name, content in files.items()}
    manifest = "".join(f"{sums[name]}  {name}\n" for name in sorted(sums)).encode()
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        _write(dict(files) | {MANIFEST: manifest}, stream)


def verified_names(path: str | Path) -> list[str]:
    """Return the names in an archive, sorted, without that of its manifest, once every byte has been checked.

    Raises:
        UserError: There is no such file, or it is not what ``write_container`` writes.
    """
    path = Path(path)
    with opened(path) as archive:
        names = _safe_names(archive, path)
        sums = _sums(archive, path)
        if absent := sorted(sums.keys() - set(names)):
            raise UserError(f"{path}: lacks {absent[0]!r}, which its {MANIFEST} lists. {REMEDY}")
        if added := sorted(set(names) - sums.keys()):
            raise UserError(f"{path}: holds {added[0]!r}, which its {MANIFEST} does not list. {REMEDY}")
        for name in names:
            with archive.open(name) as stream:
                if hashlib.file_digest(stream, "sha256").hexdigest() != sums[name]:
                    raise UserError(f"{path}: {name!r} is not the file that {MANIFEST} lists. {REMEDY}")
        if not _is_canonical(archive, path):
            raise UserError(f"{path}: differs from an archive with these files outside their contents. {REMEDY}")
    return names


@contextmanager
def opened(path: str | Path) -> Any:
    """Open an archive for reading; whatever fails about the zip format while it is open is a UserError."""
    if not Path(path).is_file():
        raise UserError(f"source = {str(path)!r}: no such file. Correct the path of the archive.")
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except _BROKEN as error:
        raise UserError(f"{path}: not readable as an archive ({error}). {REMEDY}") from error


def _sha256(content: bytes | Path) -> str:
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _write(files: Mapping[str, Any], stream: IO[bytes]) -> None:
    """Write the one form: ``files`` are contents, paths, or pairs of a size and a function that opens a file."""
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            content = files[name]
            entry = zipfile.ZipInfo(name, TIME)
            entry.create_system, entry.external_attr = 3, MODE
            if isinstance(content, bytes):
                archive.writestr(entry, content)
                continue
            size, opens = (
                content if isinstance(content, tuple) else (content.stat().st_size, partial(content.open, "rb"))
            )
            entry.file_size = size  # decides on the form for more than 2 GiB
            with opens() as source, archive.open(entry, "w") as target:
                shutil.copyfileobj(source, target, 1 << 20)


def _safe_names(archive: zipfile.ZipFile, path: Path) -> list[str]:
    """Return the names but the manifest's; refuse those that leave the folder, occur twice, or unpack to too much."""
    entries = archive.infolist()
    for entry in entries:
        parts = PurePosixPath(entry.filename).parts
        whole = "/".join(parts) == entry.filename and entry.filename.isprintable()
        if not whole or not parts or {"..", "/"} & set(parts) or set(entry.filename) & set("\\:"):
            raise UserError(f"{path}: the path {entry.filename!r} may leave the folder or is no plain name. {REMEDY}")
        if entry.compress_type != zipfile.ZIP_STORED:
            raise UserError(f"{path}: {entry.filename!r} is compressed, which no file of an archive is. {REMEDY}")
    if sum(max(entry.file_size, entry.compress_size) for entry in entries) > path.stat().st_size:
        raise UserError(f"{path}: would unpack to more bytes than it has. {REMEDY}")
    counts = Counter(entry.filename for entry in entries)
    if twice := [name for name, count in counts.items() if count > 1]:
        raise UserError(f"{path}: holds {twice[0]!r} twice. {REMEDY}")
    return sorted(counts.keys() - {MANIFEST})


def _sums(archive: zipfile.ZipFile, path: Path) -> dict[str, str]:
    """Return {name: SHA-256} of the manifest."""
    if MANIFEST not in archive.namelist():
        raise UserError(f"{path}: has no {MANIFEST}; it is not an archive of `snakemake archive`. {REMEDY}")
    lines = archive.read(MANIFEST).decode(errors="replace").splitlines()
    matches = [LINE.fullmatch(line) for line in lines]
    if not lines or not all(matches):
        raise UserError(f"{path}: its {MANIFEST} is not a list of SHA-256 sums. {REMEDY}")
    return {match[2]: match[1] for match in matches if match}


def _is_canonical(archive: zipfile.ZipFile, path: Path) -> bool:
    """Return whether the files of an archive, written again, give its bytes."""
    files = {one.filename: (one.file_size, partial(archive.open, one.filename)) for one in archive.infolist()}
    with tempfile.TemporaryFile() as again, path.open("rb") as stream:
        _write(files, again)
        again.seek(0)
        digests = [hashlib.file_digest(one, "sha256").digest() for one in (again, stream)]
    return digests[0] == digests[1]
