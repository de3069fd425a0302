from functools import partial

import numpy as np
import pytest

from scaling_ambiguity.inference import draws, exchange
from scaling_ambiguity.inference.bootstrap import mean_interval
from scaling_ambiguity.labels.calibrating import calibrate, log_loss
from scaling_ambiguity.labels.dirichlet import expected_nll, fit_dirichlet_multinomial, posterior_mean
from scaling_ambiguity.labels.others import Others, from_others, speaker_blocks
from scaling_ambiguity.metrics.scores import nll_votes

DEALS, LARGEST = 20, 5
SETTINGS = {"resamples": 1000, "seed": 1, "level": 0.95, "method": "bootstrap_t"}


class World:
    """Votes from known distributions; the curve of human votes on the utterances with more than five."""

    def __init__(self, seed, utterances=480, speakers=12):
        rng = np.random.default_rng(seed)
        speaker = np.arange(utterances) % speakers
        v = 0.9 * rng.dirichlet([0.8, 0.45, 0.33, 0.22], utterances)
        v += 0.1 * rng.dirichlet(np.full(4, 12.0), speakers)[speaker]
        n = rng.integers(3, 11, utterances)
        label = (rng.random((utterances, 10, 1)) >= np.cumsum(v, axis=1)[:, None, :-1]).sum(axis=-1)
        table = np.where(np.arange(10) < n[:, None], label, -1)
        self.all = draws.first_counts(table, np.zeros_like(table), 10, 4)
        self.all_blocks = speaker_blocks(speaker)
        used = n > LARGEST
        self.names = [f"w{seed}_{i}" for i in np.flatnonzero(used)]
        self.v, self.speaker, self.blocks = v[used], speaker[used], self.all_blocks[used]
        self.a = from_others(self.all, self.all_blocks, fit_dirichlet_multinomial)[used]
        pools = draws.subsets(table[used], self.names, list(range(1, LARGEST + 1)), DEALS, 4, 1, "human")
        self.human = [np.zeros_like(pools[0]), *pools]
        self.reference = self.all[used] - pools[-1]
        self.curve = np.stack([self.loss(h) for h in self.human], axis=1)

    def loss(self, votes):
        return nll_votes(posterior_mean(votes, self.a), self.reference, 0.001).mean(axis=0)

    def weigh(self, synthetic, k=0):
        return exchange.fit_weights(
            self.human[k],
            synthetic,
            np.broadcast_to(self.reference, synthetic.shape),
            Others(self.blocks, self.all, self.all_blocks),
        )

    def value(self, *losses):
        return exchange.equivalent_votes(self.curve, np.stack(losses, axis=1), by_cluster(self.speaker))


def by_cluster(clusters):
    return partial(mean_interval, clusters=clusters, **SETTINGS)


@pytest.fixture(scope="module")
def worlds():
    return [World(seed) for seed in range(12)]


def test_fresh_raters_are_worth_their_number(worlds):
    """Two fresh raters' votes are worth two votes: estimates near 2, intervals that cover it."""
    found = []
    for world in worlds:
        fresh = [draws.fresh_votes(world.v, world.names, k, DEALS, 1, f"fresh {k}") for k in (1, 2, 3)]
        found.append(world.value(*map(world.loss, fresh)))
    estimates = np.array([[value.estimate for value in row] for row in found])
    assert estimates.mean(axis=0) == pytest.approx([1, 2, 3], abs=0.25)
    covered = [row[1].low <= 2 <= (5 if np.isnan(row[1].high) else row[1].high) for row in found]
    assert sum(covered) >= 10  # of 12; fewer than ten has a chance of 2 % at 95 % coverage


def test_fitted_weight_of_a_fresh_rater_is_one(worlds):
    found = [w.weigh(draws.fresh_votes(w.v, w.names, 2, DEALS, 1, "fresh"), k=2) for w in worlds]
    assert np.mean([weight.overall for weight in found]) == pytest.approx(1, abs=0.1)
    assert sum(weight.low <= 1 <= weight.high for weight in found) >= 10


def test_noise_and_another_utterances_votes_are_worth_nothing(worlds):
    world = worlds[0]
    noise = draws.fresh_votes(np.full_like(world.v, 0.25), world.names, 20, DEALS, 1, "noise")
    other = draws.fresh_votes(np.roll(world.v, 1, axis=0), world.names, 20, DEALS, 1, "other")
    for votes in (noise, other):
        weight = world.weigh(votes)
        assert weight.overall < 0.05
        raw, fitted = world.value(world.loss(votes), world.loss(weight.each[:, None] * votes))
        assert raw.estimate == 0 and raw.one_sided == "high"
        assert fitted.estimate < 0.3 and fitted.low == 0 and fitted.one_sided == "high"


def test_the_prior_alone_is_worth_no_vote_and_the_truth_more_than_all(worlds):
    world = worlds[0]
    prior, truth = world.value(world.curve[:, 0], world.loss(1e6 * world.v[None]))
    assert (prior.estimate, prior.low, prior.one_sided) == (0, 0, "high")
    assert truth.estimate == LARGEST and truth.one_sided == "low" and np.isnan(truth.high)


def test_an_echo_of_the_conditioning_votes_adds_nothing(worlds):
    """Repeating the majority of two votes: its weight beside them is far below that of fresh votes."""
    world = worlds[0]
    top = world.human[2] == world.human[2].max(axis=-1, keepdims=True)
    weight = world.weigh(2.0 * top / top.sum(axis=-1, keepdims=True), k=2)
    both = world.loss(world.human[2] + weight.each[:, None] * 2 * top / top.sum(axis=-1, keepdims=True))
    assert world.curve[:, 2].mean() - both.mean() < 0.1 * (world.curve[:, 2] - world.curve[:, 3]).mean()


def test_k_human_votes_are_worth_k(worlds):
    world = worlds[0]
    curve = exchange.decreasing(world.curve)
    found = world.value(curve[:, 1], curve[:, 3], (curve[:, 1] + curve[:, 2]) / 2)
    assert [value.estimate for value in found] == pytest.approx([1, 3, 1.5])


def test_curve_of_human_votes_follows_the_fitted_model(worlds):
    measured = np.mean([world.curve.mean(axis=0) for world in worlds], axis=0)
    fitted = np.mean([[expected_nll(fit_dirichlet_multinomial(w.all), k) for k in range(6)] for w in worlds], axis=0)
    assert measured == pytest.approx(fitted, abs=0.015)


def test_decreasing_pools_violators():
    curve = np.array([[3.0, 1.0, 2.0, 0.0], [3.0, 1.0, 1.6, 0.0]])
    assert exchange.decreasing(curve) == pytest.approx(np.array([[3, 1.5, 1.5, 0], [3, 1.3, 1.3, 0]]))


def test_a_single_cluster_has_no_interval(worlds):
    world = worlds[0]
    value = exchange.equivalent_votes(world.curve, world.curve[:, 1:2], by_cluster(np.zeros(len(world.curve))))[0]
    assert value.estimate == pytest.approx(1) and np.isnan(value.low)


def test_random_numbers_depend_on_the_name_alone():
    one, two = draws.uniforms(1, "x", ["a", "b", "c"], 50), draws.uniforms(1, "x", ["c", "a"], 50)
    assert np.array_equal(one[[2, 0]], two)
    assert not np.array_equal(one, draws.uniforms(2, "x", ["a", "b", "c"], 50))
    many = draws.uniforms(1, "x", [str(i) for i in range(200)], 100)
    assert many.mean() == pytest.approx(0.5, abs=0.01) and many.var() == pytest.approx(1 / 12, abs=0.003)


def test_subsets_are_nested_and_end_at_the_pool():
    table = np.array([[0, 1, 1, 2], [2, 2, -1, -1]])
    pools = draws.subsets(table, ["a", "b"], [1, 2, 4], 30, 3, 1, "x")
    assert (np.diff(pools, axis=0) >= 0).all()
    assert pools.sum(axis=-1)[:, 0].tolist() == [[1, 1], [2, 2], [4, 2]]
    assert (pools[-1] == [[1, 2, 1], [0, 0, 2]]).all()
    assert pools[0, :, 0].mean(axis=0) == pytest.approx([0.25, 0.5, 0.25], abs=0.25)


def test_the_ends_are_where_the_intervals_ends_cross_zero_and_not_grid_points(worlds):
    """A search of all k on a grid of .002 votes: the ends are those crossings, linear between points of .05."""
    world = worlds[0]
    curve = exchange.decreasing(world.curve)
    interval = by_cluster(world.speaker)
    grid = np.arange(0, LARGEST + 0.001, 0.002)
    left = np.minimum(grid.astype(int), LARGEST - 1)
    losses = curve[:, left] * (1 - grid + left) + curve[:, left + 1] * (grid - left)
    off_grid = 0
    for k in (1, 2, 3):
        proxy = world.loss(draws.fresh_votes(world.v, world.names, k, DEALS, 1, f"fresh {k}"))
        every = interval(losses - proxy[:, None])
        kept = grid[(every.low <= 0) & (every.high >= 0)]
        value = exchange.equivalent_votes(world.curve, proxy[:, None], interval)[0]
        assert value.low == pytest.approx(kept.min(), abs=0.004)
        assert value.high == pytest.approx(kept.max(), abs=0.004) or (np.isnan(value.high) and kept.max() > 4.99)
        off_grid += abs(value.low / exchange.STEP - round(value.low / exchange.STEP)) > 0.02
    assert off_grid == 3


def test_a_very_sharp_interval_is_narrower_than_the_grid(worlds):
    """The grid has no admitted point at all, and the ends are still the crossings on either side of the estimate."""
    curve = np.tile([1.5, 1.2, 1.0, 0.9], (40, 1))
    noise = np.random.default_rng(1).normal(0, 1e-3, 40)
    value = exchange.equivalent_votes(curve, (1.1 + noise)[:, None], by_cluster(np.arange(40) % 10))[0]
    assert value.low < value.estimate < value.high < value.low + 0.02
    assert value.estimate == pytest.approx(1.5, abs=0.01)


def test_a_bound_is_never_finer_than_the_grid_nor_than_other_weights_allow(worlds):
    world = worlds[0]
    prior = world.curve[:, 0]
    value = world.value(prior)[0]
    assert (value.estimate, value.low, value.high) == (0, 0, exchange.STEP)
    rng = np.random.default_rng(0)
    other = prior[:, None] + rng.normal(0, [0.3, 1.0], (len(prior), 2))
    bound = exchange.bound_over_weights(value, world.curve, other, by_cluster(world.speaker))
    alone = exchange.equivalent_votes(world.curve, other, by_cluster(world.speaker))
    assert bound.high == max(one.high for one in alone) > value.high
    assert (bound.estimate, bound.low, bound.one_sided) == (0, 0, "high")


def mixed_up(world, m=10):
    """Votes of an annotator that swaps the second and third class, and says the fourth one as the first."""
    seen = np.array([[1, 0, 0, 0], [0, 0.1, 0.9, 0], [0, 0.9, 0.1, 0], [0.7, 0, 0, 0.3]])
    return draws.fresh_votes(world.v @ seen, world.names, m, DEALS, 1, "mixed up")


def calibrated(world, votes, penalties=None):
    reference = np.broadcast_to(world.reference, votes.shape)
    human = np.zeros_like(votes)
    found = calibrate(human, votes, reference, Others(world.blocks, world.all, world.all_blocks), penalties)
    together, b = found.votes(human, votes)
    return found, nll_votes(posterior_mean(together, b), world.reference, 0.001).mean(axis=0)


def test_calibration_undoes_a_known_confusion(worlds):
    world = worlds[0]
    votes = mixed_up(world)
    found, loss = calibrated(world, votes)
    m = found.m.mean(axis=0)
    assert m[1].argmax() == 2 and m[2].argmax() == 1 and (found.m >= 0).all()
    weighted = world.loss(world.weigh(votes).each[:, None] * votes)
    values = world.value(weighted, loss)
    assert values[1].estimate > values[0].estimate + 0.8


def test_calibrated_noise_is_worth_nothing(worlds):
    for world in worlds[:4]:
        noise = draws.fresh_votes(np.full_like(world.v, 0.25), world.names, 10, DEALS, 1, "noise")
        value = world.value(calibrated(world, noise)[1])[0]
        assert value.estimate < 0.1 and value.low == 0


def test_calibration_reads_other_speakers_alone(worlds):
    world = worlds[0]
    votes, changed = mixed_up(world), mixed_up(world)
    mine = world.blocks % 5 == 2
    changed[:, mine] = changed[:, mine][..., ::-1]
    first, second = (calibrated(world, v)[0] for v in (votes, changed))
    assert np.array_equal(first.m[2], second.m[2]) and not np.array_equal(first.m[1], second.m[1])


def test_a_control_is_known_no_better_than_a_twentieth_of_a_vote():
    sharp = exchange.EquivalentVotes(2.01, 2.0, 2.02, "no")
    assert (exchange.widened(sharp, 5).low, exchange.widened(sharp, 5).high) == pytest.approx((1.96, 2.06))
    wide = exchange.EquivalentVotes(2.0, 1.5, 2.5, "no")
    assert exchange.widened(wide, 5) == wide
    top = exchange.widened(exchange.EquivalentVotes(4.97, 4.96, 4.98, "no"), 5)
    assert np.isnan(top.high) and top.low == pytest.approx(4.92)


def test_an_infinite_penalty_is_the_weighted_predictor_and_gradients_are_right(worlds):
    world = worlds[0]
    found = calibrated(world, mixed_up(world), np.full(5, np.inf))[0]
    assert found.m[0] == pytest.approx(found.m[0, 0, 0] * np.eye(4))
    assert found.row_sum == pytest.approx(found.m[:, 0, 0].mean())
    rng = np.random.default_rng(0)
    h, s, t = rng.integers(0, 3, (20, 4)), rng.integers(0, 5, (20, 4)), rng.random((20, 4))
    m, b = rng.random((4, 4)), rng.random(4) + 0.1
    loss, slope_m, slope_b = log_loss(h, s, t, m, b)
    for i, j in ((0, 0), (2, 3)):
        step = np.zeros((4, 4))
        step[i, j] = 1e-6
        assert (log_loss(h, s, t, m + step, b)[0] - loss) / 1e-6 == pytest.approx(slope_m[i, j], abs=1e-5)
    more = b + np.array([1e-6, 0, 0, 0])
    assert (log_loss(h, s, t, m, more)[0] - loss) / 1e-6 == pytest.approx(slope_b[0], abs=1e-5)
