"""One module per reader: ``read(root, options)`` gives the corpus, ``sound_at_hand(root, options)`` its sound."""

import importlib
from pathlib import Path

from scaling_ambiguity.corpora.sound_files import SoundAtHand
from scaling_ambiguity.errors import UserError


def look_for_sound(reader: str, root: Path, options: dict) -> SoundAtHand:
    """Return how much of the sound of a corpus is on disk, as found by its reader.

    Only file names are checked, so that a run can be planned with it. A corpus that cannot be read has
    no sound; the error is reported when it is read.

    Args:
        reader: Module of this package.
        root: The corpus' root.
        options: Its entry in the configuration.
    """
    module = importlib.import_module(f"scaling_ambiguity.corpora.readers.{reader}")
    try:
        return module.sound_at_hand(Path(root), options)
    except (UserError, OSError):
        return SoundAtHand(Path(root), 0, 0)
