"""Encode one shard of a corpus with the frozen encoder: resumable by pieces, complete or absent at the end."""

import hashlib
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

from scaling_ambiguity.alms.ahead import Ahead
from scaling_ambiguity.alms.audio import load_waveform
from scaling_ambiguity.alms.encoded_clips import ENDING, EncodedClip, encoder_of, read_header, write_piece
from scaling_ambiguity.alms.families.family import ClipTooShort
from scaling_ambiguity.alms.inputs import audio_features, frozen_states, seconds_cut
from scaling_ambiguity.alms.loading import LoadedALM
from scaling_ambiguity.code_identity import SCRIPTS, code_hash
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import atomic_path, file_sha256, read_json, write_json
from scaling_ambiguity.progress import announce, progress

CLIPS_A_PIECE = 128
Named = tuple[str, Path]


def encode_clips(alm: LoadedALM, clips: Sequence[Named], unheard: dict[str, str]) -> Iterator[tuple[str, EncodedClip]]:
    """Yield the encoder's output of each (utterance, sound file), on the CPU.

    Each clip is encoded by itself. Where the model is on a GPU, the next sound is decoded meanwhile.

    Args:
        alm: The model.
        clips: (utterance, sound file).
        unheard: Receives utterance -> reason for each clip too short for an audio token; such a clip is not yielded.

    Raises:
        UserError: A file is not readable.
    """

    def prepare(clip: Named) -> tuple | ClipTooShort:
        waveform = load_waveform(clip[1])
        try:
            features = audio_features(alm, [waveform])
        except ClipTooShort as error:
            return error
        samples = hashlib.sha256(waveform.tobytes()).hexdigest()
        return features, seconds_cut(alm, waveform), file_sha256(clip[1]), samples

    for clip, prepared in Ahead(clips, None if alm.device.type == "cpu" else prepare):
        try:
            encoded = prepared or prepare(clip)
            if isinstance(encoded, ClipTooShort):
                raise encoded
            features, *rest = encoded
            tokens = frozen_states(alm, features)[0].cpu()
        except ClipTooShort as error:
            unheard[clip[0]] = str(error)
            continue
        yield clip[0], EncodedClip(tokens, *rest)


def encode_shard(alm: LoadedALM, clips: Sequence[Named], state: Path, output: Path) -> dict[str, str]:
    """Write the encoder's output of ``clips`` into the folder ``output``.

    Pieces are kept in ``state`` until all are there; a killed job continues with the first one
    that is missing. Pieces made with other weights, code or libraries are not reused.

    Args:
        alm: The model.
        clips: (utterance, sound file), in the order in which they are kept.
        state: Folder of this shard's unfinished work.
        output: Appears when everything is encoded, by one renaming.

    Returns:
        Utterance -> reason, of the clips that have no audio token; the pieces hold it too.

    Raises:
        UserError: A file is not readable.
    """
    encoder, pieces = encoder_of(alm), state / "pieces"
    _take_up(state, {"encoder": encoder, "made_by": _versions()})
    pieces.mkdir(parents=True, exist_ok=True)
    parts = {
        f"{start // CLIPS_A_PIECE:05d}{ENDING}": clips[start : start + CLIPS_A_PIECE]
        for start in range(0, len(clips), CLIPS_A_PIECE)
    }
    for path in pieces.iterdir():
        if path.name not in parts:
            path.unlink()
    reasons: dict[str, str] = {}
    for name, part in progress(list(parts.items()), "encode", unit=f"x{CLIPS_A_PIECE}"):
        if not _holds(pieces / name, part):
            unheard: dict[str, str] = {}
            encoded = dict(encode_clips(alm, part, unheard))
            sounds = dict(part)
            left_out = [(utterance, file_sha256(sounds[utterance]), why) for utterance, why in unheard.items()]
            write_piece(pieces / name, encoder, encoded, left_out)
        reasons |= {utterance: why for utterance, _, why in read_header(pieces / name).get("unheard", [])}
    with atomic_path(output) as temporary:
        shutil.move(pieces, temporary)
    shutil.rmtree(state)
    return reasons


def _versions() -> dict[str, str]:
    packages = ("torch", "transformers", "numpy", "soundfile", "soxr")
    return {"code": code_hash(SCRIPTS / "encode_audio.py")} | {package: version(package) for package in packages}


def _take_up(state: Path, fingerprint: dict) -> None:
    """Keep the pieces in ``state`` if they were made in the same way, else start from scratch."""
    path = state / "fingerprint.json"
    if path.exists() and json.dumps(read_json(path), sort_keys=True) == json.dumps(fingerprint, sort_keys=True):
        return
    if state.exists():
        message = f"encode_audio: {state} holds pieces of another model, code or library; encoded from scratch"
        print(message, file=sys.stderr)
        announce(message)
        shutil.rmtree(state)
    write_json(fingerprint, path)


def _holds(path: Path, clips: Sequence[Named]) -> bool:
    """Return whether a piece is present, complete, and made from these clips as they are now."""
    if not path.exists():
        return False
    try:
        header = read_header(path)
    except UserError:
        return False
    listed = [row[:2] for row in [*header["clips"], *header.get("unheard", [])]]
    return sorted(listed) == sorted([name, file_sha256(sound)] for name, sound in clips)
