"""Paths inside a corpus: relative to its root and never out of it."""

from pathlib import Path

from scaling_ambiguity.errors import UserError


def inside(root: Path, relative: str, where: str) -> Path:
    """Return ``root / relative``; raise UserError, naming ``where``, if that leaves ``root``.

    Absolute paths, ``..`` and links that lead outside are refused alike.
    """
    if Path(relative).is_absolute():
        raise UserError(f"{where}: path {relative!r} is absolute; give it relative to the corpus' root {root}.")
    path = root / relative
    if not path.resolve().is_relative_to(root.resolve()):
        raise UserError(f"{where}: path {relative!r} leads out of the corpus' root {root}; keep the file inside it.")
    return path
