"""Synthesise the speech of a world: espeak-ng, called as a program, then level and tilt, as 16 kHz mono files.

The program is deterministic and takes about 10 ms per clip; its library interface is not deterministic.
"""

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
import soxr

from scaling_ambiguity.corpora.heard import SAMPLE_RATE
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.progress import progress

WAV_HEADER = 44
ESPEAK_RATE = 22_050
WORKERS = 2
PADDING = 0.05  # seconds of silence kept on both sides
REMEDY = "install it with `sudo apt-get install espeak-ng` or `conda install -c conda-forge espeak-ng`"


def find_espeak() -> str:
    """Return the path of the program espeak-ng; raise UserError with the remedy if it is missing."""
    program = shutil.which("espeak-ng")
    if program is None:
        raise UserError(f"espeak-ng, which synthesises the simulated corpora, is not on the PATH; {REMEDY}.")
    return program


def check_variants(program: str, voices: list[str]) -> None:
    """Raise UserError if espeak-ng lacks a voice variant: it would silently use its default one."""
    listing = subprocess.run([program, "--voices=variant"], capture_output=True, text=True, check=False).stdout
    present = {word.removeprefix("!v/") for word in listing.split() if word.startswith("!v/")}
    missing = sorted({voice.split("+")[1] for voice in voices if "+" in voice} - present)
    if missing:
        raise UserError(
            f"{program}: no voice variant {missing[0]!r}; its data is incomplete or older than 1.51, {REMEDY}."
        )


def speak(program: str, text: str, *, voice: str, pitch: int, width: int, speed: int) -> np.ndarray:
    """Return espeak-ng's samples in [-1, 1] at 22.05 kHz.

    Args:
        program: Path of espeak-ng.
        text: The sentence.
        voice: Language and variant, e.g. ``en-us+m3``.
        pitch: 0-99.
        width: Pitch range in per cent, at most 200.
        speed: Words per minute.
    """
    markup = f'<speak><prosody range="{width}%">{escape(text)}</prosody></speak>'
    command = [program, "-m", "-z", "-v", voice, "-p", str(pitch), "-s", str(speed), "--stdout", markup]
    result = subprocess.run(command, capture_output=True, check=False)
    samples = np.frombuffer(result.stdout[WAV_HEADER:][: (len(result.stdout) - WAV_HEADER) // 2 * 2], dtype="<i2")
    if result.returncode or not samples.any():
        fault = result.stderr.decode(errors="replace").strip() or f"no sound, exit status {result.returncode}"
        raise UserError(f"{program} failed on {text!r} with voice {voice} ({fault}); reinstall it: {REMEDY}.")
    return samples / 32768.0


def shape(samples: np.ndarray, *, level: float, tilt: float) -> np.ndarray:
    """Return 22.05 kHz samples as int16 at 16 kHz, silence trimmed, tilted and set to a level.

    Args:
        samples: Samples in [-1, 1].
        level: Root mean square of the speech in dB re full scale; lowered if a peak would clip.
        tilt: c of the filter y[n] = x[n] + c x[n-1], in (-1, 1); negative is brighter.
    """
    sound = soxr.resample(samples, ESPEAK_RATE, SAMPLE_RATE, quality="HQ")
    loud = np.flatnonzero(np.abs(sound) > 0.01 * np.abs(sound).max())
    sound = sound[loud[0] : loud[-1] + 1]
    sound[1:] += tilt * sound[:-1].copy()
    sound *= 10 ** (level / 20) / np.sqrt(np.mean(sound**2))
    sound *= min(1.0, 0.99 / np.abs(sound).max())
    return np.round(np.pad(sound, int(PADDING * SAMPLE_RATE)) * 32767).astype(np.int16)


def synthesise(
    utterances: pd.DataFrame, folder: str | Path, *, what: str = "speech", workers: int = WORKERS
) -> pd.DataFrame:
    """Speak every row of ``World.utterances`` into ``folder/{utterance}.wav`` (16 kHz mono PCM16).

    Args:
        utterances: Columns utterance, transcript and the settings: voice, espeak_pitch, espeak_range,
            espeak_speed, level, tilt_coefficient.
        folder: Folder to write to, made if absent; the caller makes it atomic.
        what: Name of the progress bar.
        workers: Concurrent processes; the files do not depend on it.

    Returns:
        Columns utterance, path (file name inside ``folder``), duration (s), in the rows' order.

    Raises:
        UserError: espeak-ng is missing, incomplete or fails.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    program = find_espeak()
    check_variants(program, utterances["voice"].tolist())

    def one(row: dict) -> dict:
        samples = speak(
            program,
            row["transcript"],
            voice=row["voice"],
            pitch=row["espeak_pitch"],
            width=row["espeak_range"],
            speed=row["espeak_speed"],
        )
        sound = shape(samples, level=row["level"], tilt=row["tilt_coefficient"])
        path = f"{row['utterance']}.wav"
        soundfile.write(folder / path, sound, SAMPLE_RATE, subtype="PCM_16")
        return {"utterance": row["utterance"], "path": path, "duration": len(sound) / SAMPLE_RATE}

    rows = utterances.to_dict("records")
    with ThreadPoolExecutor(workers) as threads:
        return pd.DataFrame(list(progress(threads.map(one, rows), what, total=len(rows), unit="clip")))
