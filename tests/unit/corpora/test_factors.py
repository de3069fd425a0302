"""Tables of factors: read by utterance or by speaker, and refused with the remedy."""

import pandas as pd
import pytest

from scaling_ambiguity.corpora.factors import read_factors
from scaling_ambiguity.errors import UserError

UTTERANCES = pd.DataFrame({"utterance": ["a", "b", "c"], "speaker": ["1001", "1002", "1001"]})


def write(tmp_path, text):
    path = tmp_path / "factors.csv"
    path.write_text(text)
    return str(path)


def test_factors_of_speakers_and_of_utterances(tmp_path):
    path = write(tmp_path, "ActorID,Sex\n1001,Male\n1002,Female\n")
    found = read_factors({"table": path, "speaker": "ActorID", "columns": ["Sex"]}, UTTERANCES)
    assert found["Sex"].tolist() == ["Male", "Female", "Male"]
    path = write(tmp_path, "id,conflict\na,0\nc,1\n")
    found = read_factors({"table": path, "utterance": "id", "columns": ["conflict"]}, UTTERANCES)
    assert found["conflict"].tolist() == ["0", "", "1"]


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        ("id,x\na,1\n", ["y"], "no column 'y'"),
        ("id,x\na,1\na,2\n", ["x"], "'a' occurs twice"),
        ("id,x\nz,1\n", ["x"], "none of the corpus' utterances, such as 'a'"),
        ("id,x\n" + "".join(f"{name},{i}\n" for i, name in enumerate("abcdefghijklmn")), ["x"], "14 levels"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tmp_path, text, columns, message):
    names = list("abcdefghijklmn")
    utterances = UTTERANCES if "14" not in message else pd.DataFrame({"utterance": names, "speaker": names})
    with pytest.raises(UserError, match=message):
        read_factors({"table": write(tmp_path, text), "utterance": "id", "columns": columns}, utterances)


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nothing\.csv: not readable"):
        read_factors({"table": str(tmp_path / "nothing.csv"), "utterance": "id", "columns": ["x"]}, UTTERANCES)
