"""The export: loadable, complete, and without audio, paths, transcripts or free text."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from scaling_ambiguity.corpora.export import VOTE_COLUMNS, export
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import file_sha256
from scaling_ambiguity.tables.labels import LABELS
from scaling_ambiguity.tables.votes import VOTES

_spec = importlib.util.spec_from_file_location("make_corpus", Path(__file__).with_name("make_corpus.py"))
make = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(make)
SCRIPT = Path(__file__).resolve().parents[3] / "workflow" / "scripts" / "export_corpus.py"

SECRET = "canary words of a licensed corpus"
OPTIONS = {"reader": "table", "classes": ["sad", "happy"], "release": "1.0", "root": f"/data/{SECRET}"}


@pytest.fixture
def votes() -> pd.DataFrame:
    table = make.votes_of([("u1", "r1", "sad"), ("u1", "r2", "happy"), ("u2", "r1", None)])
    return table.assign(label_raw=pd.Series([SECRET] * 3, dtype="str"))


@pytest.fixture
def labels() -> pd.DataFrame:
    rows = {"utterance": ["u1"], "n_human": [2], "n_synthetic": [0], "p_sad": [0.5], "p_happy": [0.5]}
    return pd.DataFrame(rows).astype({"utterance": "str"})


def test_ids_and_votes_leave_and_nothing_else(tmp_path, votes, labels):
    export("c", OPTIONS, votes, {"human": labels}, tmp_path / "out")
    files = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert files == ["README.md", "labels-human.parquet", "votes.parquet"]
    for path in (tmp_path / "out").iterdir():
        assert SECRET not in path.read_text(encoding="utf-8", errors="replace")
        if path.suffix == ".parquet":
            table = pd.read_parquet(path)
            assert not {"path", "transcript", "label_raw", "audio", "duration", "speaker"} & set(table.columns)
            assert SECRET not in table.to_csv()
    assert list(pd.read_parquet(tmp_path / "out/votes.parquet").columns) == list(VOTE_COLUMNS)


def test_a_table_with_more_columns_than_labels_does_not_leave(tmp_path, votes, labels):
    with pytest.raises(UserError, match="transcript"):
        export("c", OPTIONS, votes, {"human": labels.assign(transcript=SECRET)}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_card_tells_datasets_the_files_and_a_reader_the_numbers(tmp_path, votes, labels):
    export("c", OPTIONS, votes, {"human": labels}, tmp_path / "out")
    text = (tmp_path / "out/README.md").read_text(encoding="utf-8")
    header = yaml.safe_load(text.split("---")[1])
    assert {entry["config_name"] for entry in header["configs"]} == {"votes", "labels-human"}
    for entry in header["configs"]:
        assert (tmp_path / "out" / entry["data_files"]).is_file()
    for line in ("| utterances | 2 |", "| votes in the classes | 2 |", "| votes outside the classes or ignored | 1 |"):
        assert line in text


def test_the_script_writes_the_same_bytes_twice(tmp_path, votes, labels):
    VOTES.write(votes, tmp_path / "votes.parquet")
    LABELS.write(labels, tmp_path / "human.parquet")
    for copy in ("one", "two"):
        command = [sys.executable, SCRIPT, "--name", "c", "--options", json.dumps(OPTIONS)]
        command += ["--votes", tmp_path / "votes.parquet", "--labels", tmp_path / "human.parquet"]
        result = subprocess.run(
            [*map(str, command), "--output", str(tmp_path / copy)], capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stderr
    for path in (tmp_path / "one").iterdir():
        assert file_sha256(path) == file_sha256(tmp_path / "two" / path.name)
