"""Leaks between parts: found by sound, speaker and words; shared speakers refused unless the split is random."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from scaling_ambiguity.corpora.leakage import find_leaks, read_hashes, refuse_shared_speakers, summary
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.tables.splits import SPLITS
from scaling_ambiguity.tables.utterances import UTTERANCES

_spec = importlib.util.spec_from_file_location("make_corpus", Path(__file__).with_name("make_corpus.py"))
make = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(make)
SCRIPT = Path(__file__).resolve().parents[3] / "workflow" / "scripts" / "split_corpus.py"

NAMES = ["u1", "u2", "u3", "u4", "u5", "u6"]
PARTS = pd.DataFrame(
    {"utterance": NAMES, "fold": 0, "part": ["train", "train", "validation", "validation", "test", "test"]}
)


@pytest.fixture
def utterances() -> pd.DataFrame:
    words = ["Hello  there", "one", None, "two", "hello there", None]
    return make.utterances_of(NAMES, speaker=["s1", "s1", "s2", "s2", "s3", "s2"], transcript=words)


def test_the_three_kinds_of_leak_are_found(utterances):
    sha256 = pd.Series(["a" * 64, "b" * 64, "b" * 64, "c" * 64, "d" * 64, "d" * 64], index=NAMES)
    leaks = find_leaks(PARTS, utterances, sha256)
    assert leaks[["kind", "value", "across", "train", "validation", "test", "examples"]].to_numpy().tolist() == [
        ["audio", "b" * 64, True, 1, 1, 0, "u2 u3"],
        ["audio", "d" * 64, False, 0, 0, 2, "u5 u6"],
        ["speaker", "s2", True, 0, 2, 1, "u3 u6"],
        ["transcript", "hello there", True, 1, 0, 1, "u1 u5"],
    ]
    assert summary(leaks) == [
        "audio: 2 sets of byte-identical files: u2 u3; u5 u6",
        "audio: 1 in several parts (in 1 folds)",
        "speaker: 1 in several parts (in 1 folds)",
        "transcript: 1 in several parts (in 1 folds)",
    ]


def test_nothing_shared_is_an_empty_report(utterances):
    clean = utterances.assign(speaker=NAMES, transcript=pd.Series([None] * 6, dtype="str"))
    leaks = find_leaks(PARTS, clean)
    assert len(leaks) == 0
    assert summary(leaks) == ["no sound, speaker or transcript is in several parts"]
    refuse_shared_speakers(leaks, "speaker")


def test_a_shared_speaker_is_an_error_unless_the_split_is_random(utterances):
    leaks = find_leaks(PARTS, utterances)
    refuse_shared_speakers(leaks, "random")
    with pytest.raises(UserError, match=r"1 speakers .* s2 in fold 0 .*2 in validation, 1 in test.*random"):
        refuse_shared_speakers(leaks, "official")


def test_hashes_come_from_paths_or_utterances_and_strangers_are_ignored(tmp_path, utterances):
    text = "path\tsha256\tbytes\n" + "".join(f"Audio/{name}.wav\t{i}\t9\n" for i, name in enumerate([*NAMES, "x"]))
    (tmp_path / "list.tsv").write_text(text)
    assert read_hashes([tmp_path / "list.tsv"], utterances).to_dict() == {name: str(i) for i, name in enumerate(NAMES)}
    shards = [tmp_path / f"{i}.parquet" for i in range(2)]
    for i, shard in enumerate(shards):
        pd.DataFrame({"utterance": NAMES[i::2], "sha256": [f"h{name}" for name in NAMES[i::2]]}).to_parquet(shard)
    assert read_hashes(shards, utterances).to_dict() == {name: f"h{name}" for name in NAMES}


def test_faulty_tables_of_hashes_are_named(tmp_path, utterances):
    (tmp_path / "a.tsv").write_text("file\tsha1\nx\ty\n")
    with pytest.raises(UserError, match=r"a.tsv: expected the columns"):
        read_hashes([tmp_path / "a.tsv"], utterances)
    (tmp_path / "a.tsv").write_text("utterance\tsha256\nu1\ta\nu1\tb\n")
    with pytest.raises(UserError, match="two hashes for u1"):
        read_hashes([tmp_path / "a.tsv"], utterances)


def run(folder: Path, utterances: pd.DataFrame, options: dict, *more: str) -> subprocess.CompletedProcess:
    UTTERANCES.write(utterances, folder / "utterances.parquet")
    command = [sys.executable, SCRIPT, "--utterances", folder / "utterances.parquet", "--seed", 1]
    command += [
        "--options",
        json.dumps(options),
        "--output",
        folder / "s.parquet",
        "--leakage",
        folder / "l.csv",
        *more,
    ]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)


def test_the_script_reports_leaks_and_refuses_shared_speakers(tmp_path, utterances):
    result = run(tmp_path, utterances, {"scheme": "random", "test": 0.34, "validation": 0.25})
    assert result.returncode == 0, result.stderr
    assert "speaker:" in result.stdout
    assert len(SPLITS.read(tmp_path / "s.parquet")) == 6
    assert "speaker" in set(pd.read_csv(tmp_path / "l.csv")["kind"])
    (tmp_path / "s.parquet").unlink()
    split = pd.Series(PARTS["part"].tolist(), dtype="str")
    result = run(tmp_path, utterances.assign(split=split), {"scheme": "official"})
    assert result.returncode == 1
    assert "s2 in fold 0" in result.stderr
    assert not (tmp_path / "s.parquet").exists()
    assert (tmp_path / "l.csv").exists()


REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "cremad" / "wav-sha256.tsv"


@pytest.mark.skipif(not REAL.is_file(), reason=f"no hashes of the CREMA-D audio at {REAL}")
def test_the_three_byte_identical_pairs_of_cremad_are_reported():
    names = pd.read_csv(REAL, sep="\t")["path"].str.extract(r"/(.*)\.wav$")[0].tolist()
    table = make.utterances_of(names, speaker=[name[:4] for name in names])
    parts = pd.DataFrame({"utterance": names, "fold": 0, "part": "train"})
    leaks = find_leaks(parts, table, read_hashes([REAL], table))
    assert leaks["examples"].tolist() == [
        "1006_TIE_HAP_XX 1006_TIE_NEU_XX",
        "1013_WSI_DIS_XX 1013_WSI_SAD_XX",
        "1017_IWW_ANG_XX 1017_IWW_FEA_XX",
    ]
