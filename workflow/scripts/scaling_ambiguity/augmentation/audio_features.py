"""The 72 audio features of DiME-Aug (arXiv 2601.14620, section 2.3): means and deviations of frame-wise spectra."""

import numpy as np

from scaling_ambiguity.corpora.heard import SAMPLE_RATE

SHORTEST = 0.5  # seconds; shorter clips are padded with silence, as published

_FAMILIES = {"mfcc": 13, "chroma": 12, "contrast": 7, "crossings": 1, "rolloff": 1, "centroid": 1, "rms": 1}
AUDIO_FEATURES = [
    f"f_{family}{number}_{statistic}"
    for family, size in _FAMILIES.items()
    for statistic in ("mean", "sd")
    for number in range(size)
]


def audio_features(waveform: np.ndarray) -> np.ndarray:
    """Return the 72 features of one clip, in the order of ``AUDIO_FEATURES``.

    Mean and population standard deviation over frames (2048 samples, hop 512) of 13 MFCC,
    12 chroma, 7 spectral contrasts (dB), zero-crossing rate, roll-off (Hz), centroid (Hz)
    and RMS. The chroma bands are fixed at A = 440 Hz: speech has no concert pitch to
    estimate. All spectra come from one Fourier transform.

    Args:
        waveform: Mono samples in [-1, 1] at 16 kHz, shape (samples,), not empty.

    Returns:
        float64 array of shape (72,), finite.

    Raises:
        ValueError: The waveform is empty, not one-dimensional or holds non-finite samples.
    """
    import librosa  # imported here, so that readers of the table need not load it

    waveform = np.asarray(waveform, dtype=np.float32)
    if waveform.ndim != 1 or not waveform.size or not np.isfinite(waveform).all():
        raise ValueError("a waveform must be a non-empty vector of finite samples")
    missing = int(SHORTEST * SAMPLE_RATE) - len(waveform)
    if missing > 0:
        waveform = np.pad(waveform, (0, missing))
    magnitude = np.abs(librosa.stft(waveform, n_fft=2048, hop_length=512))
    power = magnitude**2
    mel = librosa.power_to_db(librosa.feature.melspectrogram(S=power, sr=SAMPLE_RATE))
    frames = [
        librosa.feature.mfcc(S=mel, n_mfcc=13),
        librosa.feature.chroma_stft(S=power, sr=SAMPLE_RATE, tuning=0.0),
        librosa.feature.spectral_contrast(S=magnitude, sr=SAMPLE_RATE),
        librosa.feature.zero_crossing_rate(waveform, frame_length=2048, hop_length=512),
        librosa.feature.spectral_rolloff(S=magnitude, sr=SAMPLE_RATE),
        librosa.feature.spectral_centroid(S=magnitude, sr=SAMPLE_RATE),
        librosa.feature.rms(y=waveform, frame_length=2048, hop_length=512),
    ]
    values = [statistic(frame.astype(np.float64), axis=1) for frame in frames for statistic in (np.mean, np.std)]
    return np.concatenate(values)
