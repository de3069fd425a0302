"""Tables validate on the way in and out, and say which row is wrong."""

import pandas as pd
import pytest

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.tables.labels import LABELS
from scaling_ambiguity.tables.statistics import STATISTICS, statistics_frame


def labels(**changes):
    frame = {
        "utterance": ["b", "a"],
        "n_human": [3, 4],
        "n_synthetic": [0, 0],
        "p_happy": [0.25, 1.0],
        "p_sad": [0.75, 0.0],
    }
    return pd.DataFrame(frame | changes)


def test_round_trip_sorts_by_key(tmp_path):
    LABELS.write(labels(), tmp_path / "labels.parquet")
    assert LABELS.read(tmp_path / "labels.parquet")["utterance"].tolist() == ["a", "b"]
    assert LABELS.read(tmp_path / "labels.parquet", utterances=["b"])["utterance"].tolist() == ["b"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"p_happy": [0.5, 1.0]}, "sum to 1"),
        ({"p_happy": [1.25, 1.0], "p_sad": [-0.25, 0.0]}, "non-negative"),
        ({"p_happy": [None, 1.0]}, "sum to 1"),
        ({"utterance": ["a", "a"]}, "twice"),
        ({"n_human": [-1, 3]}, "n_human"),
        ({"surprise": [1, 2]}, "no column 'surprise'"),
    ],
)
def test_faults_name_the_item(tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        LABELS.write(labels(**changes), tmp_path / "labels.parquet")


def test_statistics_fill_what_is_absent():
    frame = statistics_frame([{"corpus": "x", "metric": "nll", "reference": "human", "estimate": 1, "n": 3}])
    row = STATISTICS.validate(frame, "here").iloc[0]
    assert (row["protocol"], row["one_sided"], row["n_clusters"]) == ("none", "no", 0)
    assert pd.isna(row["low"])
