"""Two recordings in one: one after the other, or two of the same speaker overlaid; the transcript covers both."""

import numpy as np
import pandas as pd

from scaling_ambiguity.augmentation.transforms import within_full_scale
from scaling_ambiguity.corpora.heard import SAMPLE_RATE

GAP = 0.1  # seconds of silence between the two, a short pause


def concatenate(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return ``first``, a pause of ``GAP`` and ``second``, unchanged."""
    pause = np.zeros(int(GAP * SAMPLE_RATE), dtype=np.float32)
    return within_full_scale(np.concatenate([first, pause, second]))


def overlay(first: np.ndarray, second: np.ndarray, alpha: float) -> np.ndarray:
    """Return ``alpha first + (1 - alpha) second``, the shorter followed by silence: no spoken word is cut off."""
    mixed = np.zeros(max(len(first), len(second)))
    mixed[: len(first)] += alpha * first
    mixed[: len(second)] += (1 - alpha) * second
    return within_full_scale(mixed)


def duration_share(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the first's share in the duration of both, in (0, 1): its weight in the label distribution.

    That listeners weight recordings by their length is an assumption; the share is recorded with the item.
    """
    return first / (first + second)


def joined_text(first: str | None, second: str | None) -> str | None:
    """Return the transcript of a recording of both: the two texts in order; one of them if they are equal.

    None if a text is not known: half a transcript would imply that the other half is silent.
    """
    texts = [None if pd.isna(text) else str(text).strip() for text in (first, second)]
    if None in texts:
        return None
    return texts[0] if texts[0] == texts[1] else " ".join(text for text in texts if text)
