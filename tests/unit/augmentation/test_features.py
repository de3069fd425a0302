"""The 82 features behave like what they are named after."""

import numpy as np
import pytest

from scaling_ambiguity.augmentation.audio_features import AUDIO_FEATURES, audio_features
from scaling_ambiguity.augmentation.text_features import TEXT_FEATURES, text_features
from scaling_ambiguity.corpora.heard import SAMPLE_RATE


def _tone(frequency, seconds=1.0, amplitude=0.5):
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (amplitude * np.sin(2 * np.pi * frequency * time)).astype(np.float32)


def test_numbers_and_names():
    assert len(AUDIO_FEATURES) == len(set(AUDIO_FEATURES)) == 72
    assert len(TEXT_FEATURES) == 10
    assert audio_features(_tone(440)).shape == (72,)


def test_known_tone():
    values = dict(zip(AUDIO_FEATURES, audio_features(_tone(1000)), strict=True))
    assert values["f_crossings0_mean"] == pytest.approx(2 * 1000 / SAMPLE_RATE, rel=0.1)
    assert values["f_centroid0_mean"] == pytest.approx(1000, rel=0.15)
    assert values["f_rms0_mean"] == pytest.approx(0.5 / np.sqrt(2), rel=0.1)
    assert int(np.argmax(audio_features(_tone(440))[26:38])) == 9  # A


@pytest.mark.parametrize("clip", [np.zeros(8000, np.float32), _tone(300, 0.05), np.ones(1, np.float32)])
def test_silence_and_short_clips_are_finite(clip):
    assert np.isfinite(audio_features(clip)).all()


@pytest.mark.parametrize("clip", [np.zeros(0), np.array([0.1, np.nan]), np.zeros((2, 10))])
def test_bad_waveform(clip):
    with pytest.raises(ValueError, match="finite"):
        audio_features(clip)


def test_text():
    values = dict(zip(TEXT_FEATURES, text_features("Oh no! Is it, by any chance, late?"), strict=True))
    assert values["f_words"] == 8
    assert (values["f_exclamations"], values["f_questions"], values["f_commas"], values["f_stops"]) == (1, 1, 2, 0)
    assert values["f_characters"] == 34
    assert values["f_capital_share"] == pytest.approx(2 / 34)
    assert values["f_vowel_share"] + values["f_consonant_share"] == pytest.approx(23 / 34)


@pytest.mark.parametrize("text", [None, "", "   "])
def test_no_text(text):
    assert not text_features(text).any()
