"""Mixup and SpecAugment in the spectrum that a speech encoder receives, converted back into sound.

Frames are those of Whisper's features (400 samples, hop 160 at 16 kHz), so that a mask of a
frame or band of the sound is a mask of the same frame or band of the features.
"""

import numpy as np

from scaling_ambiguity.augmentation.transforms import within_full_scale

FRAME, HOP = 400, 160
FLOOR = 1e-4  # of the largest magnitude: -80 dB, where Whisper's features end
ROUNDS = 8  # of Griffin and Lim, from the phase of the heavier parent


def _spectrum(waveform: np.ndarray) -> np.ndarray:
    import librosa  # imported here, so that readers of plans need not load it

    return librosa.stft(waveform, n_fft=FRAME, hop_length=HOP)


def _sound(spectrum: np.ndarray, length: int) -> np.ndarray:
    import librosa

    return librosa.istft(spectrum, n_fft=FRAME, hop_length=HOP, length=length)


def log_magnitude(waveform: np.ndarray) -> np.ndarray:
    """Return the natural logarithm of the magnitudes, (201, frames), floored 80 dB below the largest."""
    size = np.abs(_spectrum(waveform))
    return np.log(np.maximum(size, max(FLOOR * float(size.max()), 1e-10)))


def mixup_spectra(first: np.ndarray, second: np.ndarray, alpha: float) -> np.ndarray:
    """Return the sound whose log spectrum is ``alpha`` times the first's plus ``1 - alpha`` times the second's.

    Cut to the shorter. The phase starts as that of the one with more weight and is made consistent (Griffin
    and Lim 1984, 10.1109/TASSP.1984.1164317). Source of mixup: arXiv 1710.09412.
    """
    length = min(len(first), len(second))
    first, second = first[:length], second[:length]
    size = np.exp(alpha * log_magnitude(first) + (1 - alpha) * log_magnitude(second))
    phase = np.angle(_spectrum(first if alpha >= 0.5 else second))
    for _ in range(ROUNDS):
        phase = np.angle(_spectrum(_sound(size * np.exp(1j * phase), length)))
    return within_full_scale(_sound(size * np.exp(1j * phase), length))


def mask_spectrum(
    waveform: np.ndarray, masks: int, frequency: float, time: float, random: np.random.Generator
) -> np.ndarray:
    """Return the sound with ``masks`` frequency bands and as many time segments masked (SpecAugment).

    Each band is U(0, ``frequency``) of all bands wide, each segment U(0, ``time``) of the length, at a random
    position. Source: arXiv 1904.08779, without its time warp.
    """
    spectrum = _spectrum(waveform)
    for axis, share in ((0, frequency), (1, time)):
        size = spectrum.shape[axis]
        for _ in range(masks):
            width = int(random.random() * share * size)
            start = int(random.integers(size - width + 1))
            spectrum[(slice(None),) * axis + (slice(start, start + width),)] = 0.0
    return within_full_scale(_sound(spectrum, len(waveform)))
