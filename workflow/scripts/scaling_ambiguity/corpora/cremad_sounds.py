"""The sound files of CREMA-D, and the Git-LFS pointers that a clone without git-lfs has in their place."""

from pathlib import Path

import pandas as pd

from scaling_ambiguity.corpora.accounting import rejects
from scaling_ambiguity.corpora.paths import POINTER, impostor_at
from scaling_ambiguity.corpora.sound_files import SoundAtHand, sound_files
from scaling_ambiguity.errors import UserError

AUDIO = "AudioWAV"
POINTER_SIZE = 200  # bytes; a Git-LFS pointer has about 130, the shortest clip 40,000
REMEDY = "run `git lfs pull` in the clone or `snakemake fetch_cremad`, or set `audio: none` to use the votes alone"


def sounds(root: Path, clip: str, *, required: bool) -> tuple[dict[str, str], pd.DataFrame]:
    """Return ({clip: path of its sound}, rejects) of the folder AudioWAV.

    Args:
        root: Root of the corpus.
        clip: Regular expression of a clip's name.
        required: Whether a clip without sound is unusable.

    Raises:
        UserError: Sound is required and there is no file, or nothing but Git-LFS pointers; single
            pointers are left for the audit to find.
    """
    folder = root / AUDIO
    files, again = sound_files(folder, root)
    named = pd.Series(list(files), dtype="str").str.fullmatch(clip).astype(bool)
    paths = {name: file for (name, file), is_clip in zip(files.items(), named, strict=True) if is_clip}
    if required and not paths:
        raise UserError(f"{folder}: no sound files of clips; {REMEDY}.")
    if required and all(_is_pointer(root / path) for path in paths.values()):
        raise UserError(f"{folder}: all {len(paths)} sound files are Git-LFS pointers, texts of 130 bytes; {REMEDY}.")
    lost = [
        (file, "utterance", "the name is not that of a CREMA-D clip", file, None)
        for file, is_clip in zip(files.values(), named, strict=True)
        if not is_clip
    ]
    lost += [(file, "sound", f"a second sound of this name; {counts} counts", file, None) for file, counts in again]
    return paths, rejects(lost)


def clips_with_sound(root: Path, clip: str, wanted: set[str]) -> SoundAtHand:
    """Return how many of the ``wanted`` clips have a file in the folder AudioWAV; Git-LFS pointers do not count."""
    paths, _ = sounds(root, clip, required=False)
    there = sum(1 for name, path in paths.items() if name in wanted and not _is_pointer(root / path))
    return SoundAtHand(root / AUDIO, len(wanted), there)


def _is_pointer(file: Path) -> bool:
    try:
        return file.stat().st_size <= POINTER_SIZE and impostor_at(file) == POINTER
    except OSError:  # a broken or circular link: reported by the audit of the sound
        return False
