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


def test_no_interval_goes_where_its_metric_cannot():
    cases = {
        "accuracy": (-0.1, 1.2, 0.0, 1.0),
        "called_happy": (-0.1, 0.4, 0.0, 0.4),
        "pearson_sad": (-1.6, 2.8, -1.0, 1.0),
        "brier": (-1.0, 3.0, 0.0, 2.0),
        "nll": (-3.0, 4.0, 0.0, 4.0),
        "nll_minus_human": (-3.0, 4.0, -3.0, 4.0),
        "match_both_minus_text": (-0.3, 1.5, -0.3, 1.5),
        "jsd_bits_equal_corrected": (-0.2, 0.3, -0.2, 0.3),
    }
    rows = [
        {"corpus": "x", "metric": metric, "reference": "human", "estimate": 0.2, "low": low, "high": high}
        for metric, (low, high, *_) in cases.items()
    ]
    beyond = {"corpus": "x", "metric": "pearson_happy", "reference": "human", "estimate": -2, "low": -9, "high": 0.5}
    assert statistics_frame([beyond])[["estimate", "low", "high"]].to_numpy().tolist() == [[-2, -9, 0.5]]
    assert statistics_frame([]).empty
    found = statistics_frame([*rows, {"corpus": "x", "metric": "accuracy", "reference": "own", "estimate": 0.5}])
    assert found[["low", "high"]][:-1].to_numpy().tolist() == [list(case[2:]) for case in cases.values()]
    assert found[["low", "high"]].iloc[-1].isna().all()
