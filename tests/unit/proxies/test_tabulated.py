"""Votes of a model from a table: read as a corpus is, nothing lost without a word, in the order that was given."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies.tabulated import as_proxies, read_model_votes
from scaling_ambiguity.tables.proxies import PROXIES
from scaling_ambiguity.tables.utterances import UTTERANCES

SCRIPT = Path(__file__).resolve().parents[3] / "workflow" / "scripts" / "read_model_votes.py"
NAMES = ["a", "b", "c"]
CLASSES = ["happy", "very_sad"]
ROWS = """clip,n,answer,asked
a,1,HAPPY ,q1
a,0,Very  Sad,q2
b,0,joy,q1
b,1,happy,q1
b,1,happy,q1
b,x,happy,q1
c,0,,q1
c,2,bored,q1
d,0,happy,q1
"""
COLUMNS = {"utterance": "clip", "label": "answer", "draw": "n", "prompt": "asked"}


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "votes of a modèl.csv"
    path.write_text(ROWS, encoding="utf-8")
    return path


def test_votes_stand_in_the_order_of_their_draws_and_every_row_left_out_has_a_reason(table):
    votes, lost = read_model_votes(table, NAMES, COLUMNS)
    assert votes.to_numpy().tolist() == [
        ["a", "very sad", "Very  Sad", 0, "q2"],
        ["a", "happy", "HAPPY ", 1, "q1"],
        ["b", "joy", "joy", 0, "q1"],
        ["b", "happy", "happy", 1, "q1"],
        ["c", "bored", "bored", 0, "q1"],
    ]
    assert dict(zip(lost["source_line"], lost["reason"], strict=True)) == {
        6: "the draw of this utterance is there twice",
        7: "the draw is not a whole number from 0",
        8: "the vote has no label",
        10: "the corpus has no such utterance, or has left it out",
    }
    assert len(votes) + len(lost) == ROWS.count("\n") - 1


def test_every_draw_has_a_status_and_labels_are_those_of_the_corpus(table):
    votes, _ = read_model_votes(table, NAMES, COLUMNS)
    found = as_proxies(votes, NAMES, annotator="gpt", draws=2, classes=CLASSES, merge={"Joy": "happy"})
    found = PROXIES.validate(found, "votes")
    assert found["label"].fillna("").tolist() == ["very_sad", "happy", "happy", "happy", "", ""]
    assert found["status"].tolist() == ["ok", "ok", "ok", "ok", "invalid", "failed"]
    assert found["response"].tolist() == ["Very  Sad", "HAPPY ", "joy", "happy", "bored", ""]
    fewer = as_proxies(votes, NAMES, annotator="gpt", draws=1, classes=CLASSES, merge={"Joy": "happy"})
    assert fewer["label"].tolist()[:2] == ["very_sad", "happy"]


def test_without_draws_the_rows_are_in_order_whatever_the_kind_of_file(tmp_path):
    rows = pd.DataFrame({"utterance": ["b", "a", "b"], "label": ["x", "y", "z"]})
    rows.to_csv(tmp_path / "v.tsv", sep="\t", index=False)
    rows.to_parquet(tmp_path / "v.parquet")
    for name in ("v.tsv", "v.parquet"):
        votes, lost = read_model_votes(tmp_path / name, NAMES)
        assert (votes["utterance"] + votes["label"]).tolist() == ["ay", "bx", "bz"]
        assert votes["place"].tolist() == [0, 0, 1]
        assert votes["prompt"].unique().tolist() == ["table"] and lost.empty


def test_votes_on_other_utterances_and_unknown_columns_are_refused(table):
    with pytest.raises(UserError, match=r"none of the corpus' 1 utterances.*'z'.*'a'.*columns\.utterance"):
        read_model_votes(table, ["z"], COLUMNS)
    with pytest.raises(UserError, match="no column 'utterance'"):
        read_model_votes(table, NAMES)
    with pytest.raises(UserError, match="columns has no 'rater'"):
        read_model_votes(table, NAMES, {"rater": "n"})


def test_the_program_writes_votes_rejects_and_counts(table, tmp_path):
    absent = dict.fromkeys(["session", "split", "path", "transcript"], pd.Series([None] * 3, dtype="str"))
    utterances = pd.DataFrame({"utterance": NAMES, "speaker": "s", **absent, "duration": np.nan, "sample_rate": pd.NA})
    UTTERANCES.write(utterances, tmp_path / "u.parquet")
    outputs = [f"--{name}={tmp_path / name}" for name in ("output", "rejects", "status", "draws-table")]
    command = [sys.executable, SCRIPT, "--table", table, "--columns", json.dumps(COLUMNS)]
    command += ["--utterances", tmp_path / "u.parquet"]
    command += ["--annotator", "gpt", "--draws", "2", "--classes", ",".join(CLASSES), *outputs]
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "4 rows left out" in result.stdout
    assert len(pd.read_csv(tmp_path / "rejects")) == 4
    assert pd.read_csv(tmp_path / "status")[["ok", "invalid", "failed"]].sum().tolist() == [3, 2, 1]
    assert len(PROXIES.read(tmp_path / "output")) == 6
