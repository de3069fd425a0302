"""Sound as every model receives it: one channel at 16 kHz, within full scale; and which sounds are unusable."""

import numpy as np
import soxr
from numpy.typing import NDArray

SAMPLE_RATE = 16_000  # Hz
SHORTEST = 0.1  # s; every audio-language model refuses shorter sounds
SILENCE = -70.0  # dBFS; speech is above -50, the rounding noise of 16 bits at -98
FLOOR = -200.0  # dBFS, of digital silence
LARGEST_PEAK = 4.0  # of full scale; above it the samples are on another scale, below it overshoot of an encoder
FULL_SCALE = 1 - 1.5 / 2**15  # the two largest values of 16 bits are clipped
LARGEST_CLIPPED = 0.5  # share of samples at full scale; more is a square wave


def as_heard(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Return the mean of the channels at 16 kHz (soxr VHQ), (n,) in [-1, 1]: values above full scale are clipped.

    Args:
        samples: Samples (frames, channels), full scale 1.
        rate: Sample rate in Hz.
    """
    mono = samples.mean(axis=1, dtype=np.float64)
    if rate != SAMPLE_RATE:
        mono = soxr.resample(mono, rate, SAMPLE_RATE, quality="VHQ")
    return np.clip(mono, -1, 1).astype(np.float32)


def loudness(samples: NDArray[np.float32]) -> float:
    """Return 20 log10 of the root mean square of the mean of the channels without its own mean, dBFS, at least -200."""
    mono = samples.mean(axis=1, dtype=np.float64)
    power = float(np.mean(np.square(mono - mono.mean())))
    return max(10 * float(np.log10(power)), FLOOR) if power > 0 else FLOOR


def too_short(duration: float) -> str | None:
    """Return the fault of a sound that no model accepts, or None; ``duration`` in seconds."""
    return f"too short ({duration:.4g} s; {SHORTEST} s at least)" if duration < SHORTEST else None


def unheard(duration: float, rms: float, peak: float, clipped: float) -> str | None:
    """Return why a sound is unusable as speech, or None: too short, on another scale, silent or a square wave.

    Args:
        duration: Seconds.
        rms: See :func:`loudness`.
        peak: Largest magnitude, full scale 1.
        clipped: Share of samples at full scale or beyond.
    """
    if fault := too_short(duration):
        return fault
    if peak > LARGEST_PEAK:
        return f"on another scale than [-1, 1]: largest sample {peak:.6g}; divide whole numbers of 16 bits by 32768"
    if rms < SILENCE:
        return f"silent ({rms:.0f} dBFS)"
    return f"clipped ({100 * clipped:.0f} % of the samples are at full scale)" if clipped > LARGEST_CLIPPED else None
