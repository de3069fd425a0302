"""Paths inside a corpus: relative to its root and never out of it; links that its owner put there are followed."""

import errno
from pathlib import Path

from scaling_ambiguity.errors import UserError


def inside(root: Path, relative: str, where: str, *, follow: bool = True) -> Path:
    """Return ``root / relative``; raise UserError, naming ``where``, if that leaves ``root``.

    Absolute paths and ``..`` are refused. A link below the root, as where the sound lies on another disk, is
    followed wherever it leads, unless ``follow`` is false: for what is written.
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
