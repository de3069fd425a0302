"""Changes of a recording that preserve its label distribution: pitch, speed, noise and reverberation.

Each takes and returns mono float32 samples at 16 kHz. A result beyond full scale is scaled down as a whole.
"""

from typing import Any

import numpy as np

from scaling_ambiguity.corpora.heard import SAMPLE_RATE
from scaling_ambiguity.errors import UserError

# the published step changes by at most a semitone and 5 %; noise and rooms are those of a quiet recording
RANGES: dict[str, tuple[float, float]] = {
    "pitch": (-1.0, 1.0),  # semitones
    "speed": (0.95, 1.05),  # factor of the tempo
    "noise": (15.0, 30.0),  # signal-to-noise ratio, dB
    "reverberation": (0.1, 0.4),  # seconds to fall by 60 dB
}
LIMITS = {"pitch": (-2.0, 2.0), "speed": (0.8, 1.25), "noise": (0.0, 60.0), "reverberation": (0.02, 2.0)}
DIRECT = 0.7  # share of the direct sound in the energy of a room's impulse response
PRE_DELAY = 0.002  # seconds between the direct sound and the first reflection


def within_full_scale(samples: np.ndarray) -> np.ndarray:
    """Return the samples as float32, divided by their peak if that is above 1."""
    peak = float(np.abs(samples).max(initial=0.0))
    return (samples / max(peak, 1.0)).astype(np.float32)


def change_pitch(waveform: np.ndarray, semitones: float) -> np.ndarray:
    """Shift the pitch by ``semitones``, keeping the length (phase vocoder and resampling, librosa)."""
    import librosa  # imported here, so that readers of plans need not load it

    return within_full_scale(librosa.effects.pitch_shift(waveform, sr=SAMPLE_RATE, n_steps=semitones))


def change_speed(waveform: np.ndarray, factor: float) -> np.ndarray:
    """Speed up by ``factor`` at the same pitch (phase vocoder, librosa); n -> round(n / factor) samples."""
    import librosa

    return within_full_scale(librosa.effects.time_stretch(waveform, rate=factor))


def add_noise(waveform: np.ndarray, snr: float, random: np.random.Generator) -> np.ndarray:
    """Add white Gaussian noise whose power is exactly ``snr`` dB below the recording's; silence remains silence."""
    noise = random.standard_normal(len(waveform))
    power = np.mean(np.square(waveform, dtype=np.float64))
    scale = np.sqrt(power / np.mean(noise**2) / 10 ** (snr / 10))
    return within_full_scale(waveform + scale * noise)


def room_answer(seconds: float, random: np.random.Generator) -> np.ndarray:
    """Return an impulse response of energy 1: the direct sound, then noise that falls by 60 dB in ``seconds``.

    The direct sound carries ``DIRECT`` of the energy, a listener near the speaker.
    """
    time = np.arange(int(seconds * SAMPLE_RATE) + 1) / SAMPLE_RATE
    tail = random.standard_normal(len(time)) * 10 ** (-3 * time / seconds)
    tail[: int(PRE_DELAY * SAMPLE_RATE)] = 0.0
    tail *= np.sqrt((1 - DIRECT) / (tail**2).sum())
    tail[0] = np.sqrt(DIRECT)
    return tail


def add_reverberation(waveform: np.ndarray, seconds: float, random: np.random.Generator) -> np.ndarray:
    """Apply a simulated room to the recording (:func:`room_answer`); length and RMS are kept."""
    from scipy.signal import fftconvolve

    wet = fftconvolve(waveform.astype(np.float64), room_answer(seconds, random))[: len(waveform)]
    before, after = (np.sqrt(np.mean(np.square(samples, dtype=np.float64))) for samples in (waveform, wet))
    return within_full_scale(wet * (before / after if after > 0 else 1.0))


def apply_transform(waveform: np.ndarray, kind: str, value: float, random: np.random.Generator) -> np.ndarray:
    """Apply one transform of ``RANGES`` by its name; ``value`` is in its unit."""
    if kind == "pitch":
        return change_pitch(waveform, value)
    if kind == "speed":
        return change_speed(waveform, value)
    return (add_noise if kind == "noise" else add_reverberation)(waveform, value, random)


def transform_ranges(options: dict[str, Any] | None, where: str) -> dict[str, tuple[float, float]]:
    """Return the range of each transform in use; all of ``RANGES`` by default.

    Args:
        options: ``{pitch: [-1, 1], ...}``, or None.
        where: Start of the messages.

    Raises:
        UserError: An unknown transform, none, or a range that does not rise within ``LIMITS``, beyond
            which a label distribution cannot be assumed to be preserved.
    """
    ranges: dict[str, Any] = {
        kind: tuple(map(float, pair)) for kind, pair in (RANGES if options is None else options).items()
    }
    unknown = sorted(set(ranges) - set(RANGES))
    if unknown or not ranges:
        raise UserError(f"{where}: transforms {unknown or 'are empty'}; use some of {', '.join(RANGES)}.")
    for kind, pair in ranges.items():
        low, high = LIMITS[kind]
        if len(pair) != 2 or not low <= pair[0] <= pair[1] <= high:
            raise UserError(
                f"{where}: transforms.{kind} {list(pair)} must be a rising pair within [{low:g}, {high:g}]."
            )
    return ranges
