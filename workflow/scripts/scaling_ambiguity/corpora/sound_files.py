"""The sound files of a corpus on disk: which exist below a folder, and how many of the wanted ones."""

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".aif", ".aiff")  # formats that libsndfile decodes, the first
# preferred


@dataclass(frozen=True)
class SoundAtHand:
    """How much of a corpus' sound is on disk, judged by file names only.

    Attributes:
        folder: The folder that was searched.
        wanted: Number of utterances.
        found: Number of utterances with a file.
    """

    folder: Path
    wanted: int
    found: int

    def enough(self, largest_missing: float) -> bool:
        """Return whether there is sound, and the share of utterances without is at most ``largest_missing``."""
        return self.found > 0 and self.wanted - self.found <= largest_missing * self.wanted

    def __str__(self) -> str:
        """Describe what was found where."""
        if not self.found:
            return f"no sound found in {self.folder}"
        return f"sound of {self.found} of {self.wanted} utterances found in {self.folder}"


def sound_files(folder: Path, root: Path) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Return ({name without suffix: path}, [(path of a second file of that name, the path that counts)]).

    Files with one of :data:`SUFFIXES`, in any case, at any depth below ``folder``; links are followed, each folder is
    visited once. Names that start with a dot (AppleDouble) do not count. Paths are relative to ``root``.
    """
    path_of: dict[str, str] = {}
    repeated: list[tuple[str, str]] = []
    entered: set[str] = set()
    for parent, folders, files in os.walk(folder, followlinks=True):
        folders.sort()
        real = os.path.realpath(parent)
        if real in entered:
            folders.clear()
            continue
        entered.add(real)
        relative = os.path.relpath(parent, root)
        for name in sorted(files, key=lambda name: (_place(name), name)):
            stem = Path(name).stem
            if _place(name) == len(SUFFIXES) or name.startswith("."):
                continue
            path = str(PurePosixPath(relative, name))
            if stem in path_of:
                repeated.append((path, path_of[stem]))
            else:
                path_of[stem] = path
    return path_of, repeated


def _place(name: str) -> int:
    suffix = Path(name).suffix.lower()
    return SUFFIXES.index(suffix) if suffix in SUFFIXES else len(SUFFIXES)


def present(paths: np.ndarray, root: Path) -> np.ndarray:
    """Return which paths, relative to ``root`` or None, exist, with one listing per folder."""
    listed: dict[str, set[str]] = {}
    there = np.zeros(len(paths), dtype=bool)
    for row, path in enumerate(paths):
        if path is None:
            continue
        folder, _, file = path.rpartition("/")
        if folder not in listed:
            try:
                with os.scandir(root / folder) as entries:
                    listed[folder] = {entry.name for entry in entries}
            except (OSError, ValueError):
                listed[folder] = set()
        there[row] = file in listed[folder]
    return there
