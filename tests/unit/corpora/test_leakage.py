"""Leaks between parts: found by sound, speaker and words; shared speakers refused unless the split is random."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from scaling_ambiguity.corpora.leakage import count_leaks, find_leaks, read_hashes, refuse_shared_speakers, summary
from scaling_ambiguity.corpora.pinned_files import read_pins
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.tables.splits import SPLITS
from scaling_ambiguity.tables.utterances import UTTERANCES

_spec = importlib.util.spec_from_file_location("make_corpus", Path(__file__).with_name("make_corpus.py"))
make = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(make)
WORKFLOW = Path(__file__).resolve().parents[3] / "workflow"
PINS = WORKFLOW / "resources" / "cremad.tsv.gz"

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


def test_the_report_counts_by_fold_and_kind_and_says_what_was_not_compared(utterances):
    sha256 = pd.Series(["a" * 64, "b" * 64, "b" * 64, "d" * 64, "d" * 64], index=[*NAMES[:3], *NAMES[4:]])
    rows = count_leaks(find_leaks(PARTS, utterances, sha256), PARTS, utterances, sha256)
    assert rows.to_numpy().tolist() == [
        [0, "audio", 5, 2, 1, 0, "u2 u3; u5 u6"],
        [0, "speaker", 6, 1, 1, 1, "u3 u6"],
        [0, "transcript", 4, 1, 1, 1, "u1 u5"],
    ]
    without = count_leaks(find_leaks(PARTS, utterances), PARTS, utterances)
    assert without.iloc[0].tolist() == [0, "audio", 0, 0, 0, 0, ""]


def pinned(path: Path, hashes: dict[str, str]) -> Path:
    rows = [f"Audio/{name}.wav\thttps://example.org/{name}\t{sha256}\t9\tCC0" for name, sha256 in hashes.items()]
    path.write_text("\n".join(["path\turl\tsha256\tbytes\tlicence", *rows, ""]))
    return path


def test_hashes_come_from_pins_or_tables_and_strangers_are_ignored(tmp_path, utterances):
    hashes = {name: f"{i:064x}" for i, name in enumerate([*NAMES, "x"])}
    path = pinned(tmp_path / "list.tsv", hashes)
    assert read_hashes([path], utterances).to_dict() == {name: hashes[name] for name in NAMES}
    shards = [tmp_path / f"{i}.parquet" for i in range(2)]
    for i, shard in enumerate(shards):
        pd.DataFrame({"utterance": NAMES[i::2], "sha256": [f"h{name}" for name in NAMES[i::2]]}).to_parquet(shard)
    assert read_hashes(shards, utterances).to_dict() == {name: f"h{name}" for name in NAMES}


def test_faulty_tables_of_hashes_are_named(tmp_path, utterances):
    (tmp_path / "a.tsv").write_text("file\tsha1\nx\ty\n")
    with pytest.raises(UserError, match=r"a.tsv: no column 'path'"):
        read_hashes([tmp_path / "a.tsv"], utterances)
    pd.DataFrame({"file": ["u1"]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(UserError, match=r"a.parquet: expected the columns"):
        read_hashes([tmp_path / "a.parquet"], utterances)
    pd.DataFrame({"utterance": ["u1", "u1"], "sha256": ["a", "b"]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(UserError, match="two hashes for u1"):
        read_hashes([tmp_path / "a.parquet"], utterances)


def run(script: str, *arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, WORKFLOW / "scripts" / script, *arguments]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)


def test_a_split_with_shared_speakers_is_refused_unless_it_is_random(tmp_path, utterances):
    table, output = tmp_path / "utterances.parquet", tmp_path / "s.parquet"
    UTTERANCES.write(utterances.assign(split=pd.Series(PARTS["part"].tolist(), dtype="str")), table)
    schemes = {"random": {"scheme": "random", "test": 0.34, "validation": 0.25}, "official": {"scheme": "official"}}
    files = ("--utterances", table, "--seed", 1, "--output", output, "--options")
    result = run("split_corpus.py", *files, json.dumps(schemes["random"]))
    assert result.returncode == 0, result.stderr
    assert len(SPLITS.read(output)) == 6
    output.unlink()
    result = run("split_corpus.py", *files, json.dumps(schemes["official"]))
    assert result.returncode == 1
    assert "s2 in fold 0" in result.stderr
    assert not output.exists()


def test_the_script_reports_leaks_and_refuses_shared_speakers(tmp_path, utterances):
    table, parts, output = tmp_path / "utterances.parquet", tmp_path / "s.parquet", tmp_path / "fair.leakage.csv"
    UTTERANCES.write(utterances, table)
    SPLITS.write(PARTS, parts)
    files = ("--utterances", table, "--splits", parts, "--output", output)
    hashes = pinned(tmp_path / "pins.tsv", dict.fromkeys(NAMES[1:3], "b" * 64))
    result = run("report_leakage.py", *files, "--options", '{"scheme": "random"}', "--hashes", hashes)
    assert result.returncode == 0, result.stderr
    assert "audio: 1 sets of byte-identical files: u2 u3" in result.stdout
    rows = pd.read_csv(output, keep_default_na=False).set_index("kind")
    assert rows["compared"].to_dict() == {"audio": 2, "speaker": 6, "transcript": 4}
    assert rows["examples"].to_dict() == {"audio": "u2 u3", "speaker": "u3 u6", "transcript": "u1 u5"}
    output.unlink()
    result = run("report_leakage.py", *files, "--options", '{"scheme": "official"}', "--hashes")
    assert result.returncode == 1
    assert "s2 in fold 0" in result.stderr and "Traceback" not in result.stderr
    assert not output.exists()


def test_the_three_byte_identical_pairs_of_cremad_are_reported():
    names = [Path(path).stem for path in read_pins(PINS)["path"] if path.endswith(".wav")]
    table = make.utterances_of(names, speaker=[name[:4] for name in names])
    assert len(table) == 7442
    parts = pd.DataFrame({"utterance": names, "fold": 0, "part": "train"})
    sha256 = read_hashes([PINS], table)
    leaks = find_leaks(parts, table, sha256)
    assert leaks["examples"].tolist() == [
        "1006_TIE_HAP_XX 1006_TIE_NEU_XX",
        "1013_WSI_DIS_XX 1013_WSI_SAD_XX",
        "1017_IWW_ANG_XX 1017_IWW_FEA_XX",
    ]
    counted = count_leaks(leaks, parts, table, sha256).set_index("kind").loc["audio"]
    assert counted[["compared", "sets", "across", "test"]].tolist() == [7442, 3, 0, 0]
