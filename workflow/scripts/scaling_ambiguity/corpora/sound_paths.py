"""The sound file to read for an utterance: its own, or the copy at 16 kHz mono made by the audio audit."""

from pathlib import Path

import pandas as pd

from scaling_ambiguity.errors import UserError


def sound_paths(utterances: pd.DataFrame, root: Path) -> list[Path | None]:
    """Return the file to read for each utterance, None where the corpus has no sound for it.

    Args:
        utterances: The corpus' utterances: path relative to ``root``, and sound, if the sounds were
            decoded in full, relative to the folder of the run.
        root: The corpus folder.

    Raises:
        UserError: A copy is missing.
    """
    copies = utterances["sound"] if "sound" in utterances else pd.Series([None] * len(utterances))
    paths: list[Path | None] = []
    for path, copy in zip(utterances["path"], copies, strict=True):
        if not pd.isna(copy) and not Path(copy).is_file():
            raise UserError(
                f"{copy}: this copy of {path} at 16 kHz is missing. Remove the folder `sound` of the corpus under "
                "results/corpora and run again: the audio audit rebuilds it."
            )
        paths.append(Path(copy) if not pd.isna(copy) else None if pd.isna(path) else root / path)
    return paths
