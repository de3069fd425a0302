"""Encoders of speech: any transformers audio model, its states averaged over time; Whisper without its padding."""

from typing import Any

import numpy as np
import torch
import transformers

from scaling_ambiguity.alms.audio import SAMPLE_RATE
from scaling_ambiguity.alms.families.qwen2_audio import shortened
from scaling_ambiguity.alms.loading import explained
from scaling_ambiguity.encoders.kinds import NoVector
from scaling_ambiguity.encoders.pretrained import Pretrained

# wav2vec 2.0 and its kin need 25 ms for one frame; Whisper needs 20 ms.
SHORTEST = SAMPLE_RATE // 40
# Clips are cut into windows of this many seconds, those of Whisper; the mean is over the frames of all.
WINDOW = 30


class SpeechEncoder(Pretrained):
    """An :class:`~.kinds.Encoder` of sound.

    Whisper pads every clip with silence to 30 s. Here it reads the clip alone: its first positions are those of a
    shorter input, and a clip of 3 s costs a tenth.
    """

    dtype = "float16"

    def __init__(self, entry: dict[str, Any]):
        """``entry``: ``checkpoint``, its ``revision``, and ``layers``."""
        super().__init__(entry)
        with explained(entry["checkpoint"], "an encoder of speech"):
            self._extractor = transformers.AutoFeatureExtractor.from_pretrained(self.place, **self.options)
        self._whisper = self.config.model_type == "whisper"

    @torch.inference_mode()
    def encode(self, item: np.ndarray) -> np.ndarray:
        """Return the mean over the frames of the clip, float32 (width,).

        Raises:
            NoVector: The clip is shorter than 25 ms.
        """
        if len(item) < SHORTEST:
            raise NoVector(f"the clip is too short for a frame ({len(item)} samples at {SAMPLE_RATE} Hz).")
        starts = range(0, len(item), WINDOW * SAMPLE_RATE)
        windows = [item[start : start + WINDOW * SAMPLE_RATE] for start in starts]
        states = [self._states(window) for window in windows if len(window) >= SHORTEST]
        return self.choose(torch.cat(states, dim=1).mean(1)).cpu().numpy()

    def _states(self, window: np.ndarray) -> torch.Tensor:
        """Return the states of all layers, (layers + 1, frames, D)."""
        extracted = self._extractor(
            window, sampling_rate=SAMPLE_RATE, return_tensors="pt", **({"padding": "longest"} if self._whisper else {})
        ).to(self.device)
        if not self._whisper:
            return torch.cat(self.model(**extracted, output_hidden_states=True).hidden_states)
        features = extracted["input_features"]
        features = features[..., : features.shape[-1] // 2 * 2]
        with shortened(self.model, features.shape[-1] // 2):
            return torch.cat(self.model(features, output_hidden_states=True).hidden_states)


def open_encoder(entry: dict[str, Any]) -> SpeechEncoder:
    """Open the model of ``entry``."""
    return SpeechEncoder(entry)
