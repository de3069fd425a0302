"""Votes by role and level, and fits that never read the tested speakers."""

import numpy as np
import pytest

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.evaluation.judges import gather_judges
from scaling_ambiguity.evaluation.strata import by_level
from scaling_ambiguity.inference.alignment import over_deals


def test_roles_partition_the_votes(judges):
    # Votes that did not decide the level are the conditioning and the reference votes together.
    np.testing.assert_array_equal(judges.fair, judges.conditioning + judges.reference)
    assert (judges.reference.sum(axis=-1) > 0).all()
    decided = judges.counts.sum(axis=1) - judges.fair.sum(axis=-1)
    np.testing.assert_array_equal(decided, np.where(judges.level >= 0, 3, 0))
    assert (judges.level[:, :2] == -1).all()


def test_prior_comes_from_other_speakers(world, judges):
    shares = judges.counts / judges.counts.sum(axis=1, keepdims=True)
    for fold in (0, 1):
        tested = np.arange(60) % 2 == fold
        np.testing.assert_allclose(judges.prior[tested], np.tile(shares[~tested].mean(axis=0), (30, 1)))


def test_tested_votes_do_not_move_the_prior(world, judges):
    votes = world.votes.copy()
    votes.loc[votes["utterance"].isin(world.names[::2]), "label"] = "sad"
    changed = gather_judges(world.utterances, votes, world.roles, world.levels, world.splits, world.classes)
    np.testing.assert_array_equal(changed.prior[::2], judges.prior[::2])
    assert not np.array_equal(changed.prior[1::2], judges.prior[1::2])


def test_utterance_without_votes(world):
    votes = world.votes[world.votes["utterance"] != "w_07"]
    roles = world.roles[world.roles["utterance"] != "w_07"]
    with pytest.raises(UserError, match="w_07"):
        gather_judges(world.utterances, votes, roles, world.levels, world.splits, world.classes)


def test_means_over_deals():
    values = np.array([[1.0, 5.0, 9.0], [3.0, 7.0, 9.0]])
    usable = np.array([[True, True, False], [True, False, False]])
    mean, weight = over_deals(values, usable)
    np.testing.assert_array_equal(mean, [2, 5, 0])
    np.testing.assert_array_equal(weight, [1, 0.5, 0])
    levels = by_level(values, np.array([[0, 2, -1], [1, 2, -1]]))
    np.testing.assert_array_equal(levels["low"][0], [1, 0, 0])
    np.testing.assert_array_equal(levels["low"][1], [0.5, 0, 0])
    np.testing.assert_array_equal(levels["medium"][0], [3, 0, 0])
    np.testing.assert_array_equal(levels["high"], [[0, 6, 0], [0, 1, 0]])


def test_level_weights_add_up(judges):
    weights = [weight for _, weight in by_level(np.zeros(60), judges.level).values()]
    np.testing.assert_allclose(np.sum(weights, axis=0), (judges.level >= 0).mean(axis=0))
