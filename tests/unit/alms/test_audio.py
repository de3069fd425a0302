import numpy as np
import pytest
import soundfile

from scaling_ambiguity.alms.audio import load_waveform
from scaling_ambiguity.corpora.heard import SAMPLE_RATE
from scaling_ambiguity.errors import UserError


def test_another_rate_and_two_channels_become_one_at_16_khz(tmp_path):
    time = np.arange(44_100) / 44_100
    tone = 0.5 * np.sin(2 * np.pi * 440 * time)
    soundfile.write(tmp_path / "a.wav", np.stack([tone, tone], axis=1), 44_100)
    samples = load_waveform(tmp_path / "a.wav")
    assert samples.dtype == np.float32 and samples.shape == (SAMPLE_RATE,)
    spectrum = np.abs(np.fft.rfft(samples))
    assert spectrum.argmax() == 440


def test_16_khz_is_taken_as_it_is(tmp_path):
    samples = np.random.default_rng(0).integers(-30_000, 30_000, 1000).astype(np.int16)
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="PCM_16")
    assert np.array_equal(load_waveform(tmp_path / "a.wav"), samples.astype(np.float32) / 32768)


@pytest.mark.parametrize("content", [None, b"", b"not a sound"])
def test_absent_or_broken_file_is_named(tmp_path, content):
    path = tmp_path / "clip.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"clip\.wav"):
        load_waveform(path)


def test_no_samples_and_not_finite(tmp_path):
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 16_000)
    with pytest.raises(UserError, match="no samples"):
        load_waveform(tmp_path / "empty.wav")
    soundfile.write(tmp_path / "nan.wav", np.full(100, np.nan), 16_000, subtype="FLOAT")
    with pytest.raises(UserError, match="not finite"):
        load_waveform(tmp_path / "nan.wav")
