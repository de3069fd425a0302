"""A sound file as the audio-language models receive it: one channel at 16 kHz."""

from pathlib import Path

import numpy as np
import soundfile

from scaling_ambiguity.corpora.heard import SAMPLE_RATE, as_heard
from scaling_ambiguity.errors import UserError

__all__ = ["SAMPLE_RATE", "load_waveform"]


def load_waveform(path: str | Path) -> np.ndarray:
    """Return a sound file as the models receive it (:func:`corpora.heard.as_heard`): float32, mono, 16 kHz, [-1, 1].

    Raises:
        UserError: The file is absent, unreadable, empty or holds values that are not finite.
    """
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as error:
        raise UserError(
            f"{path}: not readable as audio ({error}). Check the corpus root and restore the file."
        ) from error
    if not len(samples):
        raise UserError(f"{path}: holds no samples. Restore the file or leave the utterance out of the corpus.")
    if not np.isfinite(samples).all():
        raise UserError(f"{path}: holds samples that are not finite. Restore the file.")
    return as_heard(samples, rate)
