"""Roles are disjoint, exhaustive, sized by the rule, random, and independent of other utterances."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaling_ambiguity.corpora.roles import deal_roles, mix, role_codes
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.tables.roles import ROLES

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


def test_every_vote_has_one_role_in_every_deal_and_the_sizes_are_the_rule(votes_table):
    roles = ROLES.validate(deal_roles(votes_table, level_votes=3, deals=4, seed=1), "test")
    expected = votes_table[["utterance", "rater"]].merge(pd.DataFrame({"deal": range(4)}), how="cross")
    assert set(map(tuple, roles[KEY].to_numpy())) == set(map(tuple, expected.to_numpy()))
    sizes = roles.groupby(["utterance", "deal", "role"]).size().unstack(fill_value=0)
    for number, wanted in EXPECTED.items():
        for deal in range(4):
            got = sizes.loc[(f"u{number}", deal)]
            assert (got["level"], got["conditioning"], got["reference"]) == wanted


def test_positions_are_a_permutation_with_level_first_and_reference_last(votes_table):
    roles = deal_roles(votes_table, level_votes=3, deals=5, seed=1)
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
    pd.testing.assert_frame_equal(few, many[many["deal"] < 2].reset_index(drop=True))
    assert not few.equals(deal_roles(votes_table, level_votes=3, deals=2, seed=2))


def test_every_order_is_equally_likely(votes_table):
    three = votes_table[votes_table["utterance"] == "u3"]
    deals = 6000
    roles = deal_roles(three, level_votes=0, deals=deals, seed=3)
    orders = (
        roles.pivot(index="deal", columns="rater", values="position").astype(str).agg("".join, axis=1).value_counts()
    )
    assert len(orders) == 6
    assert ((orders - deals / 6) ** 2 / (deals / 6)).sum() < 20.5  # chi-square, 5 degrees of freedom, p = .001


def test_only_observers_primary_votes_inside_the_classes_are_dealt(votes_table):
    four = votes_table[votes_table["utterance"] == "u4"].reset_index(drop=True)
    four.loc[0, "kind"], four.loc[1, "role"], four.loc[2, "label"] = "self", "secondary", None
    roles = deal_roles(four, level_votes=3, deals=2, seed=1)
    assert roles["rater"].tolist() == ["r3", "r3"]
    assert set(roles["role"]) == {"reference"}


def test_two_primary_votes_of_one_rater_or_none_at_all_are_refused(votes_table):
    with pytest.raises(UserError, match="two primary votes"):
        deal_roles(pd.concat([votes_table, votes_table.head(1)]), level_votes=3, deals=1, seed=1)
    with pytest.raises(UserError, match="no primary vote"):
        deal_roles(votes_table.assign(label=None), level_votes=3, deals=1, seed=1)
    with pytest.raises(UserError, match="deals 0"):
        deal_roles(votes_table, level_votes=3, deals=0, seed=1)


def test_mix_is_splitmix64():
    # the first outputs of the published generator started at 0 and at 1234567
    assert int(mix(np.array([0], dtype=np.uint64))[0]) == 0xE220A8397B1DCDAF
    assert int(mix(np.array([1234567], dtype=np.uint64))[0]) == 6457827717110365317
