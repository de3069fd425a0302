"""The sound of an utterance: where it lies, its outline and its spectrogram, small enough for a page."""

import base64
import os
import struct
import zlib
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

import numpy as np
import soundfile
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float32]
PLAYED = (".wav", ".flac", ".mp3", ".ogg", ".opus")  # what every browser plays
POINTS, FRAMES, BANDS = 240, 160, 64  # of an outline; of a spectrogram, at most
WINDOW = 0.032  # seconds
HIGHEST, RANGE = 8000.0, 60.0  # Hz; dB below the loudest
LONGEST = 120.0  # seconds that are drawn


def sound_file(root: Path, path: str | None, copy: str | None) -> Path | None:
    """Return the file to play: the one of the corpus; the copy at 16 kHz where no browser plays that format."""
    if path is None:
        return None
    inside = root / path
    return Path(copy) if copy is not None and inside.suffix.lower() not in PLAYED else inside


def link(file: Path, page: Path) -> str:
    """Return the link from a page in the folder ``page`` to a file: relative, every odd character quoted."""
    return quote(os.path.relpath(file.absolute(), page.absolute()))


def drawn(file: Path) -> dict[str, Any]:
    """Return ``seconds``, ``peaks`` (low and high of each stretch, signed bytes) and ``image`` (PNG), in base64.

    A file that is missing or cannot be decoded has a ``fault`` instead.
    """
    if not file.is_file():
        return {"fault": "the file is not there"}
    try:
        with soundfile.SoundFile(str(file)) as stream:
            rate = stream.samplerate
            samples = stream.read(int(LONGEST * rate), dtype="float32", always_2d=True).mean(axis=1)
            seconds = stream.frames / rate
    except (RuntimeError, OSError) as error:
        return {"fault": f"the file cannot be decoded ({type(error).__name__})"}
    if not samples.size:
        return {"fault": "the file holds no sound"}
    image = base64.b64encode(png(spectrogram(samples, rate))).decode()
    peaks = base64.b64encode(outline(samples).tobytes()).decode()
    return {"seconds": round(seconds, 3), "peaks": peaks, "image": image}


def outline(samples: Array) -> NDArray[np.int8]:
    """Return the least and the largest sample of at most 240 stretches, (stretches, 2), -127 to 127 of the loudest."""
    starts = np.unique(np.linspace(0, len(samples), POINTS, endpoint=False).astype(int))
    ends = np.stack([np.minimum.reduceat(samples, starts), np.maximum.reduceat(samples, starts)], axis=1)
    loudest = float(np.abs(ends).max())
    return np.rint(127 * ends / (loudest or 1.0)).astype(np.int8)


def spectrogram(samples: Array, rate: int) -> NDArray[np.uint8]:
    """Return levels 0 to 15 of 64 mel bands up to 8 kHz, the highest first, in at most 160 frames: (64, frames)."""
    window = max(int(WINDOW * rate), 2)
    padded = np.pad(samples, (0, max(0, window - len(samples))))
    number = min(FRAMES, (len(padded) - window) // (window // 4) + 1)
    starts = np.linspace(0, len(padded) - window, number).astype(int)
    frames = padded[starts[:, None] + np.arange(window)] * np.hanning(window).astype(np.float32)
    power = np.abs(np.fft.rfft(frames)) ** 2
    mel = np.linspace(0, _mel(min(HIGHEST, rate / 2)), BANDS + 1)
    edges = (700 * (10 ** (mel / 2595) - 1) * window / rate).astype(int)
    total = np.concatenate([np.zeros((len(power), 1)), power.cumsum(axis=1)], axis=1)
    first, last = edges[:-1], np.minimum(np.maximum(edges[1:], edges[:-1] + 1), power.shape[1])
    bands = (total[:, last] - total[:, first]) / np.maximum(last - first, 1)
    decibels = 10 * np.log10(np.maximum(bands, 1e-12))
    shade = np.clip((decibels - decibels.max()) / RANGE + 1, 0, 1)
    return np.rint(15 * shade).astype(np.uint8).T[::-1]


def _mel(hertz: float) -> float:
    return float(2595 * np.log10(1 + hertz / 700))


def png(levels: NDArray[np.uint8]) -> bytes:
    """Return levels 0 to 15 (height, width) as a grey picture of four bits per pixel."""
    height, width = levels.shape
    even = np.pad(levels, ((0, 0), (0, width % 2)))
    packed = even[:, ::2] << 4 | even[:, 1::2]
    rows = np.pad(packed, ((0, 0), (1, 0))).tobytes()  # a leading 0: no filter
    header = struct.pack(">IIBBBBB", width, height, 4, 0, 0, 0, 0)
    parts = [_chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(rows, 9)), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
