"""The full check of sounds: measured values, every fault by name, resampling once, shards."""

import base64
import importlib.util
import io
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from scaling_ambiguity.alms.audio import load_waveform
from scaling_ambiguity.alms.http.payload import encode_wav
from scaling_ambiguity.corpora.sound_check import (
    SOUNDS,
    cache_name,
    check_sound,
    check_utterance,
    missing_bytes,
    sounds_frame,
)
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import file_sha256
from scaling_ambiguity.tables.utterances import UTTERANCES, shard_of

_spec = importlib.util.spec_from_file_location("make_corpus", Path(__file__).with_name("make_corpus.py"))
make = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(make)
SCRIPT = Path(__file__).resolve().parents[3] / "workflow" / "scripts" / "audit_audio.py"
STUB = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 72862\n"


def tone(rate: int = 16000, seconds: float = 1.0, level: float = 0.5, hertz: float = 440.0) -> np.ndarray:
    return level * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)


def write(path: Path, samples: np.ndarray, rate: int = 16000, **options: str) -> Path:
    soundfile.write(path, samples, rate, **options)
    return path


def test_a_tone_is_measured(tmp_path):
    path = write(tmp_path / "a.wav", tone())
    found, samples = check_sound(path)
    assert found["fault"] is None
    assert (found["sample_rate"], found["channels"], found["duration"]) == (16000, 1, 1.0)
    assert found["rms"] == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=1e-3)
    assert found["peak"] == pytest.approx(0.5, abs=1e-4)
    assert found["clipped"] == 0
    assert found["sha256"] == file_sha256(path)
    assert found["bytes"] == path.stat().st_size
    assert samples.shape == (16000, 1)


def test_the_share_of_clipped_samples_is_counted(tmp_path):
    samples = np.tile([0.25, 1.0, -1.0, 0.5], 4000)
    assert check_sound(write(tmp_path / "a.wav", samples))[0]["clipped"] == 0.5


def truncated(path: Path) -> None:
    whole = write(path, tone()).read_bytes()
    path.write_bytes(whole[:20_000])


def loop(path: Path) -> None:
    path.symlink_to(path.with_name("other.wav"))
    path.with_name("other.wav").symlink_to(path)


def opposite(path: Path) -> None:
    write(path, np.stack([tone(), -tone()], axis=1), subtype="FLOAT")


def offset(path: Path) -> None:
    write(path, 0.5 + tone(level=1e-4), subtype="FLOAT")


FAULTS = {
    "too short (0.005 s; 0.1 s at least)": lambda path: write(path, tone(seconds=0.005)),
    "too short (6.25e-05 s": lambda path: write(path, tone()[:1]),
    "on another scale than [-1, 1]: largest sample 16384; divide": lambda path: write(
        path, tone() * 32768, subtype="FLOAT"
    ),
    "silent (-2": opposite,
    "silent (-83 dBFS)": offset,
    "clipped (100 % of the samples": lambda path: write(path, np.sign(tone() + 1e-9), subtype="FLOAT"),
    "missing": lambda path: None,
    "empty": lambda path: path.write_bytes(b""),
    "is empty": lambda path: path.write_bytes(b""),
    "Git-LFS pointer": lambda path: path.write_bytes(STUB),
    "does not decode": lambda path: path.write_bytes(b"<html>404</html>" * 99),
    "truncated: 12044 bytes": truncated,
    "silent (-200 dBFS)": lambda path: write(path, np.zeros(16000)),
    "silent (-8": lambda path: write(path, tone(level=1e-4), subtype="FLOAT"),
    "no numbers": lambda path: write(path, np.array([0.1, np.nan, 0.1]), subtype="FLOAT"),
    "loop": loop,
    "no audio file": None,
}


@pytest.mark.parametrize("words", FAULTS)
def test_every_fault_has_its_name(tmp_path, words):
    path = tmp_path / "a.wav"
    relative = None if FAULTS[words] is None else "a.wav"
    if relative:
        FAULTS[words](path)
    row = check_utterance("u1", relative, tmp_path, tmp_path / "cache")
    assert words.removeprefix("is ") in row["fault"]
    assert row["cached"] is None
    SOUNDS.validate(sounds_frame([row]), "test")


def test_overshoot_is_clipped_alike_wherever_it_is_heard(tmp_path):
    """The copy at 16 kHz, the samples for a local model and the WAV for a server are one sound."""
    samples = tone(level=1.2)
    write(tmp_path / "mono.wav", samples, subtype="FLOAT")
    write(tmp_path / "stereo.wav", np.stack([samples, samples], axis=1), subtype="FLOAT")
    rows = [check_utterance("u", name, tmp_path, tmp_path / "cache") for name in ("mono.wav", "stereo.wav")]
    assert [row["fault"] for row in rows] == [None, None]
    assert rows[0]["clipped"] == rows[1]["clipped"] > 0.3
    heard = load_waveform(tmp_path / "mono.wav")
    assert np.array_equal(heard, np.clip(samples.astype(np.float32), -1, 1))
    assert np.array_equal(load_waveform(tmp_path / "stereo.wav"), heard)
    copy = load_waveform(tmp_path / "cache" / rows[1]["cached"])
    assert np.abs(copy - heard).max() <= 1 / 2**15
    sent, rate = soundfile.read(io.BytesIO(base64.b64decode(encode_wav(heard))), dtype="float32")
    assert rate == 16000
    assert np.abs(sent - heard).max() <= 1 / 2**15


def test_no_samples_are_empty(tmp_path):
    assert check_sound(write(tmp_path / "a.wav", np.zeros(0)))[0]["fault"] == "empty"


def test_a_quiet_tone_is_not_silence_and_a_header_without_a_length_not_truncated(tmp_path):
    path = write(tmp_path / "a.wav", tone(level=0.002))
    assert check_sound(path)[0]["fault"] is None
    raw = bytearray(path.read_bytes())
    place = raw.index(b"data") + 4
    raw[place : place + 4] = struct.pack("<I", 0xFFFFFFFF)
    path.write_bytes(bytes(raw))
    assert missing_bytes(path) == 0


def test_a_truncated_flac_is_at_fault(tmp_path):
    path = write(tmp_path / "a.flac", np.random.default_rng(1).uniform(-0.5, 0.5, 16000))
    path.write_bytes(path.read_bytes()[:9000])
    assert check_sound(path)[0]["fault"] is not None


SOURCES = {
    "stereo": (np.stack([tone(), tone()], axis=1), 16000, {}),
    "8 kHz": (tone(8000), 8000, {}),
    "44.1 kHz": (tone(44100), 44100, {}),
    "44.1 kHz float stereo": (np.stack([tone(44100), tone(44100)], axis=1), 44100, {"subtype": "FLOAT"}),
    "48 kHz 24 bit": (tone(48000), 48000, {"subtype": "PCM_24"}),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_what_is_not_16_khz_mono_is_brought_there_once(tmp_path, kind):
    samples, rate, options = SOURCES[kind]
    path = write(tmp_path / "a.wav", samples, rate, **options)
    cache = tmp_path / "cache"
    row = check_utterance("u1", "a.wav", tmp_path, cache)
    assert row["fault"] is None
    assert row["cached"] == cache_name(file_sha256(path))
    made, rate_made = soundfile.read(cache / row["cached"])
    assert (rate_made, made.ndim, len(made)) == (16000, 1, 16000)
    middle = slice(2000, 14000)  # the ends of a resampled tone ring
    assert np.abs(made[middle] - tone()[middle]).max() < 1e-3
    stamp = (cache / row["cached"]).stat().st_mtime_ns
    assert check_utterance("u2", "a.wav", tmp_path, cache)["cached"] == row["cached"]
    assert (cache / row["cached"]).stat().st_mtime_ns == stamp
    assert len(list(cache.rglob("*.wav"))) == 1


def test_a_float_file_at_16_khz_mono_is_used_as_it_is(tmp_path):
    write(tmp_path / "a.wav", tone(), subtype="FLOAT")
    row = check_utterance("u1", "a.wav", tmp_path, tmp_path / "cache")
    assert (row["fault"], row["cached"]) == (None, None)
    assert not (tmp_path / "cache").exists()


def test_shards_cover_every_utterance_once_whatever_the_order():
    table = make.utterances_of([f"u{i}" for i in range(11)])
    parts = [shard_of(table.sample(frac=1, random_state=i), i, 3)["utterance"].tolist() for i in range(3)]
    assert sorted(name for part in parts for name in part) == sorted(table["utterance"])
    assert [len(part) for part in parts] == [4, 4, 3]
    with pytest.raises(UserError, match="from 0 to 2"):
        shard_of(table, 3, 3)


def test_the_script_writes_one_row_an_utterance_and_the_same_bytes_twice(tmp_path):
    names = ["u1", "u2", "u3"]
    write(tmp_path / "u1.wav", tone())
    write(tmp_path / "u2.wav", tone(8000), 8000)
    table = make.utterances_of(names).assign(path=pd.Series(["u1.wav", "u2.wav", None], dtype="str"))
    UTTERANCES.write(table, tmp_path / "utterances.parquet")
    for copy in ("one", "two"):
        command = [sys.executable, SCRIPT, "--utterances", tmp_path / "utterances.parquet", "--root", tmp_path]
        command += ["--shard", "0", "--shards", "1", "--cache", tmp_path / f"cache {copy}"]
        result = subprocess.run(
            [*map(str, command), "--output", str(tmp_path / f"{copy}.parquet")],
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        assert "3 files, 1 faulty, 1 resampled" in result.stdout
    sounds = SOUNDS.read(tmp_path / "one.parquet")
    assert sounds["utterance"].tolist() == names
    assert sounds["fault"].isna().tolist() == [True, True, False]
    assert file_sha256(tmp_path / "one.parquet") == file_sha256(tmp_path / "two.parquet")
    assert [file_sha256(path) for path in sorted(tmp_path.glob("cache one/*/*.wav"))] == [
        file_sha256(path) for path in sorted(tmp_path.glob("cache two/*/*.wav"))
    ]
