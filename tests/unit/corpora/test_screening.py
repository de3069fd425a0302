"""The screen of a corpus by the full decode of its sounds: faults become rejects, measurements join the utterances."""

import hashlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from scaling_ambiguity.corpora.audit_report import reading_notes, report
from scaling_ambiguity.corpora.model import Corpus, no_rejects
from scaling_ambiguity.corpora.screening import gather
from scaling_ambiguity.corpora.sound_check import SOUNDS, check_utterance, sounds_frame
from scaling_ambiguity.corpora.sound_paths import sound_paths
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import write_json
from scaling_ambiguity.tables.rejects import REJECTS
from scaling_ambiguity.tables.utterances import UTTERANCES, shard_of
from scaling_ambiguity.tables.votes import VOTES

_spec = importlib.util.spec_from_file_location("make_corpus", Path(__file__).with_name("make_corpus.py"))
make = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(make)
SCRIPT = Path(__file__).resolve().parents[3] / "workflow" / "scripts" / "screen_corpus.py"
STUB = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 72862\n"
SOUND = 0.5 * np.sin(np.arange(16000))
GOOD = ["good1", "good2", "eight"]
FAULTS = {
    "empty": "is empty",
    "missing": "missing",
    "page": "does not decode",
    "silent": "silent (-200 dBFS)",
    "stub": "is a Git-LFS pointer",
    "torn": "truncated: ",
}


@pytest.fixture
def corpus(tmp_path) -> pd.DataFrame:
    """Write sounds with every fault, what read_corpus would have found, and two shards of their audit."""
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
    table = make.utterances_of(names).assign(path=pd.Series([f"{name}.wav" for name in names], dtype="str"))
    write_found(tmp_path, table)
    for shard in range(2):
        mine = shard_of(table, shard, 2)
        rows = [
            check_utterance(name, path, tmp_path, tmp_path / "cache")
            for name, path in zip(mine["utterance"], mine["path"], strict=True)
        ]
        SOUNDS.write(sounds_frame(rows), tmp_path / f"{shard}.parquet")
    return table


def write_found(folder: Path, table: pd.DataFrame) -> None:
    """Write what read_corpus leaves: two votes on every utterance."""
    found = Corpus(
        table, make.votes_of([(name, f"r{i}", "happy") for name in table["utterance"] for i in range(2)]), no_rejects()
    )
    account = {"votes": {"found": len(found.votes), "kept": len(found.votes), "lost": {}}}
    account |= {"policy": {}, "warnings": [], "labels": {}, "outside": {}}
    (folder / "found").mkdir(exist_ok=True)
    UTTERANCES.write(found.utterances, folder / "found" / "utterances.parquet")
    VOTES.write(found.votes, folder / "found" / "votes.parquet")
    text = dict.fromkeys(["item", "stage", "reason", "source_file"], "str")
    REJECTS.write(found.rejects.astype(text), folder / "found" / "rejects.parquet")
    write_json(
        report(found, found, account, name="own", options={"classes": ["happy"]}), folder / "found" / "audit.json"
    )


def run(
    folder: Path, options: str, shards: tuple[int, ...] = (0, 1), hashes: tuple[Path, ...] = ()
) -> subprocess.CompletedProcess:
    command = [sys.executable, SCRIPT, "--name", "own", "--options", options, "--found", folder / "found"]
    command += ["--shards", *[folder / f"{shard}.parquet" for shard in shards], "--cache", folder / "cache"]
    command += ["--hashes", *hashes]
    for name in ("utterances", "votes", "rejects"):
        command += [f"--{name}", folder / f"{name}.parquet"]
    command += ["--audit", folder / "audit.json"]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)


def test_every_fault_is_a_reject_with_its_reason_and_what_is_kept_is_measured(tmp_path, corpus):
    result = run(tmp_path, '{"max_reject_share": 0.8}')
    assert result.returncode == 0, result.stderr
    assert "9 files, 6 faulty, 1 resampled" in result.stdout
    assert "1 files: truncated\n" in result.stdout
    kept = UTTERANCES.read(tmp_path / "utterances.parquet").set_index("utterance")
    assert sorted(kept.index) == sorted(GOOD)
    assert kept["channels"].eq(1).all() and kept["clipped"].eq(0).all() and kept["sha256"].str.len().eq(64).all()
    assert kept["rms"].between(-9.1, -9.0).all()  # a sine of amplitude 1/2
    assert kept.loc["eight", "sample_rate"] == 8000 and kept.loc["eight", "duration"] == pytest.approx(2)
    assert kept["sound"].notna().to_dict() == {"eight": True, "good1": False, "good2": False}
    rejects = REJECTS.read(tmp_path / "rejects.parquet")
    sounds, votes = (rejects[rejects["stage"] == stage] for stage in ("audio", "vote"))
    assert sounds["item"].tolist() == list(FAULTS)
    for reason, words in zip(sounds["reason"], FAULTS.values(), strict=True):
        assert words in reason
    assert len(VOTES.read(tmp_path / "votes.parquet")) == 6 and len(votes) == 12
    account = json.loads((tmp_path / "audit.json").read_text())
    assert account["utterances"]["found"] == 9 and account["utterances"]["kept"] == 3
    assert account["utterances"]["lost"]["audio: silent"] == 1
    assert account["votes"] == {"found": 18, "kept": 6, "in_table": 6, "lost": {"its utterance was left out": 12}}
    assert account["with_audio"] == 3


@pytest.mark.parametrize("altered", [[], ["good2"], ["good1", "good2"]])
def test_sound_that_is_not_as_published_is_counted_and_reported(tmp_path, corpus, altered):
    lines = ["path\turl\tsha256\tbytes\tlicence"]
    for name in ("good1", "good2", "absent"):  # the third good sound is not in the list
        data = b"" if name == "absent" else (tmp_path / f"{name}.wav").read_bytes()
        data += b"published" * (name in altered)
        url = f"https://example.org/{name}.wav"
        lines.append(f"AudioWAV/{name}.wav\t{url}\t{hashlib.sha256(data).hexdigest()}\t{len(data) + 1}\tODbL")
    (tmp_path / "pins.tsv").write_text("\n".join(lines) + "\n")
    result = run(tmp_path, '{"max_reject_share": 0.8}', hashes=(tmp_path / "pins.tsv",))
    assert result.returncode == 0, result.stderr
    account = json.loads((tmp_path / "audit.json").read_text())
    assert account["sound"] == {"compared": 2, "differ": len(altered), "sample_rate": 16000}
    said = [line for line in reading_notes(account, tmp_path / "rejects.parquet") if "not the published files" in line]
    assert len(said) == bool(altered)


def test_what_is_heard_is_the_copy_at_16_khz_or_the_file_itself(tmp_path, corpus):
    run(tmp_path, '{"max_reject_share": 0.8}')
    table = UTTERANCES.read(tmp_path / "utterances.parquet")
    heard = dict(zip(table["utterance"], sound_paths(table, tmp_path), strict=True))
    assert heard["good1"] == tmp_path / "good1.wav"
    assert soundfile.info(heard["eight"]).samplerate == 16000
    heard["eight"].unlink()
    with pytest.raises(UserError, match="the audio audit rebuilds it"):
        sound_paths(table, tmp_path)


def test_a_corpus_without_faults_or_without_sound_passes_as_it_is(tmp_path, corpus):
    good = corpus[corpus["utterance"].isin(GOOD)]
    write_found(tmp_path, good)
    for shard in range(2):
        sounds = SOUNDS.read(tmp_path / f"{shard}.parquet")
        SOUNDS.write(sounds[sounds["utterance"].isin(GOOD)], tmp_path / f"{shard}.parquet")
    result = run(tmp_path, "{}")
    assert result.returncode == 0, result.stderr
    assert len(UTTERANCES.read(tmp_path / "utterances.parquet")) == 3
    assert len(REJECTS.read(tmp_path / "rejects.parquet")) == 0
    write_found(tmp_path, corpus.assign(path=pd.Series([None] * len(corpus), dtype="str")))
    result = run(tmp_path, "{}", shards=())
    assert result.returncode == 0, result.stderr
    assert len(UTTERANCES.read(tmp_path / "utterances.parquet")) == len(corpus)


@pytest.mark.parametrize(("options", "share"), [("{}", "0.02"), ('{"max_reject_share": 0.66}', "0.66")])
def test_above_the_largest_share_nothing_is_written_and_the_key_is_named(tmp_path, corpus, options, share):
    result = run(tmp_path, options)
    assert result.returncode == 1
    assert "6 of 9 sounds are unusable, e.g. empty: is empty (empty.wav)" in result.stderr
    assert f"corpora.own.max_reject_share ({share})" in result.stderr
    assert "1 files: missing" in result.stdout
    assert not (tmp_path / "utterances.parquet").exists() and not (tmp_path / "rejects.parquet").exists()


def test_an_utterance_in_two_shards_in_none_or_unknown_is_named(tmp_path, corpus):
    first, second = tmp_path / "0.parquet", tmp_path / "1.parquet"
    with pytest.raises(UserError, match=r"0.parquet: utterance eight is in another shard too"):
        gather([first, second, first], corpus["utterance"])
    with pytest.raises(UserError, match=r"4 utterances are in no shard, e.g. good2"):
        gather([first], corpus["utterance"])
    with pytest.raises(UserError, match=r"utterance \w+ is not in the corpus"):
        gather([first, second], corpus["utterance"].iloc[:8])
