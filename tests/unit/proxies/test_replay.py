"""Replayed votes: other raters' votes as an annotator's draws, none missing, none invented."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies.replay import replay
from scaling_ambiguity.tables.proxies import PROXIES
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES

SCRIPTS = Path(__file__).resolve().parents[3] / "workflow" / "scripts"
CLASSES = ["neutral", "happy", "sad", "angry"]


def table(votes, **columns):
    """Return a votes table of {utterance: labels}; a rater is the place of the label."""
    rows = [(u, f"{u}#{i}", label) for u, labels in votes.items() for i, label in enumerate(labels)]
    frame = pd.DataFrame(rows, columns=["utterance", "rater", "label"])
    defaults = {"presentation": "face", "kind": "observer", "role": "primary", "rank": 0, "weight": 1.0}
    frame = frame.assign(**defaults, raters_known=False, label_raw=frame["label"])
    return frame.assign(**columns).astype({"label": "str", "label_raw": "str"})


@pytest.fixture
def votes():
    draw = np.random.default_rng(1)
    return table({f"u{i:03d}": list(draw.choice(CLASSES, size=6)) for i in range(60)})


def run(votes, utterances=None, **changes):
    arguments = {"annotator": "face", "draws": 4, "classes": CLASSES, "seed": 7} | changes
    result = replay(votes, list(votes["utterance"].unique()) if utterances is None else utterances, **arguments)
    return PROXIES.validate(result, "test")


def test_every_draw_is_a_vote_of_that_utterance_and_used_once(votes):
    drawn = run(votes, draws=6)
    assert (drawn["status"] == "ok").all()
    key = ["utterance", "label"]
    assert drawn.groupby(key).size().to_dict() == votes.groupby(key).size().to_dict()
    assert drawn["response"].tolist() == drawn["label"].tolist()
    constants = drawn[["presentation", "rater", "kind", "prompt", "temperature"]].drop_duplicates()
    assert constants.to_numpy().tolist() == [["face", "face", "synthetic", "replay", 0.0]]


def test_more_draws_and_more_utterances_change_no_draw(votes):
    four, six = run(votes, draws=4), run(votes, draws=6)
    pd.testing.assert_frame_equal(four, six[six["draw"] < 4].reset_index(drop=True))
    alone = run(votes[votes["utterance"] == "u007"])
    pd.testing.assert_frame_equal(alone, four[four["utterance"] == "u007"].reset_index(drop=True))
    shuffled = run(votes.sample(frac=1, random_state=1), utterances=sorted(votes["utterance"].unique(), reverse=True))
    pd.testing.assert_frame_equal(shuffled, four)


def test_the_order_depends_on_the_seed_and_the_annotator(votes):
    labels = run(votes)["label"].tolist()
    assert labels != run(votes, seed=8)["label"].tolist()
    assert labels != run(votes, annotator="other")["label"].tolist()


def test_the_order_is_fair_to_votes_that_are_sorted_by_label():
    votes = table({f"u{i:04d}": ["neutral"] * 3 + ["happy"] * 3 + ["sad"] * 3 for i in range(3000)})
    share = run(votes, draws=1)["label"].value_counts(normalize=True)
    assert share.sub(1 / 3).abs().max() < 0.035  # four standard errors


def test_an_utterance_with_too_few_votes_has_failed_draws():
    drawn = run(table({"a": ["sad"], "b": ["sad", "sad", "happy"]}), utterances=["a", "b", "c"], draws=2)
    rows = drawn.set_index(["utterance", "draw"])
    assert rows["status"].tolist() == ["ok", "failed", "ok", "ok", "failed", "failed"]
    failed = rows[rows["status"] == "failed"]
    assert failed[["label", "label_raw"]].isna().all(axis=None)
    assert (failed["response"] == "").all()


def test_a_label_outside_the_classes_is_an_invalid_answer_not_a_lost_one():
    votes = table({"a": ["bored", None]}, label_raw=pd.Series(["bored", "Other-x"], dtype="str"))
    drawn = run(votes, draws=2)
    assert (drawn["status"] == "invalid").all()
    assert drawn["label"].isna().all()
    assert set(drawn["response"]) == {"bored", "Other-x"}


def test_a_rater_with_several_labels_gives_one_and_self_and_secondary_votes_give_none():
    several = table({"a": ["sad", "happy", "angry"]}, rater="r1", rank=[0, 1, 2], weight=1 / 3)
    others = [table({"a": ["neutral"]}, **{key: value}) for key, value in (("kind", "self"), ("role", "secondary"))]
    drawn = run(pd.concat([several, *others]), draws=2)
    assert drawn["status"].tolist() == ["ok", "failed"]
    assert drawn["label"][0] in {"sad", "happy", "angry"}


def test_votes_on_other_utterances_or_of_two_presentations_are_refused(votes):
    with pytest.raises(UserError, match="no vote of an observer on any of the 1 utterances"):
        run(votes, utterances=["x"])
    both = pd.concat([votes, votes.assign(presentation="voice")])
    with pytest.raises(UserError, match="several presentations"):
        run(both)
    with pytest.raises(UserError, match="at least 1"):
        run(votes, draws=0)


def test_the_program_writes_votes_and_counts(votes, tmp_path):
    names = sorted(votes["utterance"].unique())[:-1]
    absent = dict.fromkeys(["session", "split", "path", "transcript"], pd.Series([None] * len(names), dtype="str"))
    utterances = pd.DataFrame({"utterance": names, "speaker": "s", **absent, "duration": np.nan, "sample_rate": pd.NA})
    UTTERANCES.write(utterances, tmp_path / "u.parquet")
    VOTES.write(votes, tmp_path / "v.parquet")

    def program(name):
        command = [sys.executable, SCRIPTS / "replay_votes.py", "--votes", tmp_path / "v.parquet"]
        command += ["--utterances", tmp_path / "u.parquet", "--annotator", "face", "--draws", 8]
        command += ["--classes", ",".join(CLASSES), "--seed", 7]
        command += ["--output", tmp_path / f"{name}.parquet", "--status", tmp_path / f"{name}.csv"]
        command += ["--draws-table", tmp_path / f"{name}-draws.csv"]
        return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)

    result = program("one")
    assert result.returncode == 0, result.stderr
    assert "1 utterances of" in result.stdout
    assert len(PROXIES.read(tmp_path / "one.parquet")) == 59 * 8
    status = pd.read_csv(tmp_path / "one.csv").iloc[0].to_dict()
    expected = {
        "prompt": "replay",
        "temperature": 0,
        "ok": 59 * 6,
        "cut": 0,
        "invalid": 0,
        "refused": 0,
        "failed": 59 * 2,
    }
    assert status == expected | {"not_asked": 0, "total": 59 * 8}
    counts = pd.read_csv(tmp_path / "one-draws.csv")
    assert len(counts) == 59 and counts["valid"].eq(6).all() and counts["effective"].isna().all()
    program("two")
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
