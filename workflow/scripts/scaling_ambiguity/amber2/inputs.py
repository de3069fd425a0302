"""The inputs of AmbER2: a vector of speech and one of text per item, either of which may be absent."""

import numpy as np
import torch

from scaling_ambiguity.amber2.settings import SPEECH, TEXT
from scaling_ambiguity.training.trainee import Batch
from scaling_ambiguity.training.vectors import VectorInputs


class PairInputs:
    """The vectors of two encoders for the same examples.

    Attributes:
        speech, text: The vectors of each modality.
        examples: The examples, in order.
        present: Whether an item has a vector of speech and one of text, float32 (n, 2), 1 or 0.
        audio_sha256: Hashes of what was encoded of each, its clip and its transcript.
    """

    def __init__(self, speech: VectorInputs, text: VectorInputs):
        """Both hold the same examples."""
        self.speech, self.text, self.examples = speech, text, speech.examples
        self.present = torch.from_numpy(np.stack([speech.present, text.present], axis=-1)).to(torch.float32)
        self.audio_sha256 = [f"{a} {t}" for a, t in zip(speech.audio_sha256, text.audio_sha256, strict=True)]

    def __len__(self) -> int:
        return len(self.examples)

    def encode(self, waveform: np.ndarray) -> torch.Tensor:
        """Return the vector of speech of a clip that is not among the examples; it is not kept."""
        return self.speech.encode(waveform)

    def batch(self, rows: list[int], altered: dict[int, torch.Tensor] | None = None) -> Batch:
        """Return the inputs of ``rows``: ``speech`` (B, D), ``text`` (B, D) and ``present`` (B, 2).

        ``altered`` holds vectors of speech in place of a row's own.
        """
        speech, text = self.speech.batch(rows, altered)["features"], self.text.batch(rows)["features"]
        return {SPEECH: speech, TEXT: text, "present": self.present[rows]}

    def lengths(self) -> list[int]:
        """Return the number of positions of each input: one pair of vectors."""
        return [1] * len(self)

    def targets(self, rows: list[int]) -> torch.Tensor:
        """Return the label distributions of ``rows``, float32 (B, C).

        Raises:
            ValueError: These examples have no labels (the test part).
        """
        return self.speech.targets(rows)
