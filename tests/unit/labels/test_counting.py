import numpy as np
import pandas as pd
import pytest

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.labels import counting

CLASSES = ["neutral", "happy"]


def votes(rows):
    frame = pd.DataFrame(rows, columns=["utterance", "rater", "label"])
    extra = {
        "presentation": "voice",
        "kind": "observer",
        "role": "primary",
        "rank": 0,
        "weight": 1.0,
        "raters_known": True,
    }
    return frame.assign(**extra)


VOTES = votes([("a", "r1", "happy"), ("a", "r2", "happy"), ("a", "r3", None), ("b", "r1", "neutral")])

ROLES = pd.DataFrame({"utterance": ["a", "a", "b"], "rater": ["r1", "r2", "r1"], "votes": [2, 2, 1], "level_votes": 3})
ROLES = ROLES.assign(position_00=[0, 1, 0], position_01=[1, 0, 0])


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
    changed = VOTES.assign(label=["happy", "neutral", None, "neutral"])
    dealt = counting.deal_votes(ROLES, changed, ["a", "b"], CLASSES)
    assert dealt.in_role("reference").tolist() == [[[1, 0], [1, 0]], [[0, 1], [1, 0]]]
    assert dealt.in_role("conditioning", "reference").sum(axis=(1, 2)).tolist() == [3, 3]
    assert dealt.in_role("level").sum() == 0
    assert dealt.between(0, 1).tolist() == [[[0, 1], [1, 0]], [[1, 0], [1, 0]]]
    assert np.array_equal(dealt.between(1) + dealt.between(0, 1), dealt.between(0))
    assert dealt.voters().tolist() == [2, 1]


def test_roles_and_votes_belong_together():
    unknown = pd.concat([ROLES, ROLES.head(1).assign(rater="r3")])
    with pytest.raises(UserError, match=r"no primary in-set vote for \{'utterance': 'a', 'rater': 'r3'\}"):
        counting.deal_votes(unknown, VOTES, ["a", "b"], CLASSES)
    with pytest.raises(UserError, match=r"no role for \{'utterance': 'b', 'rater': 'r1'\}"):
        counting.deal_votes(ROLES.head(2), VOTES, ["a", "b"], CLASSES)


def test_several_labels_of_a_vote_share_its_place():
    both = VOTES.iloc[[0, 0, 0, 1, 3]].assign(label=["happy", "neutral", "neutral", "happy", "neutral"])
    both["rank"], both["weight"] = [0, 1, 2, 0, 0], [1 / 3, 1 / 3, 1 / 3, 1, 1]
    dealt = counting.deal_votes(ROLES, both, ["a", "b"], CLASSES)
    assert dealt.in_role("conditioning")[0, 0].tolist() == pytest.approx([2 / 3, 1 / 3])
    assert dealt.in_role("reference")[0].tolist() == [[0, 1], [1, 0]]
    assert dealt.voters().tolist() == [2, 1]
    everything = np.ones(len(dealt.label), dtype=bool)
    assert dealt.squares(everything).tolist() == pytest.approx([4 / 9 + 1 / 9 + 1, 1])


def test_places_of_known_unknown_and_missing_values():
    assert counting.places(pd.Series(["b", None, "z", "a", "b"]), ["a", "b"]).tolist() == [1, -1, -1, 0, 1]


def test_only_valid_synthetic_votes_count():
    proxies = pd.DataFrame({"utterance": ["a"] * 3, "draw": [2, 0, 1], "label": ["happy", "neutral", None]})
    proxies["status"] = ["ok", "ok", "invalid"]
    assert counting.synthetic_counts(proxies, ["a", "b"], CLASSES).tolist() == [[1, 1], [0, 0]]
    assert counting.valid_draws(proxies)["draw"].tolist() == [0, 2]
    assert np.array_equal(counting.frequencies(np.array([[1.0, 3.0]])), [[0.25, 0.75]])
