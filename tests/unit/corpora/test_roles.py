"""Roles are disjoint, exhaustive, sized by the rule, random, and independent of other utterances."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaling_ambiguity.corpora.roles import _order, deal_roles, mix
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.tables.base import by_deal
from scaling_ambiguity.tables.roles import POSITION, ROLE_NAMES, ROLES, role_codes

KEY = ["utterance", "rater", "deal"]
# number of votes -> level, conditioning, reference votes, at 3 level votes
EXPECTED = {
    1: (0, 0, 1),
    2: (0, 1, 1),
    3: (0, 2, 1),
    4: (0, 2, 2),
    5: (3, 1, 1),
    6: (3, 2, 1),
    7: (3, 2, 2),
    9: (3, 3, 3),
}


def one_row_a_deal(roles):
    """Return utterance, rater, deal, role, position of a roles table."""
    position = by_deal(roles, POSITION, "test")
    parts = [roles[["utterance", "rater"]].assign(deal=d, position=p.astype(int)) for d, p in enumerate(position)]
    codes = role_codes(position, roles["votes"].to_numpy(), roles["level_votes"].to_numpy())
    return pd.concat(parts, ignore_index=True).assign(role=np.array(ROLE_NAMES, dtype=object)[codes.ravel()])


def test_every_vote_has_one_role_in_every_deal_and_the_sizes_are_the_rule(votes_table):
    roles = one_row_a_deal(ROLES.validate(deal_roles(votes_table, level_votes=3, deals=4, seed=1), "test"))
    expected = votes_table[["utterance", "rater"]].merge(pd.DataFrame({"deal": range(4)}), how="cross")
    assert set(map(tuple, roles[KEY].to_numpy())) == set(map(tuple, expected.to_numpy()))
    sizes = roles.groupby(["utterance", "deal", "role"]).size().unstack(fill_value=0)
    for number, wanted in EXPECTED.items():
        for deal in range(4):
            got = sizes.loc[(f"u{number}", deal)]
            assert (got["level"], got["conditioning"], got["reference"]) == wanted


def test_positions_are_a_permutation_with_level_first_and_reference_last(votes_table):
    roles = one_row_a_deal(deal_roles(votes_table, level_votes=3, deals=5, seed=1))
    rank = roles["role"].map({"level": 0, "conditioning": 1, "reference": 2})
    for (utterance, _), part in roles.assign(rank=rank).groupby(["utterance", "deal"]):
        part = part.sort_values("position")
        assert part["position"].tolist() == list(range(int(utterance[1:])))
        assert part["rank"].is_monotonic_increasing


@given(count=st.integers(1, 40), level=st.integers(0, 6))
def test_role_sizes_add_up_for_any_number_of_votes(count, level):
    codes = role_codes(np.arange(count), np.full(count, count), level)
    level_n, conditioning, reference = np.bincount(codes, minlength=3)
    assert level_n == (level if count >= level + 2 else 0)
    assert reference == max(1, (count - level_n) // 2)
    assert level_n + conditioning + reference == count


def test_an_utterance_is_dealt_alike_whatever_else_is_there_and_in_any_order(votes_table):
    alone = votes_table[votes_table["utterance"].isin(["u4", "u7"])].sample(frac=1, random_state=0)
    whole = deal_roles(votes_table, level_votes=3, deals=3, seed=1)
    part = deal_roles(alone, level_votes=3, deals=3, seed=1)
    expected = whole[whole["utterance"].isin(["u4", "u7"])]
    pd.testing.assert_frame_equal(part.reset_index(drop=True), expected.reset_index(drop=True))


def test_more_deals_leave_the_first_ones_alone_and_seeds_differ(votes_table):
    few, many = (deal_roles(votes_table, level_votes=3, deals=n, seed=1) for n in (2, 6))
    pd.testing.assert_frame_equal(few, many[few.columns])
    assert len(many.columns) == len(few.columns) + 4
    assert not few.equals(deal_roles(votes_table, level_votes=3, deals=2, seed=2))


@pytest.mark.ci
def test_every_order_is_equally_likely(votes_table):
    three = votes_table[votes_table["utterance"] == "u3"]
    deals = 6000
    roles = one_row_a_deal(deal_roles(three, level_votes=0, deals=deals, seed=3))
    orders = (
        roles.pivot(index="deal", columns="rater", values="position").astype(str).agg("".join, axis=1).value_counts()
    )
    assert len(orders) == 6
    assert ((orders - deals / 6) ** 2 / (deals / 6)).sum() < 20.5  # chi-square, 5 degrees of freedom, p = .001


def test_only_observers_primary_votes_inside_the_classes_are_dealt(votes_table):
    four = votes_table[votes_table["utterance"] == "u4"].reset_index(drop=True)
    four.loc[0, "kind"], four.loc[1, "role"], four.loc[2, "label"] = "self", "secondary", None
    roles = one_row_a_deal(deal_roles(four, level_votes=3, deals=2, seed=1))
    assert roles["rater"].tolist() == ["r3", "r3"]
    assert set(roles["role"]) == {"reference"}


def test_two_primary_votes_of_one_rater_or_none_at_all_are_refused(votes_table):
    with pytest.raises(UserError, match="two primary votes"):
        deal_roles(pd.concat([votes_table, votes_table.head(1)]), level_votes=3, deals=1, seed=1)
    with pytest.raises(UserError, match="no primary vote"):
        deal_roles(votes_table.assign(label=None), level_votes=3, deals=1, seed=1)
    with pytest.raises(UserError, match="deals 0"):
        deal_roles(votes_table, level_votes=3, deals=0, seed=1)


def several_labels(votes_table, weights):
    """Return the votes, the first one of u4 with a label for each of ``weights``."""
    rows = votes_table[(votes_table["utterance"] == "u4") & (votes_table["rater"] == "r0")]
    further = [rows.assign(rank=rank, weight=weight) for rank, weight in enumerate(weights)]
    return pd.concat([votes_table.drop(rows.index), *further], ignore_index=True)


def test_a_vote_of_several_labels_is_dealt_once(votes_table):
    several = several_labels(votes_table, [1 / 3] * 3)
    expected = deal_roles(votes_table, level_votes=3, deals=3, seed=1)
    pd.testing.assert_frame_equal(deal_roles(several, level_votes=3, deals=3, seed=1), expected)
    with pytest.raises(UserError, match=r"'u4', 'rater': 'r0'\} has two primary votes"):
        deal_roles(several_labels(votes_table, [1.0, 1.0]), level_votes=3, deals=1, seed=1)


def test_positions_are_small_numbers_as_long_as_the_votes_are_few(votes_table):
    many = pd.DataFrame({"utterance": "u", "rater": [f"r{i}" for i in range(200)]})
    many = many.assign(**votes_table.drop(columns=["utterance", "rater"]).iloc[0])
    assert deal_roles(votes_table, level_votes=3, deals=1, seed=1)["position_00"].dtype == np.int8
    roles = ROLES.validate(deal_roles(many, level_votes=3, deals=101, seed=1), "test")
    assert sorted(roles["position_100"]) == list(range(200))
    with pytest.raises(UserError, match="position_07 is missing"):
        by_deal(roles.drop(columns="position_07"), POSITION, "test")
    with pytest.raises(UserError, match="not between 0 and the number of votes"):
        ROLES.validate(roles.assign(votes=np.int16(199)), "test")


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2**64 - 1) | st.integers(0, 3)), min_size=1))
def test_order_is_by_item_then_key_then_row(pairs):
    pairs.sort(key=lambda pair: pair[0])
    items, keys = np.array([item for item, _ in pairs]), np.array([key for _, key in pairs], dtype=np.uint64)
    expected = sorted(range(len(pairs)), key=lambda i: (*pairs[i], i))
    assert _order(keys, items).tolist() == expected


def test_mix_is_splitmix64():
    # the first outputs of the published generator started at 0 and at 1234567
    assert int(mix(np.array([0], dtype=np.uint64))[0]) == 0xE220A8397B1DCDAF
    assert int(mix(np.array([1234567], dtype=np.uint64))[0]) == 6457827717110365317
