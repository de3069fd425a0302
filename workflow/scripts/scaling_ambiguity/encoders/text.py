"""Encoders of text: any transformers model, its states averaged over the tokens of a transcript."""

from typing import Any

import numpy as np
import torch
import transformers

from scaling_ambiguity.alms.loading import explained
from scaling_ambiguity.encoders.kinds import NoVector
from scaling_ambiguity.encoders.pretrained import Pretrained


class TextEncoder(Pretrained):
    """An :class:`~.kinds.Encoder` of transcripts; what exceeds the model's longest input is cut."""

    dtype = "float16"

    def __init__(self, entry: dict[str, Any]):
        """``entry``: ``checkpoint``, its ``revision``, and ``layers``."""
        super().__init__(entry)
        with explained(entry["checkpoint"], "an encoder of text"):
            self._tokenizer = transformers.AutoTokenizer.from_pretrained(self.place, **self.options)
        self._longest = min(self._tokenizer.model_max_length, self.model.config.max_position_embeddings)

    @torch.inference_mode()
    def encode(self, item: str) -> np.ndarray:
        """Return the mean over the tokens, special ones included, float32 (width,).

        Raises:
            NoVector: The text is empty.
        """
        if not item.strip():
            raise NoVector("the transcript is empty.")
        tokens = self._tokenizer(item, return_tensors="pt", truncation=True, max_length=self._longest).to(self.device)
        states = self.model(**tokens, output_hidden_states=True).hidden_states
        return self.choose(torch.stack([state[0].mean(0) for state in states])).cpu().numpy()


def open_encoder(entry: dict[str, Any]) -> TextEncoder:
    """Open the model of ``entry``."""
    return TextEncoder(entry)
