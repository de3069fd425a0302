import numpy as np
import pandas as pd
import pytest

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.labels import counting

CLASSES = ["neutral", "happy"]


def votes(rows):
    frame = pd.DataFrame(rows, columns=["utterance", "rater", "label"])
    extra = {"presentation": "voice", "kind": "observer", "role": "primary", "rank": 0, "weight": 1.0}
    return frame.assign(**extra)


VOTES = votes([("a", "r1", "happy"), ("a", "r2", "happy"), ("a", "r3", None), ("b", "r1", "neutral")])


def test_counts_leave_out_of_set_and_secondary_votes_out():
    extra = pd.concat([VOTES, VOTES.tail(1).assign(role="secondary"), VOTES.tail(1).assign(kind="self")])
    assert counting.human_counts(extra, ["a", "b"], CLASSES).tolist() == [[0, 2], [1, 0]]


def test_presentations_are_not_mixed():
    mixed = pd.concat([VOTES, VOTES.assign(presentation="face")])
    with pytest.raises(UserError, match="face, voice"):
        counting.human_counts(mixed, ["a", "b"], CLASSES)


def test_unknown_names_are_named():
    with pytest.raises(UserError, match="unknown utterance 'b'"):
        counting.human_counts(VOTES, ["a"], CLASSES)
    with pytest.raises(UserError, match="unknown label 'happy'"):
        counting.human_counts(VOTES, ["a", "b"], ["neutral", "sad"])


def test_roles_are_counted_by_deal():
    roles = pd.DataFrame({"utterance": ["a", "a", "b"] * 2, "rater": ["r1", "r2", "r1"] * 2})
    roles["deal"], roles["position"] = [0, 0, 0, 1, 1, 1], [0, 1, 0, 1, 0, 0]
    roles["role"] = ["conditioning", "reference", "reference"] * 2
    dealt = counting.deal_votes(roles, VOTES, ["a", "b"], CLASSES)
    assert dealt.in_role("reference").tolist() == [[[0, 1], [1, 0]]] * 2
    assert dealt.count(dealt.position < 1).sum() == 4
    with pytest.raises(UserError, match="no primary in-set vote for"):
        counting.deal_votes(roles.assign(rater="r3"), VOTES, ["a", "b"], CLASSES)


def test_only_valid_synthetic_votes_count():
    proxies = pd.DataFrame({"utterance": ["a"] * 3, "draw": [2, 0, 1], "label": ["happy", "neutral", None]})
    proxies["status"] = ["ok", "ok", "invalid"]
    assert counting.synthetic_counts(proxies, ["a", "b"], CLASSES).tolist() == [[1, 1], [0, 0]]
    assert counting.valid_draws(proxies)["draw"].tolist() == [0, 2]
    assert np.array_equal(counting.frequencies(np.array([[1.0, 3.0]])), [[0.25, 0.75]])
