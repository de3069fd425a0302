"""The audio tower and projector of an audio-language model, averaged over time."""

from typing import Any

import numpy as np
import torch

from scaling_ambiguity.alms.families.family import ClipTooShort
from scaling_ambiguity.alms.inputs import encode_audio
from scaling_ambiguity.alms.loading import LOADING, load_alm
from scaling_ambiguity.encoders.kinds import NoVector


class Tower:
    """An :class:`~.kinds.Encoder`: the mean of the tokens that the language model reads of a clip."""

    dtype = "float16"

    def __init__(self, entry: dict[str, Any]):
        """``entry``: ``checkpoint`` of the ALM, and how it is opened."""
        loading = {key: entry[key] for key in LOADING if key in entry}
        self._alm = load_alm(entry["checkpoint"], **loading)
        self.width = self._alm.model.get_input_embeddings().embedding_dim
        self.identity = {"kind": "alm", "checkpoint": str(entry["checkpoint"]), "revision": self._alm.revision}

    def encode(self, item: np.ndarray) -> np.ndarray:
        """Return the mean of the clip's audio tokens over time, float32 (width,)."""
        try:
            with torch.autocast(self._alm.device.type, enabled=False):
                tokens = encode_audio(self._alm, [item])[0]
        except ClipTooShort as error:
            raise NoVector(str(error)) from error
        return tokens.cpu().float().mean(0).numpy()


def open_encoder(entry: dict[str, Any]) -> Tower:
    """Open the ALM of ``entry``."""
    return Tower(entry)
