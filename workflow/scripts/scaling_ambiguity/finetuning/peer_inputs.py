"""Inputs of small peers: one vector a clip."""

import hashlib

import numpy as np
import torch

from scaling_ambiguity.alms.audio import load_waveform
from scaling_ambiguity.alms.families.family import ClipTooShort
from scaling_ambiguity.finetuning.examples import Examples, refuse_unheard
from scaling_ambiguity.finetuning.peers import LoadedPeer
from scaling_ambiguity.finetuning.speech_encoder import mean_over_time
from scaling_ambiguity.progress import progress


class PeerInputs:
    """Encoder outputs of a list of examples; has the methods of ``FrozenInputs``.

    Attributes:
        examples: The examples, in order.
        audio_sha256: Hash of each clip's samples.
    """

    def __init__(self, peer: LoadedPeer, examples: Examples, what: str):
        """Take or encode every clip of ``examples``; ``what`` names the progress bar.

        Raises:
            UserError: An example has no audio or too little of it, or the outputs on disk are of another encoder or
                sound.
        """
        self.examples = examples
        self._encoder = peer.encoder
        self.audio_sha256: list[str | None] = []
        vectors: list[torch.Tensor] = []
        unheard: dict[str, str] = {}
        taken = examples.taken({"revision": peer.encoder.revision})
        for name, path in progress(examples.sounds(), f"encode {what}", unit="clip"):
            if name in taken:
                self.audio_sha256.append(taken[name].samples_sha256)
                vectors.append(mean_over_time(taken[name].tokens))
                continue
            waveform = load_waveform(path)
            self.audio_sha256.append(hashlib.sha256(waveform.tobytes()).hexdigest())
            try:
                vectors.append(peer.encoder.encode(waveform, self.audio_sha256[-1]))
            except ClipTooShort as error:
                unheard[name] = str(error)
        refuse_unheard(unheard)
        self._features = torch.stack(vectors)

    def __len__(self) -> int:
        return len(self.examples)

    def encode(self, waveform: np.ndarray) -> torch.Tensor:
        """Return the vector of a clip that is not among the examples; it is not kept."""
        return self._encoder.encode(waveform, None)

    def batch(self, rows: list[int], altered: dict[int, torch.Tensor] | None = None) -> dict[str, torch.Tensor]:
        """Return the inputs of ``rows``: features (B, D); ``altered`` holds vectors heard in place of a row's own."""
        altered = altered or {}
        return {"features": torch.stack([altered.get(row, self._features[row]) for row in rows])}

    def lengths(self) -> list[int]:
        """Return the number of positions of each input: one vector a clip."""
        return [1] * len(self)

    def statistics(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and deviation (D,) of the features; the deviation of a constant one is 1."""
        values = self._features.double()
        deviation = values.std(0, correction=0)
        return values.mean(0).float(), torch.where(deviation > 1e-8, deviation, 1.0).float()

    def targets(self, rows: list[int]) -> torch.Tensor:
        """Return the label distributions of ``rows``, float32 (B, C).

        Raises:
            ValueError: These examples have no labels (the test part).
        """
        if self.examples.targets is None:
            raise ValueError("the test part has no targets")
        return torch.from_numpy(self.examples.targets[rows]).to(torch.float32)
