"""A clip as one vector: the frozen audio tower and projector of an audio-language model, averaged over time."""

import hashlib
from pathlib import Path

import numpy as np
import torch

from scaling_ambiguity.alms.inputs import encode_audio
from scaling_ambiguity.alms.loading import LOADING, LoadedALM, folder_revision, load_alm
from scaling_ambiguity.io import atomic_path


class SpeechEncoder:
    """Vectors of clips, kept on disk by model and sound.

    A vector is looked up by what decides it, the revision of the weights and the hash of the
    samples; conditions, folds and seeds share it whatever their paths. A clip is encoded by
    itself, so that its vector does not depend on which others were already known. The model is
    opened only when a vector is missing.

    Attributes:
        revision: What identifies the weights.
    """

    def __init__(self, entry: dict, kept: Path | None):
        """``entry``: ``checkpoint`` and how it is opened; ``kept``: folder of the vectors, None keeps none."""
        self._entry = entry
        self.checkpoint = str(entry["checkpoint"])
        self._alm: LoadedALM | None = None
        local = Path(entry["checkpoint"])
        if (local / "config.json").is_file():
            self.revision = folder_revision(local)
        elif "revision" in entry:
            self.revision = entry["revision"]
        else:
            self.revision = self._open().revision
        name = hashlib.sha256(self.revision.encode()).hexdigest()[:16]
        self._kept = None if kept is None else kept / name

    @property
    def opened(self) -> bool:
        """Whether the model had to be opened."""
        return self._alm is not None

    def _open(self) -> LoadedALM:
        if self._alm is None:
            loading = {key: self._entry[key] for key in LOADING if key in self._entry}
            self._alm = load_alm(self._entry["checkpoint"], **loading)
        return self._alm

    def encode(self, waveform: np.ndarray, sha256: str | None) -> torch.Tensor:
        """Return the mean over time of the clip's audio tokens, float32 (D,).

        Args:
            waveform: Mono, 16 kHz.
            sha256: Hash of its samples; None: the vector is neither looked up nor kept.

        Raises:
            UserError: The clip is too short, or the checkpoint cannot be opened.
        """
        path = None if self._kept is None or sha256 is None else self._kept / sha256[:2] / f"{sha256}.npy"
        found = _read(path)
        if found is not None:
            return found
        vector = mean_over_time(encode_audio(self._open(), [waveform])[0])
        if path is not None:
            with atomic_path(path) as temporary, temporary.open("wb") as file:
                np.save(file, vector.numpy())
        return vector


def mean_over_time(tokens: torch.Tensor) -> torch.Tensor:
    """Return the mean of a clip's audio tokens (n_audio_tokens, D), float32 (D,) on the CPU."""
    return tokens.cpu().float().mean(0)


def _read(path: Path | None) -> torch.Tensor | None:
    """Return a kept vector, or None if there is none or it is torn: it is then made again."""
    if path is None or not path.is_file():
        return None
    try:
        return torch.from_numpy(np.load(path, allow_pickle=False))
    except (ValueError, EOFError, OSError):
        return None
