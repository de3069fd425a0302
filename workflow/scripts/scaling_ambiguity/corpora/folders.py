"""The folders of an extracted corpus: where sound and labels are, and what to do if they are missing."""

from pathlib import Path

import pandas as pd

from scaling_ambiguity.errors import UserError


def existing(root: Path) -> Path:
    """Return ``root``; raise UserError if it is not a folder or is empty."""
    if not root.is_dir():
        raise UserError(f"{root}: no such folder; extract the corpus there, or correct its root.")
    if not any(root.iterdir()):
        raise UserError(f"{root}: the folder is empty; extract the corpus there, or correct its root.")
    return root


def contents(folder: Path) -> str:
    """Return the names in a folder for a message, the first ten of them."""
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    return ", ".join(names[:10]) + (", ..." if len(names) > 10 else "") if names else "nothing"


def subfolders(root: Path, names: tuple[str, ...]) -> list[Path]:
    """Return the folders directly below ``root`` with one of ``names``, upper and lower case alike."""
    return sorted(path for path in root.iterdir() if path.is_dir() and path.name.casefold() in names)


def audio_folder(root: Path, names: tuple[str, ...], options: dict) -> Path | None:
    """Return the folder of the sound files below ``root``, or None if sound is optional.

    Raises:
        UserError: There is none and ``options["audio"]`` is ``required`` (the default).
    """
    matches = subfolders(root, names)
    if matches:
        return matches[0]
    if options.get("audio", "required") == "required":
        raise UserError(
            f"{root}: no folder {names[0]!r} with the sound; extract it there, or set the corpus' audio: none."
        )
    return None


def text_column(values: object, length: int) -> pd.Series:
    """Return a column of text of that length; None is null."""
    return pd.Series(values, index=range(length), dtype="str")


def without_headers(utterances: pd.DataFrame) -> pd.DataFrame:
    """Return utterances with duration NaN and sample_rate null: headers of sound files are read elsewhere."""
    return utterances.assign(duration=float("nan"), sample_rate=pd.array([None] * len(utterances), dtype="Int64"))
