"""The full check of a sound file: decoded to its end, measured, hashed, and brought to 16 kHz mono once."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import soundfile
from numpy.typing import NDArray

from scaling_ambiguity.corpora.audit import unreadable
from scaling_ambiguity.corpora.heard import FULL_SCALE, SAMPLE_RATE, as_heard, loudness, unheard
from scaling_ambiguity.corpora.paths import in_a_loop, inside
from scaling_ambiguity.io import atomic_path, file_sha256
from scaling_ambiguity.tables.base import Table

UNKNOWN_SIZES = (0, 0xFFFFFFFF)  # values that a program writing to a pipe leaves in a WAV header

SOUNDS = Table(
    name="sounds",
    key=("utterance",),
    schema=pa.DataFrameSchema(
        {
            "utterance": pa.Column(str),
            "path": pa.Column(str),
            "fault": pa.Column(str, nullable=True),
            "sha256": pa.Column(str, pa.Check.str_length(64, 64), nullable=True),
            "bytes": pa.Column("Int64", pa.Check.ge(0), nullable=True, coerce=True),
            "sample_rate": pa.Column("Int64", pa.Check.gt(0), nullable=True, coerce=True),
            "channels": pa.Column("Int64", pa.Check.gt(0), nullable=True, coerce=True),
            "duration": pa.Column(float, pa.Check.ge(0), nullable=True),
            "rms": pa.Column(float, nullable=True),
            "peak": pa.Column(float, nullable=True),
            "clipped": pa.Column(float, pa.Check.in_range(0, 1), nullable=True),
            "cached": pa.Column(str, nullable=True),
        }
    ),
)


def check_sound(path: Path) -> tuple[dict[str, Any], NDArray[np.float32] | None]:
    """Decode a sound file to its end; return the measurements, and its samples (frames, channels) or None.

    Returns:
        fault: None, or what is wrong: missing, a link to itself, empty, a Git-LFS pointer, not
            audio, truncated, samples that are not numbers, or unusable (:func:`heard.unheard`).
        sha256, bytes: of the file.
        sample_rate (Hz), channels, duration (s).
        rms: loudness of the sound at 16 kHz mono, dBFS (:func:`heard.loudness`).
        peak: largest magnitude, full scale 1.
        clipped: share of samples within 1.5 / 2**15 of full scale or beyond, in [0, 1].
    """
    measured: dict[str, Any] = dict.fromkeys(SOUNDS.schema.columns)
    try:
        if not path.is_file():
            return measured | {"fault": "missing"}, None
        measured |= {"sha256": file_sha256(path), "bytes": path.stat().st_size}
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.SoundFileError as error:
        return measured | {"fault": unreadable(path, error).removeprefix("the audio file ")}, None
    except OSError as error:
        return measured | {"fault": f"not readable ({error.strerror})"}, None
    measured |= {"sample_rate": rate, "channels": samples.shape[1], "duration": len(samples) / rate}
    if not samples.size:
        return measured | {"fault": "empty"}, None
    if not np.isfinite(samples).all():
        return measured | {"fault": "holds samples that are no numbers"}, None
    size = np.abs(samples)
    level = {"rms": loudness(samples), "peak": float(size.max()), "clipped": float((size >= FULL_SCALE).mean())}
    measured |= level
    missing = missing_bytes(path)
    if missing:
        return measured | {"fault": f"truncated: {missing} bytes of sound are missing"}, None
    fault = unheard(len(samples) / rate, **level)
    return measured | {"fault": fault}, None if fault else samples


def missing_bytes(path: Path) -> int:
    """Return how many bytes of samples a RIFF/WAVE file announces but lacks; 0 for other formats.

    Decoders silently read such a file up to its end.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        start = stream.read(12)
        if start[:4] != b"RIFF" or start[8:] != b"WAVE":
            return 0
        while len(header := stream.read(8)) == 8:
            name, length = struct.unpack("<4sI", header)
            if name == b"data":
                return 0 if length in UNKNOWN_SIZES else max(0, stream.tell() + length - size)
            stream.seek(length + length % 2, 1)
    return 0


def cache_name(sha256: str) -> str:
    """Return the file name of a source with this hash, relative to the cache."""
    return f"{sha256[:2]}/{sha256}.wav"


def bring_to_rate(samples: NDArray[np.float32], rate: int, sha256: str, cache: Path) -> str:
    """Write a sound at 16 kHz mono (16-bit PCM) into the cache, unless it is there.

    The name is the SHA-256 of the source, so equal sources are resampled once and a name never
    refers to different sound.

    Returns:
        The file's path relative to ``cache``.
    """
    name = cache_name(sha256)
    if not (cache / name).is_file():
        with atomic_path(cache / name) as temporary:
            soundfile.write(temporary, as_heard(samples, rate), SAMPLE_RATE, subtype="PCM_16", format="WAV")
    return name


def check_utterance(utterance: str, relative: str | None, root: Path, cache: Path) -> dict[str, Any]:
    """Return the row of :data:`SOUNDS` of one utterance; resample its sound if it is not 16 kHz mono."""
    row: dict[str, Any] = {"utterance": utterance, "path": relative or ""}
    if not relative:
        return dict.fromkeys(SOUNDS.schema.columns) | row | {"fault": "the corpus has no audio file for it"}
    path = inside(root, relative, f"utterance {utterance}")
    if in_a_loop(path):
        return dict.fromkeys(SOUNDS.schema.columns) | row | {"fault": "a link in a loop of links"}
    measured, samples = check_sound(path)
    measured |= row
    if samples is not None and (measured["sample_rate"] != SAMPLE_RATE or measured["channels"] != 1):
        measured["cached"] = bring_to_rate(samples, measured["sample_rate"], measured["sha256"], cache)
    return measured


def sounds_frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return the rows of :func:`check_utterance` as a table with the columns and types of :data:`SOUNDS`."""
    frame = pd.DataFrame(rows, columns=list(SOUNDS.schema.columns), dtype=object)
    types = {"bytes": "Int64", "sample_rate": "Int64", "channels": "Int64"}
    types |= dict.fromkeys(("duration", "rms", "peak", "clipped"), "float64")
    return frame.astype({column: types.get(column, "str") for column in frame})


def fault_kinds(faults: pd.Series) -> pd.Series:
    """Return the faults without file-specific parts: text after a colon or in parentheses is removed."""
    return faults.str.replace(r"(:| \().*", "", regex=True)
