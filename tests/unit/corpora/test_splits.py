"""Splits: speaker-disjoint, every utterance tested once, independent of the order of rows."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaling_ambiguity.corpora.splits import split
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.tables.splits import SPLITS

SPEAKER = {"scheme": "speaker", "folds": 2, "validation": 0.15}
RANDOM = {"scheme": "random", "test": 0.2, "validation": 0.1, "seed": 42}


def table(sizes: list[int]) -> pd.DataFrame:
    rows = [(f"u{s:02d}_{i:03d}", f"s{s:02d}") for s, size in enumerate(sizes) for i in range(size)]
    return pd.DataFrame(rows, columns=["utterance", "speaker"])


@settings(deadline=None, max_examples=40)
@given(sizes=st.lists(st.integers(4, 12), min_size=6, max_size=15), seed=st.integers(0, 10))
def test_speakers_are_disjoint_and_every_utterance_is_tested_once(sizes, seed):
    utterances = table(sizes)
    parts = SPLITS.validate(split(utterances, SPEAKER, seed), "test").merge(utterances, on="utterance")
    assert (parts["part"] == "test").groupby(parts["utterance"]).sum().eq(1).all()
    assert parts.groupby(["fold", "speaker"])["part"].nunique().eq(1).all()
    assert parts.groupby("fold")["part"].nunique().eq(3).all()


def test_folds_are_balanced_by_utterances_and_validation_is_a_share_of_speakers():
    parts = split(table([60, 50, 40, 30, 20, 20, 10, 10]), SPEAKER | {"validation": 0.5}, 1).merge(
        table([60, 50, 40, 30, 20, 20, 10, 10]), on="utterance"
    )
    assert parts[parts["part"] == "test"].groupby("fold").size().tolist() == [120, 120]
    speakers = parts.groupby(["fold", "part"])["speaker"].nunique()
    for fold in (0, 1):
        assert speakers[fold, "validation"] == round(0.5 * (8 - speakers[fold, "test"]))


def test_random_split_has_the_published_shares_and_its_own_seed():
    utterances = table([25] * 8)
    parts = SPLITS.validate(split(utterances, RANDOM, 1), "test")
    assert parts["part"].value_counts().to_dict() == {"train": 144, "test": 40, "validation": 16}
    assert set(parts["fold"]) == {0}
    assert parts.equals(SPLITS.validate(split(utterances, RANDOM, 2), "test"))
    assert not parts.equals(SPLITS.validate(split(utterances, RANDOM | {"seed": 43}, 1), "test"))


@pytest.mark.parametrize("options", [SPEAKER, RANDOM])
def test_the_order_of_rows_does_not_matter(options):
    utterances = table([10, 12, 9, 11, 10, 8])
    turned = utterances.sample(frac=1, random_state=3)
    one, two = (SPLITS.validate(split(frame, options, 5), "test") for frame in (utterances, turned))
    pd.testing.assert_frame_equal(one, two)


@pytest.mark.parametrize(
    ("sizes", "options", "message"),
    [
        ([5], SPEAKER, "1 speakers do not give 2 folds.*two are needed"),
        ([5, 1], SPEAKER, "has one utterance"),
        ([5, 5, 5], SPEAKER | {"folds": 4}, "do not give 4 folds.*folds to at most 3"),
        ([1, 1], RANDOM, "leave a part empty"),
        ([5] * 5, {"scheme": "magic"}, "'magic'; choose one of"),
        ([5] * 5, {"scheme": "speaker", "folds": 2}, "'validation' is missing"),
        ([5] * 5, SPEAKER | {"folds": 1}, "at least 2"),
        ([5] * 5, RANDOM | {"test": 1.5}, "between 0 and 1"),
    ],
)
def test_impossible_splits_say_why(sizes, options, message):
    with pytest.raises(UserError, match=message):
        split(table(sizes), options, 1)


def sessions_table() -> pd.DataFrame:
    rows = [(f"u{s}{g}{i}", f"ses{s}{g}", f"ses{s}") for s in range(1, 6) for g in "fm" for i in range(4)]
    return pd.DataFrame(rows, columns=["utterance", "speaker", "session"])


@pytest.mark.parametrize("validation", ["next", 0.25])
def test_one_session_is_left_out_in_turn(validation):
    utterances = sessions_table()
    options = {"scheme": "session", "folds": 5, "validation": validation}
    parts = SPLITS.validate(split(utterances, options, 1), "test").merge(utterances, on="utterance")
    tested = parts[parts["part"] == "test"].groupby("fold")["session"].unique().map(list).tolist()
    assert tested == [[f"ses{k}"] for k in range(1, 6)]
    assert (parts["part"] == "test").groupby(parts["utterance"]).sum().eq(1).all()
    assert parts.groupby(["fold", "speaker"])["part"].nunique().eq(1).all()
    validating = parts[parts["part"] == "validation"].groupby("fold")
    if validation == "next":
        assert validating["session"].unique().map(list).tolist() == [[f"ses{k}"] for k in (2, 3, 4, 5, 1)]
    else:
        assert validating["speaker"].nunique().tolist() == [2] * 5


GROUPS = {"scheme": "groups", "groups": [["1001", "1018"], ["1019", "1036"], ["1037", "1091"]], "validation": 0.2}


@pytest.mark.parametrize("sizes", [[10, 10], [10, 6, 4]])
def test_a_single_speaker_outside_the_test_part_trains_and_validates(sizes):
    utterances = table(sizes)
    parts = split(utterances, SPEAKER, 1)
    assert (parts[parts["part"] == "test"]["utterance"].value_counts() == 1).all()
    assert set(parts.loc[parts["part"] == "test", "utterance"]) == set(utterances["utterance"])
    speaker = parts["utterance"].map(utterances.set_index("utterance")["speaker"])
    for _, fold in parts.assign(speaker=speaker).groupby("fold"):
        assert set(fold["part"]) == {"train", "validation", "test"}
        tested = fold["part"] == "test"
        assert not set(fold.loc[tested, "speaker"]) & set(fold.loc[~tested, "speaker"])


@pytest.mark.parametrize("form", ["{}", "s{}", "Actor {}_a"])
def test_numbers_in_the_names_of_groups_are_compared_as_numbers(form):
    names = [form.format(i) for i in range(1, 13)]
    utterances = pd.DataFrame({"utterance": [f"u{i}" for i in range(1, 13)], "speaker": names})
    options = {"scheme": "groups", "groups": [[names[0], names[5]], [names[6], names[11]]], "validation": 0.2}
    parts = split(utterances, options, 1)
    tested = parts[(parts["fold"] == 0) & (parts["part"] == "test")]["utterance"].tolist()
    assert tested == [f"u{i}" for i in range(1, 7)]
    with pytest.raises(UserError, match=f"speaker {names[9]} is in 0 of the groups"):
        split(utterances, options | {"groups": [[names[0], names[5]], [names[6], names[8]]]}, 1)


def test_one_name_without_a_number_does_not_change_how_others_are_compared():
    names = [*(str(i) for i in range(1, 13)), "7b"]
    utterances = pd.DataFrame({"utterance": [f"u{name}" for name in names], "speaker": names})
    options = {"scheme": "groups", "groups": [["1", "6"], ["7", "12"]], "validation": 0.2}
    parts = split(utterances, options, 1)
    tested = parts[(parts["fold"] == 1) & (parts["part"] == "test")]["utterance"]
    assert set(tested) == {"u7", "u7b", "u8", "u9", "u10", "u11", "u12"}


def test_groups_of_speakers_are_ranges_of_names():
    utterances = pd.DataFrame({"speaker": [str(s) for s in range(1001, 1092)]})
    utterances["utterance"] = utterances["speaker"] + "_a"
    parts = SPLITS.validate(split(utterances, GROUPS, 1), "test").merge(utterances, on="utterance")
    tested = parts[parts["part"] == "test"].groupby("fold")["speaker"].agg(["min", "max", "size"])
    assert tested.to_numpy().tolist() == [["1001", "1018", 18], ["1019", "1036", 18], ["1037", "1091", 55]]
    assert parts.groupby("fold")["part"].nunique().eq(3).all()


def official_table() -> pd.DataFrame:
    values = ["train"] * 4 + ["validation"] * 2 + ["test"] * 2 + ["test2", None]
    frame = pd.DataFrame({"utterance": [f"u{i}" for i in range(10)], "split": pd.Series(values, dtype="str")})
    return frame.assign(speaker=[f"s{i}" for i in range(10)])


def test_official_parts_are_taken_as_they_are_and_what_is_left_out_is_said(capsys):
    options = {"scheme": "official", "parts": {"test2": "test", "none": "leave_out"}}
    parts = SPLITS.validate(split(official_table(), options, 1), "test")
    assert parts["part"].tolist() == ["train"] * 4 + ["validation"] * 2 + ["test"] * 3
    assert "1 utterances are left out, {'none': 1}" in capsys.readouterr().out


TWICE = [*GROUPS["groups"], ["1018", "1018"]]


@pytest.mark.parametrize(
    ("utterances", "options", "message"),
    [
        (official_table(), {"scheme": "official"}, r"'test2': 1.*'none': 1.*parts"),
        (official_table(), {"scheme": "official", "parts": {"test2": "dev"}}, "leads to 'dev'"),
        (official_table().head(6), {"scheme": "official"}, "no utterance is in the part test"),
        (table([5] * 3).assign(session=None), {"scheme": "session", "folds": 3, "validation": "next"}, "no session"),
        (sessions_table(), {"scheme": "session", "folds": 4, "validation": "next"}, "there are 5 sessions"),
        (
            sessions_table().assign(speaker="s1"),
            {"scheme": "session", "folds": 5, "validation": "next"},
            "s1 is in several sessions",
        ),
        (sessions_table().head(16), {"scheme": "session", "folds": 2, "validation": "next"}, "needs three sessions"),
        (sessions_table(), {"scheme": "session", "folds": 5, "validation": "last"}, "between 0 and 1"),
        (table([5] * 5), GROUPS, "speaker s00 is in 0 of the groups"),
        (pd.DataFrame({"utterance": ["a"], "speaker": ["1018"]}), GROUPS | {"groups": TWICE}, "in 2 of the groups"),
        (pd.DataFrame({"utterance": ["a"], "speaker": ["1018"]}), GROUPS, "no speaker is in the group"),
    ],
)
def test_impossible_schemes_say_why(utterances, options, message):
    with pytest.raises(UserError, match=message):
        split(utterances, options, 1)
