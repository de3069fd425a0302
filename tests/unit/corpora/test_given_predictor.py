"""A table of distributions computed elsewhere: read as it is meant, or refused with the line and the remedy."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scaling_ambiguity.code_identity import SCRIPTS
from scaling_ambiguity.corpora.given_predictor import read_given
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.tables.given import GIVEN
from scaling_ambiguity.tables.rejects import REJECTS
from scaling_ambiguity.tables.utterances import UTTERANCES

NAMES, CLASSES = ["u1", "u2", "ü 3"], ["happy", "sad"]
HEAD = "utterance,p_happy,p_sad\n"


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "mine.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (HEAD + "ü 3,0,1\nu1,.25,.75\nu2,0.5,0.5\n", "utf-8"),
        (HEAD + "u1,0.2500,0.7500\r\nu2,5e-1,0.5\r\n ü 3 ,0,1.0\r\n", "utf-8-sig"),  # of Excel
        ("note,p_sad,utterance,p_happy\n,0.75,u1,0.25\nx,0.5,u2,0.5\n,1,ü 3,0\n", "utf-8"),
        (HEAD + "u1,.25,.75\nleft_out,9,9\nu2,0.5,0.5\nü 3,0,1\n", "utf-8"),  # of an utterance that the run rejected
    ],
)
def test_any_order_of_lines_and_columns_is_read(tmp_path, text, encoding):
    frame = read_given(written(tmp_path, text, encoding), NAMES, CLASSES, {"left_out"})
    assert frame["utterance"].tolist() == NAMES
    np.testing.assert_allclose(frame[["p_happy", "p_sad"]], [[0.25, 0.75], [0.5, 0.5], [0, 1]])
    GIVEN.validate(frame, "test")


def test_rounded_probabilities_are_scaled_to_one(tmp_path):
    frame = read_given(written(tmp_path, HEAD + "u1,.333,.6665\nu2,.5,.5\nü 3,1,0\n"), NAMES, CLASSES)
    assert frame.loc[0, ["p_happy", "p_sad"]].sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("utterance,p_happy\nu1,1\n", r"no column 'p_sad'; expected utterance, p_happy, p_sad"),
        ("", r"no column 'utterance'"),
        (HEAD + "u1,.5,.5\nu9,.5,.5\n", r"line 3: utterance 'u9' is not in the corpus"),
        (HEAD + "u1,.5,.5\nu2,.5,.5\nu1,.5,.5\n", r"line 4: utterance 'u1' has a line already"),
        (HEAD + "u1,.5,.5\nu2,.4,.5\n", r"line 3: the probabilities sum to 0\.9000, not 1"),
        (HEAD + "u1,1.5,-.5\n", r"line 2: .* is no probability"),
        (HEAD + "u1,nan,1\n", r"line 2: nan is no probability"),
        (HEAD + "u1,half,.5\n", r"line 2: not a number"),
        (HEAD + "u1,.5\n", r"line 2: not a number"),
        (HEAD + "u1,.5,.5\n", r"no line for utterance 'u2' \(2 of 3 have none\)"),
    ],
)
def test_the_first_bad_line_is_named(tmp_path, text, message):
    with pytest.raises(UserError, match=rf"mine\.csv.*{message}"):
        read_given(written(tmp_path, text), NAMES, CLASSES)


def test_what_is_no_text_is_refused(tmp_path):
    with pytest.raises(UserError, match="not readable as a CSV table in UTF-8"):
        read_given(written(tmp_path, HEAD + "ü 3,1,0\n", "latin-1"), NAMES, CLASSES)
    with pytest.raises(UserError, match="not readable as a CSV table"):
        read_given(tmp_path, NAMES, CLASSES)


def test_the_program_writes_the_table(tmp_path):
    utterances = pd.DataFrame({"utterance": NAMES, "speaker": "s", "duration": np.nan})
    for column in ("session", "split", "path", "transcript"):
        utterances[column] = pd.Series([None] * 3, dtype="str")
    UTTERANCES.write(utterances.assign(sample_rate=pd.NA), tmp_path / "utterances.parquet")
    rejects = pd.DataFrame({"item": ["left_out"], "stage": "audio", "reason": "silent", "source_file": None,
                            "source_line": None})  # fmt: skip
    REJECTS.write(rejects, tmp_path / "rejects.parquet")
    table = written(tmp_path, HEAD + "u1,.5,.5\nu2,1,0\nleft_out,1,0\nü 3,0,1\n")
    command = [sys.executable, str(SCRIPTS / "read_predictor.py"), "--table", table, "--utterances",
               tmp_path / "utterances.parquet", "--rejects", tmp_path / "rejects.parquet", "--classes", "happy,sad",
               "--output", tmp_path / "out.parquet"]  # fmt: skip
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert GIVEN.read(tmp_path / "out.parquet")["utterance"].tolist() == sorted(NAMES)
