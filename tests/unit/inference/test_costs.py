"""The cost surface on votes whose worth is known: more votes of the same pool, noise, and a loop by hand."""

import numpy as np
import pandas as pd
import pytest

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.inference.costs import HUMAN, POOLED, WEIGHTED, cost_surface, possible_numbers
from scaling_ambiguity.inference.draws import vote_table
from scaling_ambiguity.labels.counting import HumanVotes, deal_votes, human_counts
from scaling_ambiguity.labels.dirichlet import fit_dirichlet_multinomial
from scaling_ambiguity.labels.others import speaker_blocks

CLASSES = ["a", "b", "c"]
U, DEALS = 600, 6


class World:
    """Six votes, of the last ten utterances two, from known distributions; twelve speakers."""

    def __init__(self):
        random = np.random.default_rng(3)
        self.names = [f"u{i:03d}" for i in range(U)]
        self.speakers = np.array([f"s{i % 12:02d}" for i in range(U)])
        self.truth = random.dirichlet([0.9, 0.6, 0.4], U)
        rows, roles = [], []
        for i, name in enumerate(self.names):
            size = 2 if i >= U - 10 else 6
            rows += [(name, f"r{j}", label) for j, label in enumerate(random.choice(CLASSES, size, p=self.truth[i]))]
            orders = {f"position_{d:02d}": random.permutation(size) for d in range(DEALS)}
            pairs = pd.DataFrame({"utterance": name, "rater": [f"r{j}" for j in range(size)], **orders})
            roles.append(pairs.assign(votes=size, level_votes=0))
        votes = pd.DataFrame(rows, columns=["utterance", "rater", "label"])
        self.votes = votes.assign(kind="observer", role="primary", presentation="v", weight=1.0, raters_known=True)
        self.roles = pd.concat(roles, ignore_index=True)
        self.counts = human_counts(self.votes, self.names, CLASSES)
        self.blocks = speaker_blocks(self.speakers)
        self.random = random

    def draws(self, p, m):
        rows = [(n, label) for n, own in zip(self.names, p, strict=True) for label in self.random.choice(3, m, p=own)]
        frame = pd.DataFrame(rows, columns=["utterance", "place"])
        frame["label"] = np.array(CLASSES)[frame["place"]]
        return vote_table(frame, self.names, CLASSES)

    def surface(self, draws, human=(1, 3, "all"), synthetic=(0, 1, 2)):
        dealt = deal_votes(self.roles, self.votes, self.names, CLASSES)
        about = {"human": list(human), "synthetic": list(synthetic), "floor": 1e-3, "seed": 1}
        return cost_surface(HumanVotes(self.names, dealt, self.counts, self.blocks, self.speakers), draws, **about)


@pytest.fixture(scope="module")
def world():
    return World()


@pytest.fixture(scope="module")
def fresh(world):
    return world.surface(world.draws(world.truth, 2))


@pytest.fixture(scope="module")
def noise(world):
    return world.surface(world.draws(np.full((U, 3), 1 / 3), 10), synthetic=(0, 10))


def test_human_cells_are_leave_one_out_by_hand(world, fresh):
    label = world.votes["label"].map(CLASSES.index).to_numpy()
    place = world.roles.filter(like="position_").to_numpy()
    assert fresh.used.sum() == U - 10 and fresh.votes == 5
    for k, stop in (("1", 1), ("3", 3), ("all", 5)):
        for u in (0, 7, 311):
            rows = np.flatnonzero(world.votes["utterance"] == world.names[u])
            a = fit_dirichlet_multinomial(world.counts[world.blocks != world.blocks[u]])
            losses = []
            for deal in range(DEALS):
                given = np.bincount(label[rows[place[rows, deal] < stop]], minlength=3) + a
                target = label[rows[place[rows, deal] == 5]]
                losses.append(-np.log(given[target] / given.sum()).item())
            assert fresh.losses[HUMAN, k, 0][u] == pytest.approx(np.mean(losses))


def test_votes_of_the_same_pool_are_worth_themselves(fresh):
    # one human and two fresh votes say as much as three human ones
    for labels in (POOLED, WEIGHTED):
        assert fresh.losses[labels, "1", 2].mean() == pytest.approx(fresh.losses[HUMAN, "3", 0].mean(), abs=0.02)
    assert fresh.losses[HUMAN, "1", 0].mean() - fresh.losses[HUMAN, "3", 0].mean() > 0.06


def test_more_votes_of_either_kind_never_hurt_if_they_are_of_the_pool(fresh):
    for labels in (POOLED, WEIGHTED):
        grid = np.array([
            [fresh.losses[labels if m else HUMAN, k, m].mean() for m in (0, 1, 2)] for k in ("1", "3", "all")
        ])  # fmt: skip
        assert (np.diff(grid, axis=0) < 0).all() and (np.diff(grid, axis=1) < 0).all()


def test_noise_is_given_no_weight_and_spoils_the_plain_pool(noise):
    for k in ("1", "3", "all"):
        human = noise.losses[HUMAN, k, 0].mean()
        assert noise.losses[WEIGHTED, k, 10].mean() == pytest.approx(human, abs=0.005)
        assert noise.losses[POOLED, k, 10].mean() > human + 0.05


def test_numbers_that_are_not_possible_are_left_out(world):
    surface = world.surface(world.draws(world.truth, 2), human=(1, 5, 9, "all"), synthetic=(0, 2, 50))
    assert surface.human == ["1", "5", "all"] and surface.synthetic == [0, 2]
    assert {m for _, _, m in surface.losses} == {0, 2}
    # with six votes all but the last are five
    np.testing.assert_array_equal(surface.losses[HUMAN, "5", 0], surface.losses[HUMAN, "all", 0])


def test_too_few_votes_are_said_to_be_too_few():
    with pytest.raises(UserError, match=r"v\.parquet: fewer than half .* more than 2 human votes.*costs\.human"):
        possible_numbers(np.array([2, 2, 3]), [2, 3], "v.parquet")
    assert possible_numbers(np.array([1, 3, 4]), [1, 2, 3, "all"], "v") == [1, 2]
    with pytest.raises(UserError, match="more than 1 human votes"):
        possible_numbers(np.array([1, 1]), ["all"], "v")
