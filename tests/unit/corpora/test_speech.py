"""Speech is deterministic, 16 kHz, about two seconds, and carries the cues it was asked for."""

import numpy as np
import pandas as pd
import pytest
import soundfile

from scaling_ambiguity.corpora import speech
from scaling_ambiguity.corpora.speech import SAMPLE_RATE, shape, synthesise
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import file_sha256


@pytest.fixture(scope="module")
def rows(demo) -> pd.DataFrame:
    return demo.utterances.head(12)


def variant(rows: pd.DataFrame, **settings) -> pd.DataFrame:
    return rows.head(1).assign(**settings)


def spoken(rows: pd.DataFrame, folder) -> np.ndarray:
    table = synthesise(rows, folder)
    return soundfile.read(folder / table["path"][0])[0]


def test_two_runs_give_the_same_bytes_whatever_the_workers_and_the_others(rows, tmp_path):
    one = synthesise(rows, tmp_path / "one", workers=1)
    two = synthesise(rows.tail(5), tmp_path / "two", workers=3)
    pd.testing.assert_frame_equal(one.tail(5).reset_index(drop=True), two)
    for path in two["path"]:
        assert file_sha256(tmp_path / "one" / path) == file_sha256(tmp_path / "two" / path)


def test_files_are_mono_16_khz_pcm_of_about_two_seconds(rows, tmp_path):
    table = synthesise(rows, tmp_path)
    for path, duration in zip(table["path"], table["duration"], strict=True):
        header = soundfile.info(tmp_path / path)
        assert (header.channels, header.samplerate, header.subtype) == (1, SAMPLE_RATE, "PCM_16")
        assert header.frames / header.samplerate == duration
    assert 1.5 < table["duration"].mean() < 3
    assert table["duration"].max() < 4.5


def test_a_faster_setting_is_shorter_and_a_louder_one_louder(rows, tmp_path):
    slow = spoken(variant(rows, espeak_speed=130), tmp_path)
    fast = spoken(variant(rows, espeak_speed=220), tmp_path)
    assert len(fast) < 0.8 * len(slow)
    soft = spoken(variant(rows, level=-34.0), tmp_path)
    loud = spoken(variant(rows, level=-22.0), tmp_path)
    assert np.std(loud) / np.std(soft) == pytest.approx(10 ** (12 / 20), rel=0.05)


def test_a_higher_setting_raises_the_pitch(rows, tmp_path):
    def period(sound: np.ndarray) -> int:
        frames = sound[4000:20000]
        correlation = np.correlate(frames, frames, "full")[len(frames) :]
        return int(correlation[40:280].argmax()) + 40

    low = period(spoken(variant(rows, espeak_pitch=20, espeak_range=10), tmp_path))
    high = period(spoken(variant(rows, espeak_pitch=70, espeak_range=10), tmp_path))
    assert high < 0.75 * low


def test_tilt_moves_energy_between_low_and_high_frequencies():
    noise = np.random.default_rng(0).normal(scale=0.05, size=22_050)

    def high_share(tilt: float) -> float:
        power = np.abs(np.fft.rfft(shape(noise, level=-26, tilt=tilt).astype(float))) ** 2
        return power[len(power) // 2 :].sum() / power.sum()

    assert high_share(-0.5) > high_share(0.0) + 0.1 > high_share(0.5) + 0.2


def test_a_peak_is_never_clipped():
    click = np.zeros(22_050)
    click[::4410] = 1.0
    assert np.abs(shape(click, level=-3, tilt=0.0)).max() <= 0.99 * 32767


def test_words_that_look_like_markup_are_spoken(rows, tmp_path):
    assert len(spoken(variant(rows, transcript="Tom & Jane <said> hello"), tmp_path)) > SAMPLE_RATE // 2


def test_a_missing_program_names_the_remedy(rows, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"apt-get install espeak-ng.*conda install"):
        synthesise(rows, tmp_path / "audio")


def test_a_missing_voice_variant_is_refused_instead_of_replaced(rows, tmp_path):
    with pytest.raises(UserError, match="no voice variant 'nobody'"):
        synthesise(variant(rows, voice="en-us+nobody"), tmp_path)


def test_a_failing_program_is_reported_with_its_words(rows, tmp_path, monkeypatch):
    program = tmp_path / "espeak-ng"
    program.write_text("#!/bin/sh\necho 'data is gone' >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setattr(speech, "find_espeak", lambda: str(program))
    monkeypatch.setattr(speech, "check_variants", lambda *_: None)
    with pytest.raises(UserError, match="data is gone"):
        synthesise(rows, tmp_path / "audio")
