"""Sound files as audio tokens: prepared ahead of the model if asked to, and encoded once while they are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from scaling_ambiguity.alms.audio import load_waveform
from scaling_ambiguity.alms.families.known import family_of
from scaling_ambiguity.alms.inputs import audio_features, hear_features, seconds_cut
from scaling_ambiguity.alms.loading import LoadedALM
from scaling_ambiguity.errors import UserError

KEPT_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Chunk:
    """Files that go through the audio encoder together.

    Attributes:
        files: The files.
        key: What the files were when they were read.
        features: What the encoder reads, or None where ``heard`` is there.
        heard: The audio tokens of each file if they were kept, else None.
        cut: Seconds at the end of each file that the model does not hear.
    """

    files: tuple[Path, ...]
    key: tuple
    features: Any
    heard: list[torch.Tensor] | None
    cut: tuple[float, ...]


class Encodings:
    """Encodes files, each chunk once as long as it is kept.

    A family's encoder says how many files it hears at once. Kept is a chunk as a whole and found
    again only as a whole: what stands beside a file in a batch may change the last digits of its
    tokens, and what is kept must not differ from what would be computed.
    """

    def __init__(self, alm: LoadedALM, kept_bytes: int = KEPT_BYTES) -> None:
        self.alm = alm
        self.kept_bytes = kept_bytes
        self._kept: dict[tuple, tuple[list[torch.Tensor], tuple[float, ...]]] = {}

    def prepare(self, files: Sequence[Path]) -> list[Chunk]:
        """Read files and compute their features, without the model: safe in another thread.

        Raises:
            UserError: A file is not readable, or too short for an audio token.
        """
        size = family_of(self.alm.model).encode.at_once
        return [self._chunk(tuple(files[start : start + size])) for start in range(0, len(files), size)]

    def _chunk(self, files: tuple[Path, ...]) -> Chunk:
        key = tuple(_identity(path) for path in files)
        kept = self._kept.get(key)
        if kept is not None:
            return Chunk(files, key, None, kept[0], kept[1])
        waveforms = [load_waveform(path) for path in files]
        cut = tuple(seconds_cut(self.alm, waveform) for waveform in waveforms)
        try:
            features = audio_features(self.alm, waveforms)
        except UserError as error:
            raise UserError(f"{', '.join(map(str, files))}: {error}") from error
        return Chunk(files, key, features, None, cut)

    def tokens(self, chunks: Sequence[Chunk]) -> tuple[dict[Path, torch.Tensor], dict[Path, float]]:
        """Return each file's audio tokens (n_audio_tokens, hidden) and the seconds of it that are not heard."""
        clips: dict[Path, torch.Tensor] = {}
        cut: dict[Path, float] = {}
        for chunk in chunks:
            known = self._kept.pop(chunk.key, None)
            heard = chunk.heard or (known[0] if known else hear_features(self.alm, chunk.features))
            self._kept[chunk.key] = (heard, chunk.cut)  # the last used stand last
            clips |= zip(chunk.files, heard, strict=True)
            cut |= zip(chunk.files, chunk.cut, strict=True)
        self._forget()
        return clips, cut

    def _forget(self) -> None:
        """Let go of what was used longest ago until the rest is small enough."""
        size = {key: sum(row.nbytes for row in heard) for key, (heard, _) in self._kept.items()}
        total = sum(size.values())
        for key in list(self._kept):
            if total <= self.kept_bytes:
                return
            total -= size[key]
            del self._kept[key]


def _identity(path: Path) -> tuple:
    """Return what changes when a file does; of a file that is not there, its path alone."""
    try:
        found = Path(path).stat()
    except OSError:
        return (str(path),)
    return (str(path), found.st_size, found.st_mtime_ns, found.st_ino)
