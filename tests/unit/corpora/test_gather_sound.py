"""The shards of the audio audit as one table: every utterance once, faults as rejects, broken corpora refused."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from scaling_ambiguity.corpora.sound_check import SOUNDS, check_utterance, shard_of, sounds_frame
from scaling_ambiguity.corpora.sound_gathering import gather
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.tables.rejects import REJECTS
from scaling_ambiguity.tables.utterances import UTTERANCES

_spec = importlib.util.spec_from_file_location("make_corpus", Path(__file__).with_name("make_corpus.py"))
make = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(make)
SCRIPT = Path(__file__).resolve().parents[3] / "workflow" / "scripts" / "gather_sound.py"
STUB = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 72862\n"
SOUND = 0.5 * np.sin(np.arange(16000))
GOOD = ["good1", "good2", "eight"]
FAULTS = {
    "empty": "is empty",
    "missing": "missing",
    "page": "does not decode",
    "pathless": "the corpus has no audio file for it",
    "silent": "silent (-200 dBFS)",
    "stub": "is a Git-LFS pointer",
    "torn": "truncated: ",
}


@pytest.fixture
def corpus(tmp_path) -> pd.DataFrame:
    """Write sounds with every fault, the table of utterances and two shards of their audit."""
    for name in GOOD[:2]:
        soundfile.write(tmp_path / f"{name}.wav", SOUND, 16000)
    soundfile.write(tmp_path / "eight.wav", SOUND, 8000)
    soundfile.write(tmp_path / "silent.wav", 0 * SOUND, 16000)
    soundfile.write(tmp_path / "torn.wav", SOUND, 16000)
    (tmp_path / "torn.wav").write_bytes((tmp_path / "torn.wav").read_bytes()[:9000])
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "page.wav").write_bytes(b"<html>404</html>" * 99)
    (tmp_path / "stub.wav").write_bytes(STUB)
    names = [*GOOD, *FAULTS]
    paths = [None if name == "pathless" else f"{name}.wav" for name in names]
    table = make.utterances_of(names).assign(path=pd.Series(paths, dtype="str"))
    UTTERANCES.write(table, tmp_path / "utterances.parquet")
    for shard in range(2):
        mine = shard_of(table, shard, 2)
        rows = [
            check_utterance(name, None if pd.isna(path) else path, tmp_path, tmp_path / "cache")
            for name, path in zip(mine["utterance"], mine["path"], strict=True)
        ]
        SOUNDS.write(sounds_frame(rows), tmp_path / f"{shard}.parquet")
    return table


def run(folder: Path, options: str) -> subprocess.CompletedProcess:
    command = [sys.executable, SCRIPT, "--name", "own", "--options", options]
    command += ["--utterances", folder / "utterances.parquet", "--shards", folder / "0.parquet", folder / "1.parquet"]
    command += ["--output", folder / "sound.parquet", "--rejects", folder / "sound_rejects.parquet"]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)


def test_every_sound_is_in_the_table_and_every_fault_in_the_rejects_with_its_reason(tmp_path, corpus):
    result = run(tmp_path, '{"max_reject_share": 0.8}')
    assert result.returncode == 0, result.stderr
    assert "10 files, 7 faulty, 1 resampled" in result.stdout
    assert "1 files: truncated\n" in result.stdout
    sounds = SOUNDS.read(tmp_path / "sound.parquet")
    assert sorted(sounds["utterance"]) == sorted(corpus["utterance"])
    rejects = REJECTS.read(tmp_path / "sound_rejects.parquet")
    assert set(rejects["stage"]) == {"audio"}
    assert rejects["item"].tolist() == list(FAULTS)
    for reason, words in zip(rejects["reason"], FAULTS.values(), strict=True):
        assert words in reason
    assert rejects["source_file"].isna().tolist() == [name == "pathless" for name in FAULTS]
    assert len(rejects) + sounds["fault"].isna().sum() == len(corpus)


def test_a_corpus_without_faults_has_an_empty_table_of_rejects(tmp_path, corpus):
    UTTERANCES.write(corpus[corpus["utterance"].isin(GOOD)], tmp_path / "utterances.parquet")
    for shard in range(2):
        sounds = SOUNDS.read(tmp_path / f"{shard}.parquet")
        SOUNDS.write(sounds[sounds["utterance"].isin(GOOD)], tmp_path / f"{shard}.parquet")
    result = run(tmp_path, "{}")
    assert result.returncode == 0, result.stderr
    assert len(SOUNDS.read(tmp_path / "sound.parquet")) == 3
    assert len(REJECTS.read(tmp_path / "sound_rejects.parquet")) == 0


@pytest.mark.parametrize(("options", "share"), [("{}", "0.02"), ('{"max_reject_share": 0.69}', "0.69")])
def test_above_the_largest_share_nothing_is_written_and_the_key_is_named(tmp_path, corpus, options, share):
    result = run(tmp_path, options)
    assert result.returncode == 1
    assert "7 of 10 sounds are faulty, e.g. empty: is empty (empty.wav)" in result.stderr
    assert f"corpora.own.max_reject_share ({share})" in result.stderr
    assert "1 files: missing" in result.stdout
    assert not (tmp_path / "sound.parquet").exists() and not (tmp_path / "sound_rejects.parquet").exists()


def test_an_utterance_in_two_shards_in_none_or_unknown_is_named(tmp_path, corpus):
    first, second = tmp_path / "0.parquet", tmp_path / "1.parquet"
    with pytest.raises(UserError, match=r"0.parquet: utterance eight is in another shard too"):
        gather([first, second, first], corpus["utterance"])
    with pytest.raises(UserError, match=r"5 utterances are in no shard, e.g. good2"):
        gather([first], corpus["utterance"])
    with pytest.raises(UserError, match=r"utterance \w+ is not in the corpus"):
        gather([first, second], corpus["utterance"].iloc[:9])
