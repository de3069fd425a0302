"""Files of a corpus: relative to its root and never outside it, with their type determined from their contents."""

import errno
from pathlib import Path

from scaling_ambiguity.errors import UserError

POINTER, PAGE = "a Git-LFS pointer", "a web page"
LONGEST_HEAD = 512  # bytes needed to distinguish one from data
_PAGES = (b"<!doctype html", b"<html", b"<?xml")


def inside(root: Path, relative: str, where: str, *, follow: bool = True) -> Path:
    """Return ``root / relative``; raise UserError, naming ``where``, if that leaves ``root``.

    Absolute paths and ``..`` are refused. A link below the root, for example to sound on another disk, is
    followed wherever it leads, unless ``follow`` is false, as for files that are written.
    """
    if Path(relative).is_absolute():
        raise UserError(f"{where}: path {relative!r} is absolute; give it relative to the corpus' root {root}.")
    path = root / relative
    out = ".." in Path(relative).parts or (not follow and not path.resolve().is_relative_to(root.resolve()))
    if out:
        raise UserError(f"{where}: path {relative!r} leads out of the corpus' root {root}; keep the file inside it.")
    return path


def in_a_loop(path: Path) -> bool:
    """Return whether a path is a link that leads back to itself."""
    try:
        path.stat()
    except OSError as error:
        return error.errno == errno.ELOOP
    return False


def impostor(head: bytes) -> str | None:
    """Return what a file really is, :data:`POINTER` or :data:`PAGE`, from its first bytes; None for data.

    A pointer is the small text that a clone without git-lfs leaves in place of a file; a page is
    what a server sends with status 200 when it requires a login or a quota is used up.
    """
    start = head[:LONGEST_HEAD].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith(b"version https://git-lfs"):
        return POINTER
    return PAGE if start.startswith(_PAGES) else None


def impostor_at(path: Path) -> str | None:
    """Return :func:`impostor` of a file; raise OSError if it cannot be read."""
    with path.open("rb") as stream:
        return impostor(stream.read(LONGEST_HEAD))
