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
        ([5, 5], SPEAKER, "2 speakers do not give 2 folds"),
        ([5, 5, 5], SPEAKER | {"folds": 4}, "do not give 4 folds"),
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
