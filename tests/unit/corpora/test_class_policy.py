"""The class policy: what counts, what does not and why, and that nothing vanishes."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaling_ambiguity.corpora.class_policy import apply
from scaling_ambiguity.corpora.model import Corpus
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.tables.rejects import REJECTS
from scaling_ambiguity.tables.votes import VOTES

_spec = importlib.util.spec_from_file_location("make_corpus", Path(__file__).with_name("make_corpus.py"))
make = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(make)
corpus_of = make.corpus_of

DROP = {"out_of_set": "drop"}
FOUR = ["neutral", "happy", "sad", "angry"]


def mass(corpus: Corpus) -> dict[tuple[str, str], float]:
    counts = (corpus.votes["kind"] == "observer") & (corpus.votes["role"] == "primary")
    return corpus.votes[counts].groupby(["utterance", "label"])["weight"].sum().to_dict()


def test_a_corpus_whose_labels_are_in_the_set_passes_unchanged():
    corpus = corpus_of([("u1", "r1", "sad"), ("u1", "r2", "happy"), ("u2", "r1", "angry"), ("u2", "r2", "neutral")])
    kept, account = apply(corpus, FOUR)
    pd.testing.assert_frame_equal(kept.votes, corpus.votes)
    pd.testing.assert_frame_equal(kept.utterances, corpus.utterances)
    assert len(kept.rejects) == 0
    assert account["votes"] == {"found": 4, "kept": 4, "lost": {}}
    assert account["utterances"] == {"found": 2, "kept": 2, "lost": {}}
    assert account["warnings"] == []


def test_labels_are_merged_before_the_set_is_asked():
    corpus = corpus_of([("u1", "a", "excited"), ("u1", "b", "fear"), ("u1", "c", "happy")])
    policy = {"merge": {"excited": "happy", "bored": "sad"}, "out_of_set": "drop"}
    kept, account = apply(corpus, ["happy", "sad"], policy, vocabulary=["bored", "fear"])
    assert kept.votes["label"].fillna("-").tolist() == ["happy", "-", "happy"]
    assert account["outside"] == {"fear": 1}
    assert account["labels"] == {"excited": 1, "fear": 1, "happy": 1}
    assert [line.split(";")[0] for line in account["warnings"]] == [
        "no vote for the class 'sad'",
        "merge: no vote has the label 'bored'",
    ]


SAME = ["Very happy", "very  happy ", "VERY_HAPPY", "very\u00a0happy", "very hap\u200bpy", "\ufeffvery happy"]


@pytest.mark.parametrize("key", [*SAME, "very_happy"])
def test_labels_keys_and_classes_are_compared_in_one_form(key):
    """Case, blanks, underscores, invisible characters and Unicode's two forms of an umlaut are not told apart."""
    rows = [("u1", f"r{i}", label) for i, label in enumerate(SAME)]
    rows += [("u2", "a", "fro\u0308hlich"), ("u2", "b", "fr\u00f6hlich"), ("u2", "c", "GRO\u00df"), ("u2", "d", "n a")]
    policy = {"merge": {key: "glad", "Fr\u00f6hlich": "glad", "gross": "n_a"}}
    kept, account = apply(corpus_of(rows), ["glad", "n_a"], policy)
    assert kept.votes["label"].tolist() == ["glad"] * 8 + ["n_a"] * 2
    assert kept.votes["label_raw"].tolist() == [label for _, _, label in rows]
    assert account["votes"] == {"found": 10, "kept": 10, "lost": {}}
    assert account["labels"] == {"very happy": 6, "fr\u00f6hlich": 2, "gross": 1, "n a": 1}
    assert account["warnings"] == []


@pytest.mark.parametrize(
    ("merge", "message"),
    [
        ({"Joy": "sad", "joy": "happy"}, r"'Joy' and 'joy' are the same label.*'sad' and 'happy'"),
        ({"fr\u00f6hlich": "sad", "fro\u0308hlich": "happy"}, "are the same label"),
        ({"fearr": "sad"}, r"no vote has the label 'fearr'; the labels are fear, sad\."),
        ({False: "sad"}, r"the key False, which is no text"),
    ],
)
def test_a_slip_in_the_merge_map_is_an_error(merge, message):
    with pytest.raises(UserError, match=message):
        apply(corpus_of(ROWS), ["sad", "happy"], {"merge": merge, "out_of_set": "drop"})


def test_two_keys_of_one_label_may_lead_to_one_class_but_two_classes_may_not_be_one_word():
    apply(corpus_of(ROWS), ["sad", "happy"], {"merge": {"Fear": "sad", "fear ": "sad"}})
    with pytest.raises(UserError, match="'very_sad' and 'very sad' are the same word"):
        apply(corpus_of(ROWS), ["very_sad", "very sad"])


def test_many_votes_outside_the_classes_have_to_be_named_by_the_policy():
    rows = [(f"u{i}", "a", "sad" if i else "fear") for i in range(50)]
    assert apply(corpus_of(rows), ["sad", "happy"])[1]["votes"]["lost"] == {"outside the classes": 1}
    rows += [("u1", "b", "fear")]
    with pytest.raises(UserError, match=r"2 of 51 votes \(3.9 %\).*'fear' \(2\).*out_of_set: drop"):
        apply(corpus_of(rows), ["sad", "happy"])
    assert apply(corpus_of(rows), ["sad", "happy"], {"out_of_set": "drop"})[1]["votes"]["kept"] == 49
    assert apply(corpus_of(rows), ["sad", "happy"], largest_outside=0.05)[1]["votes"]["kept"] == 49


ROWS = [("u1", "a", "sad"), ("u1", "b", "fear"), ("u2", "a", "fear"), ("u2", "b", "fear"), ("u3", "a", "sad")]


def test_out_of_set_votes_stay_with_a_null_label_and_empty_utterances_are_rejected():
    kept, account = apply(corpus_of(ROWS), ["sad", "happy"], DROP)
    assert kept.utterances["utterance"].tolist() == ["u1", "u3"]
    assert kept.votes["label"].fillna("-").tolist() == ["sad", "-", "sad"]
    assert kept.rejects[["item", "stage", "reason"]].to_numpy().tolist() == [
        ["u2", "class_policy", "fewer than 1 votes in the classes"],
        ["u2/a/0", "vote", "its utterance was left out"],
        ["u2/b/0", "vote", "its utterance was left out"],
    ]
    assert account["votes"] == {"found": 5, "kept": 2, "lost": {"outside the classes": 3}}
    assert account["utterances"]["lost"] == {"fewer than 1 votes in the classes": 1}


def test_out_of_set_votes_become_other():
    kept, account = apply(corpus_of(ROWS), ["sad", "other"], {"out_of_set": "other"})
    assert kept.votes["label"].tolist() == ["sad", "other", "other", "other", "sad"]
    assert account["outside"] == {}
    assert account["votes"]["lost"] == {}


def test_an_out_of_set_vote_drops_its_utterance():
    kept, account = apply(corpus_of(ROWS), ["sad", "happy"], {"out_of_set": "drop_utterance"})
    assert kept.utterances["utterance"].tolist() == ["u3"]
    assert account["utterances"]["lost"] == {"a vote outside the classes": 2}
    lost = {"outside the classes": 3, "its utterance is dropped for a vote outside the classes": 1}
    assert account["votes"] == {"found": 5, "kept": 1, "lost": lost}


def test_minimum_votes_counts_raters_and_not_labels():
    rows = [("u1", "a", "sad"), ("u1", "a", "happy"), ("u2", "a", "sad"), ("u2", "b", "sad")]
    corpus = corpus_of(rows, rank=[0, 1, 0, 0], weight=[0.5, 0.5, 1, 1])
    kept, account = apply(corpus, FOUR, {"minimum_votes": 2})
    assert kept.utterances["utterance"].tolist() == ["u2"]
    assert account["votes"]["lost"] == {"its utterance is dropped for too few votes in the classes": 2}


def test_what_is_left_of_a_vote_carries_its_whole_weight():
    rows = [("u1", "a", "sad"), ("u1", "a", "fear"), ("u1", "b", "sad"), ("u1", "b", "fear"), ("u1", "b", "happy")]
    corpus = corpus_of(rows, rank=[0, 1, 0, 1, 2], weight=[0.5, 0.5, 1 / 3, 1 / 3, 1 / 3])
    kept, _ = apply(corpus, FOUR, DROP)
    assert mass(kept) == {("u1", "sad"): pytest.approx(1.5), ("u1", "happy"): pytest.approx(0.5)}


def secondary_corpus() -> Corpus:
    rows = [("u1", "a", "sad"), ("u1", "a", "happy"), ("u1", "a", "angry")]  # primary, two secondary
    rows += [("u1", "b", "fear"), ("u1", "b", "happy")]  # the primary label is outside
    rows += [("u1", "c", "sad"), ("u1", "c", "fear")]  # the secondary label is outside
    roles = ["primary", "secondary", "secondary", "primary", "secondary", "primary", "secondary"]
    return corpus_of(rows, role=roles, rank=[0, 1, 2, 0, 1, 0, 1], weight=[1, 0.5, 0.5, 1, 1, 1, 1])


def test_secondary_labels_are_ignored_by_default():
    kept, account = apply(secondary_corpus(), FOUR, DROP)
    assert mass(kept) == {("u1", "sad"): 2.0}
    assert account["votes"]["lost"] == {"secondary label, ignored": 4, "outside the classes": 1}


def test_weighted_secondary_labels_share_the_vote():
    kept, account = apply(secondary_corpus(), FOUR, {"secondary": 0.1} | DROP)
    assert mass(kept) == pytest.approx({("u1", "sad"): 1.9, ("u1", "happy"): 0.05, ("u1", "angry"): 0.05})
    lost = {"outside the classes": 2, "secondary label of a vote whose primary label does not count": 1}
    assert account["votes"] == {"found": 7, "kept": 4, "lost": lost}


def test_self_votes_are_ignored_or_count():
    corpus = corpus_of([("u1", "e1", "sad"), ("u1", "f1", "happy")], kind=["observer", "self"])
    kept, account = apply(corpus, FOUR)
    assert mass(kept) == {("u1", "sad"): 1.0}
    assert kept.votes["kind"].tolist() == ["observer", "self"]
    assert account["votes"]["lost"] == {"self vote, ignored": 1}
    kept, account = apply(corpus, FOUR, {"self_votes": "keep"})
    assert mass(kept) == {("u1", "sad"): 1.0, ("u1", "happy"): 1.0}
    assert account["votes"]["lost"] == {}


def test_strays_and_missing_labels_have_their_reasons_and_unvoted_utterances_are_left_to_the_audit():
    corpus = corpus_of([("u1", "a", "sad"), ("u1", "b", None), ("u9", "a", "fear")], names=["u1", "u2"])
    kept, account = apply(corpus, FOUR)
    assert kept.utterances["utterance"].tolist() == ["u1", "u2"]
    assert account["votes"]["lost"] == {"its utterance is not in the corpus": 1, "no label": 1}


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ({"merged": {}}, "no key 'merged'"),
        ({"out_of_set": "keep"}, "'keep'; choose one of"),
        ({"out_of_set": "other"}, "'other' is not one of the classes"),
        ({"merge": {"excited": "joy"}}, "leads to 'joy'"),
        ({"minimum_votes": 0}, "whole number from 1"),
        ({"secondary": 1}, r"weight in \[0, 1\)"),
        ({"self_votes": "yes"}, "self_votes"),
    ],
)
def test_a_faulty_policy_is_named(policy, message):
    with pytest.raises(UserError, match=message):
        apply(corpus_of(ROWS), ["sad", "happy"], policy)


def test_classes_that_nobody_used_name_the_labels_there_are():
    with pytest.raises(UserError, match=r"'fear', 'sad'.*class_policy.merge"):
        apply(corpus_of(ROWS), ["sadness", "fearful"])


LABELS = st.sampled_from(["neutral", "happy", "sad", "angry", "excited", "fear", "other", None])


@settings(deadline=None, max_examples=60)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 3), LABELS, st.booleans(), st.booleans()), min_size=1, max_size=25
    ),
    out_of_set=st.sampled_from(["drop", "other", "drop_utterance"]),
    minimum=st.integers(1, 3),
    secondary=st.sampled_from([0.0, 0.2]),
    self_votes=st.sampled_from(["ignore", "keep"]),
)
def test_nothing_vanishes_and_every_vote_that_counts_weighs_one(rows, out_of_set, minimum, secondary, self_votes):
    frame = pd.DataFrame(rows, columns=["u", "r", "label", "secondary", "self"])
    frame["rank"] = frame.groupby(["u", "r"]).cumcount()
    frame["self"] = frame.groupby("r")["self"].transform("first")
    role = np.where(frame["secondary"] & (frame["rank"] > 0), "secondary", "primary")
    share = 1 / frame.assign(role=role).groupby(["u", "r", "role"])["rank"].transform("size")
    corpus = corpus_of(
        [(f"u{u}", f"r{r}", label) for u, r, label in frame[["u", "r", "label"]].itertuples(index=False)],
        names=["u0", "u1", "u2", "u3"],  # u4 is not in the corpus
        role=role,
        rank=frame["rank"],
        weight=share,
        kind=np.where(frame["self"], "self", "observer"),
    )
    policy = {"merge": {"excited": "happy"}, "out_of_set": out_of_set, "minimum_votes": minimum}
    policy |= {"secondary": secondary, "self_votes": self_votes}
    classes = [*FOUR, "other"]
    try:
        kept, account = apply(corpus, classes, policy, vocabulary=["excited"])
    except UserError as error:
        assert "no vote is in the classes" in str(error)
        return
    votes = VOTES.validate(kept.votes, "test")
    gone = (kept.rejects["stage"] == "vote").sum()
    assert len(votes) + gone == len(rows) == account["votes"]["found"]
    assert votes["label"].notna().sum() == account["votes"]["kept"]
    assert len(kept.utterances) + (kept.rejects["stage"] == "class_policy").sum() == 4
    assert set(votes["label"].dropna()) <= set(classes)
    counts = votes[votes["label"].notna()]
    assert np.allclose(counts.groupby(["utterance", "rater"])["weight"].sum(), 1)
    assert (counts["role"] == "primary").all()
    assert (counts["kind"] == "observer").all()
    REJECTS.validate(
        kept.rejects.astype({"item": "str", "stage": "str", "reason": "str", "source_file": "str"}), "test"
    )
