"""Encoder outputs of a corpus on disk: written once by encode_audio and read by every job through the page cache.

A shard is a folder of pieces, safetensors files with one tensor ``tokens`` (rows, hidden) in the type the model
computes with. A piece's header states which rows belong to which clip, and what determined them: the encoder (revision
of the weights, number type, kind of device) and the SHA-256 of each sound file.
"""

import json
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from scaling_ambiguity.alms.families.family import base_of
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import atomic_path, file_sha256

if TYPE_CHECKING:  # the models that only read what was encoded open none of these
    from scaling_ambiguity.alms.loading import LoadedALM

ENDING = ".safetensors"
_REMEDY = "Remove the folder and run again: encode_audio rebuilds it."


@dataclass(frozen=True)
class EncodedClip:
    """What the encoder made of one clip.

    Attributes:
        tokens: (n_audio_tokens, D), on the CPU: audio tokens, or states before the projector of a model whose audio
            tower is shared; :func:`~scaling_ambiguity.alms.inputs.audio_tokens` makes the former of both.
        cut: Seconds at the end of the clip that are cut off.
        file_sha256: Hash of the sound file.
        samples_sha256: Hash of the samples that were encoded, float32 at 16 kHz.
    """

    tokens: torch.Tensor
    cut: float
    file_sha256: str
    samples_sha256: str


def encoder_of(alm: "LoadedALM") -> dict[str, str]:
    """Return what determines a clip's states besides its sound: revision, dtype and device of model or shared tower."""
    dtype = str(base_of(alm.model).dtype).removeprefix("torch.")
    return {"revision": alm.tower or alm.revision, "dtype": dtype, "device": alm.device.type}


def write_piece(
    path: Path,
    encoder: dict[str, str],
    clips: dict[str, EncodedClip],
    unheard: Sequence[tuple[str, str, str]] = (),
) -> None:
    """Write the clips of some utterances, atomically and with bytes that depend only on the arguments.

    Args:
        path: File of the piece.
        encoder: See :func:`encoder_of`.
        clips: Utterance -> its clip.
        unheard: (utterance, file hash, reason) for each clip without audio tokens.
    """
    rows = [[name, clip.file_sha256, clip.samples_sha256, len(clip.tokens), clip.cut] for name, clip in clips.items()]
    # One key: safetensors writes several in any order.
    metadata = {"encoder": encoder, "clips": rows} | ({"unheard": list(unheard)} if unheard else {})
    header = {"encodings": json.dumps(metadata, sort_keys=True)}
    tokens = [clip.tokens for clip in clips.values()] or [torch.empty(0, 0)]
    with atomic_path(path) as temporary:
        temporary.touch()
        mode = stat.S_IMODE(temporary.stat().st_mode)
        save_file({"tokens": torch.cat(tokens)}, temporary, header)
        temporary.chmod(mode)  # safetensors makes the file readable by its owner only


def read_header(path: Path) -> dict[str, Any]:
    """Return ``encoder`` and ``clips`` (utterance, file hash, sample hash, rows, seconds cut) of a piece.

    Where clips have no audio tokens, also ``unheard`` (utterance, file hash, reason).

    Raises:
        UserError: The file is truncated, or is not such a piece.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {})["encodings"])
            rows = file.get_slice("tokens").get_shape()[0]
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise UserError(f"{path}: not readable as encoder outputs ({error}). {_REMEDY}") from error
    if rows != sum(clip[3] for clip in header["clips"]):
        raise UserError(f"{path}: holds {rows} rows, which are not those of the clips it names. {_REMEDY}")
    return header


class EncodedClips:
    """The encoder outputs of some shards, looked up by utterance or by sound.

    Headers are read immediately; the numbers of a piece are mapped into memory when it is first requested.

    Attributes:
        folders: The shards.
        encoder: What encoded them, as of :func:`encoder_of`; None where they hold no clip.
    """

    def __init__(self, folders: Sequence[Path | str]) -> None:
        """Read the headers of ``folders``.

        Raises:
            UserError: A folder is absent, a piece is truncated, or two pieces come from different encoders.
        """
        self.folders = [Path(folder) for folder in folders]
        self.encoder: dict[str, str] | None = None
        self._mapped: dict[Path, torch.Tensor] = {}
        self._places: list[tuple[Path, int, list]] = []
        self._by_name: dict[str, int] = {}
        self._by_sound: dict[str, int] = {}
        for folder in self.folders:
            if not folder.is_dir():
                raise UserError(f"{folder}: no such folder of encoder outputs. Run again: encode_audio makes it.")
            for path in sorted(folder.glob(f"*{ENDING}")):
                self._add(path)

    def _add(self, path: Path) -> None:
        header = read_header(path)
        if self.encoder not in (None, header["encoder"]):
            raise UserError(f"{path}: encoded by {header['encoder']}, others by {self.encoder}. {_REMEDY}")
        self.encoder = header["encoder"]
        start = 0
        for clip in header["clips"]:
            self._by_name[clip[0]] = self._by_sound[clip[1]] = len(self._places)
            self._places.append((path, start, clip))
            start += clip[3]

    def __len__(self) -> int:
        return len(self._places)

    def check(self, encoder: dict[str, str]) -> None:
        """Refuse the outputs of another encoder; ``encoder`` holds what has to agree, see :func:`encoder_of`.

        Raises:
            UserError: Something does not agree.
        """
        for key, wanted in encoder.items():
            if self.encoder is not None and self.encoder[key] != wanted:
                raise UserError(
                    f"{self.folders[0]}: encoded with {key} {self.encoder[key]}, but the model of this job has {key} "
                    f"{wanted}. {_REMEDY}"
                )

    def of(self, utterance: str, path: Path) -> EncodedClip | None:
        """Return the clip of an utterance whose sound is ``path``; None if the utterance does not belong to the corpus.

        Raises:
            UserError: The sound is not the one that was encoded, or is absent.
        """
        place = self._by_name.get(utterance)
        if place is None:
            return None
        if _hash(path) != self._places[place][2][1]:
            raise UserError(
                f"{path}: the sound of {utterance} is not the one that was encoded into "
                f"{self._places[place][0].parent}. Restore the file, or remove that folder and run again."
            )
        return self._clip(place)

    def about(self, path: Path) -> EncodedClip | None:
        """Return the clip of a sound file, regardless of its name; None if no such sound was encoded.

        Raises:
            UserError: The file is absent.
        """
        place = self._by_sound.get(_hash(path))
        return None if place is None else self._clip(place)

    def _clip(self, place: int) -> EncodedClip:
        path, start, (_, file, samples, rows, cut) = self._places[place]
        if path not in self._mapped:
            with safe_open(path, framework="pt") as piece:
                self._mapped[path] = piece.get_tensor("tokens")
        return EncodedClip(self._mapped[path][start : start + rows], cut, file, samples)


def _hash(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError as error:
        raise UserError(f"{path}: not readable ({error}). Check the corpus root and restore the file.") from error
