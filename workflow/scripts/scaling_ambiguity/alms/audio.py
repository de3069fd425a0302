"""A sound file as the audio-language models hear it: one channel at 16 kHz."""

from pathlib import Path

import numpy as np
import soundfile
import soxr

from scaling_ambiguity.errors import UserError

SAMPLE_RATE = 16_000


def load_waveform(path: str | Path) -> np.ndarray:
    """Return the samples of a sound file: float32, mono (mean of the channels), 16 kHz, about [-1, 1].

    Raises:
        UserError: The file is absent, unreadable, empty or holds values that are not finite.
    """
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as error:
        raise UserError(
            f"{path}: not readable as audio ({error}). Check the corpus root and restore the file."
        ) from error
    mono = samples.mean(axis=1, dtype=np.float32)
    if rate != SAMPLE_RATE:
        mono = soxr.resample(mono, rate, SAMPLE_RATE, quality="HQ").astype(np.float32)
    if not len(mono):
        raise UserError(f"{path}: holds no samples. Restore the file or leave the utterance out of the corpus.")
    if not np.isfinite(mono).all():
        raise UserError(f"{path}: holds samples that are not finite. Restore the file.")
    return mono
