"""Means and deviations of frame-wise spectra (librosa), a computation without weights."""

from importlib.metadata import version
from typing import Any

import numpy as np

from scaling_ambiguity.augmentation.audio_features import AUDIO_FEATURES, audio_features


class Statistics:
    """An :class:`~.kinds.Encoder`: the 72 features of :func:`~scaling_ambiguity.augmentation.audio_features`.

    They range over seven orders of magnitude (roll-off in Hz, energy), too many for float16.
    """

    dtype = "float32"
    width = len(AUDIO_FEATURES)

    def __init__(self) -> None:
        self.identity = {"kind": "statistics", "checkpoint": "librosa", "revision": version("librosa")}

    def encode(self, item: np.ndarray) -> np.ndarray:
        """Return the features of a clip, float32 (72,)."""
        return audio_features(item).astype(np.float32)


def open_encoder(entry: dict[str, Any]) -> Statistics:
    """Return the computation; ``entry`` holds nothing that it needs."""
    return Statistics()
