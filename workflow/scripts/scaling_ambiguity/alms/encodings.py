"""Sound files as audio tokens: prepared ahead of the model if requested, and encoded once while they are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from scaling_ambiguity.alms.audio import load_waveform
from scaling_ambiguity.alms.encoded_clips import EncodedClips, encoder_of
from scaling_ambiguity.alms.families.family import ClipTooShort
from scaling_ambiguity.alms.inputs import audio_features, audio_tokens, hear_features, seconds_cut
from scaling_ambiguity.alms.loading import LoadedALM

KEPT_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Clip:
    """A file on its way through the audio encoder.

    Attributes:
        file: The file.
        key: Identity of the file when it was read.
        features: Input of the encoder, or None where ``heard`` or ``fault`` is set.
        heard: With a key the audio tokens, without one the states on disk, if they are available; else None.
        cut: Seconds at the end of the file that are cut off.
        fault: Why there are no audio tokens, or None.
    """

    file: Path
    key: tuple
    features: Any
    heard: torch.Tensor | None
    cut: float
    fault: ClipTooShort | None = None


class Encodings:
    """Encodes files, each once as long as it is kept; encoder outputs of the corpus on disk are read instead.

    A clip is encoded by itself, so that its tokens do not depend on its neighbours in a batch, on how jobs are
    divided, or on whether they are computed here or by encode_audio.

    Attributes:
        shared: Encoder outputs on disk, or None.
        missed: Files that ``shared`` should have held but that were encoded here.
        unheard: File -> why it has no audio tokens.
    """

    def __init__(self, alm: LoadedALM, kept_bytes: int = KEPT_BYTES, shared: EncodedClips | None = None) -> None:
        """Encode with ``alm``.

        Raises:
            UserError: ``shared`` comes from another encoder.
        """
        if shared is not None:
            shared.check(encoder_of(alm))
        self.alm = alm
        self.kept_bytes = kept_bytes
        self.shared = shared
        self.missed: set[Path] = set()
        self.unheard: dict[Path, str] = {}
        self._kept: dict[tuple, tuple[torch.Tensor, float]] = {}

    def prepare(self, files: Sequence[Path]) -> list[Clip]:
        """Read files and compute their features, without the model: safe in another thread.

        Raises:
            UserError: A file is not readable.
        """
        return [self._clip(path) for path in files]

    def _clip(self, path: Path) -> Clip:
        stored = None if self.shared is None else self.shared.about(path)
        if stored is not None:
            return Clip(path, (), None, stored.tokens, stored.cut)
        key = _identity(path)
        kept = self._kept.get(key)
        if kept is not None:
            return Clip(path, key, None, *kept)
        waveform = load_waveform(path)
        try:
            features = audio_features(self.alm, [waveform])
        except ClipTooShort as error:
            return Clip(path, (), None, None, 0.0, error)
        if self.shared is not None:
            self.missed.add(path)
        return Clip(path, key, features, None, seconds_cut(self.alm, waveform))

    def tokens(self, clips: Sequence[Clip]) -> tuple[dict[Path, torch.Tensor], dict[Path, float]]:
        """Return each file's audio tokens (n_audio_tokens, hidden) and the seconds that are cut off its end.

        A file too short for an audio token is in neither; the reason is in ``unheard``.
        """
        tokens_of: dict[Path, torch.Tensor] = {}
        for clip in clips:
            try:
                tokens_of[clip.file] = self._heard(clip).to(self.alm.device)
            except ClipTooShort as error:
                self.unheard[clip.file] = str(error)
        self._forget()
        return tokens_of, {clip.file: clip.cut for clip in clips if clip.file in tokens_of}

    def _heard(self, clip: Clip) -> torch.Tensor:
        if clip.fault is not None:
            raise clip.fault
        heard = clip.heard
        if clip.key:
            kept = self._kept.pop(clip.key, None)
            if heard is None:
                heard = kept[0] if kept else hear_features(self.alm, clip.features)[0]
            self._kept[clip.key] = (heard, clip.cut)  # the most recently used come last
            return heard
        assert heard is not None, "a clip without a key holds its states"
        return audio_tokens(self.alm, heard)

    def _forget(self) -> None:
        """Drop the least recently used until the rest is small enough."""
        total = sum(heard.nbytes for heard, _ in self._kept.values())
        for key in list(self._kept):
            if total <= self.kept_bytes:
                return
            total -= self._kept[key][0].nbytes
            del self._kept[key]


def _identity(path: Path) -> tuple:
    """Return an identity that changes when the file does; for a missing file, its path alone."""
    try:
        status = Path(path).stat()
    except OSError:
        return (str(path),)
    return (str(path), status.st_size, status.st_mtime_ns, status.st_ino)
