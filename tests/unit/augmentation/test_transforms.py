"""Sounds changed by a known amount are measured to have changed by it."""

import numpy as np
import pytest

from scaling_ambiguity.augmentation.concatenation import GAP, concatenate, duration_share, joined_text, overlay
from scaling_ambiguity.augmentation.spectra import log_magnitude, mask_spectrum, mixup_spectra
from scaling_ambiguity.augmentation.transforms import (
    add_noise,
    add_reverberation,
    change_pitch,
    change_speed,
    room_answer,
    transform_ranges,
)
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.seeds import generator

RATE = 16_000


def _tone(frequency=220.0, seconds=1.0, amplitude=0.3):
    return (amplitude * np.sin(2 * np.pi * frequency * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


def _pitch(samples):
    padded = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 16 * RATE))
    return padded.argmax() / 16


@pytest.mark.parametrize("semitones", [-1.0, 1.0])
def test_pitch_moves_by_semitones_and_keeps_the_length(semitones):
    changed = change_pitch(_tone(), semitones)
    assert len(changed) == RATE
    assert _pitch(changed) == pytest.approx(220 * 2 ** (semitones / 12), rel=0.003)


def test_speed_changes_the_length_and_not_the_pitch():
    changed = change_speed(_tone(), 1.05)
    assert len(changed) == round(RATE / 1.05)
    assert _pitch(changed) == pytest.approx(220, rel=0.003)


@pytest.mark.parametrize("snr", [10.0, 25.0])
def test_noise_is_as_loud_as_stated(snr):
    clean = _tone()
    noise = add_noise(clean, snr, generator(1)) - clean
    assert 10 * np.log10(np.mean(clean.astype(float) ** 2) / np.mean(noise**2)) == pytest.approx(snr, abs=0.01)
    assert not add_noise(np.zeros(100, np.float32), snr, generator(1)).any()


def test_room_falls_by_60_db_in_its_time():
    answer = room_answer(0.4, generator(3))
    assert (answer**2).sum() == pytest.approx(1)
    tail = answer[80:] ** 2
    fall = 10 * np.log10(np.cumsum(tail[::-1])[::-1] / tail.sum())  # Schroeder's integral
    time = np.arange(len(tail)) / RATE
    straight = (fall < -5) & (fall > -25)
    slope = np.polyfit(time[straight], fall[straight], 1)[0]
    assert -60 / slope == pytest.approx(0.4, rel=0.1)


def test_reverberation_keeps_length_and_level_and_outlasts_the_sound():
    dry = np.concatenate([_tone(seconds=0.3), np.zeros(RATE // 2, np.float32)])
    wet = add_reverberation(dry, 0.3, generator(2))
    assert len(wet) == len(dry)
    assert np.mean(wet.astype(float) ** 2) == pytest.approx(np.mean(dry.astype(float) ** 2), rel=1e-3)
    assert np.abs(wet[int(0.32 * RATE) : int(0.36 * RATE)]).max() > 0.005


def test_concatenation_and_overlay():
    first, second = np.full(5, 0.5, np.float32), np.full(3, -0.25, np.float32)
    joined = concatenate(first, second)
    gap = int(GAP * RATE)
    np.testing.assert_array_equal(joined, [*[0.5] * 5, *[0.0] * gap, *[-0.25] * 3])
    # the shorter ends in silence: nothing that was said is cut off
    np.testing.assert_allclose(overlay(first, second, 0.75), [0.3125] * 3 + [0.375] * 2)
    assert duration_share(3.0, 1.0) == 0.75


def test_transcript_says_what_is_heard():
    assert joined_text("Oh no.", "It rains.") == "Oh no. It rains."
    assert joined_text("It rains.", " It rains.") == "It rains."
    assert joined_text("It rains.", None) is None
    assert joined_text("", "It rains.") == "It rains."


def test_mixup_lies_between_the_spectra():
    first, second = _tone(300) + _tone(1900, amplitude=0.05), _tone(800, seconds=1.2) + _tone(2500, 1.2, 0.05)
    np.testing.assert_allclose(mixup_spectra(first, second, 1.0)[400:-400], first[400:-400], atol=5e-3)
    mixed = log_magnitude(mixup_spectra(first, second, 0.6))
    wanted = 0.6 * log_magnitude(first) + 0.4 * log_magnitude(second[: len(first)])
    parents = [np.corrcoef(wanted.ravel(), log_magnitude(one[: len(first)]).ravel())[0, 1] for one in (first, second)]
    assert np.corrcoef(mixed.ravel(), wanted.ravel())[0, 1] > max(0.9, *parents)


def test_masks_take_out_what_they_say_and_no_more():
    noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    masked = mask_spectrum(noise, 1, 0.3, 0.3, generator(5))
    assert len(masked) == len(noise)
    lost = log_magnitude(masked) < log_magnitude(noise) - 4
    bands, frames = lost.mean(axis=1) > 0.8, lost.mean(axis=0) > 0.8
    assert 0 < bands.mean() <= 0.31 and 0 < frames.mean() <= 0.31
    assert np.diff(np.flatnonzero(bands)).max(initial=1) == 1  # one band, one stretch
    assert np.diff(np.flatnonzero(frames)).max(initial=1) == 1
    assert lost[~bands][:, ~frames].mean() < 0.05


@pytest.mark.parametrize("options", [{}, {"chorus": [0, 1]}, {"pitch": [1, -1]}, {"speed": [0.5, 1]}, {"noise": [20]}])
def test_bad_ranges(options):
    with pytest.raises(UserError, match="transforms"):
        transform_ranges(options, "augmentations.x")
