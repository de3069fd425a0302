"""Adaptive numbers of answers: the popular rule's bias, the bound of any allocation, and what a pilot attains of it."""

import numpy as np
import pytest
from scipy.stats import beta

from scaling_ambiguity.metrics.divergences import jsd_bits
from scaling_ambiguity.testtime.adaptive import (
    attainable_calls,
    least_calls,
    posterior_width,
    second_stage,
    stop_when_sure,
    two_stage_mean,
    vote_variance,
)
from scaling_ambiguity.testtime.controls import shrunk

# truth -> mean number of draws, expected share of its top class, JSD of the rule, of as many draws for all, of 20 draws
STOPPED = [
    ((0.6, 0.4), 15.1, 0.647, 0.056, 0.013, 0.010),
    ((0.7, 0.2, 0.1), 10.8, 0.775, 0.067, 0.044, 0.022),
    ((0.5, 0.3, 0.1, 0.1), 16.6, 0.542, 0.067, 0.040, 0.033),
    ((0.9, 0.1), 5.6, 0.939, 0.0375, 0.0383, 0.012),
]


@pytest.mark.parametrize(("truth", "number", "share", "by_rule", "as_many", "twenty"), STOPPED)
def test_stopping_when_sure_sharpens(truth, number, share, by_rule, as_many, twenty):
    runs, random = 20_000, np.random.default_rng(3)
    draws = random.choice(len(truth), p=truth, size=(runs, 20))
    stopped = stop_when_sure(draws, len(truth))
    q = stopped.counts / stopped.counts.sum(axis=1, keepdims=True)
    assert (stopped.counts.sum(axis=1) == stopped.number).all() and stopped.number.min() >= 3
    assert stopped.number.mean() == pytest.approx(number, abs=0.15)
    assert q[:, 0].mean() == pytest.approx(share, abs=0.005)
    error = q[:, 0] - truth[0]
    assert error.mean() > 5 * error.std() / runs**0.5, "the mode's share is too large"
    seen = np.eye(len(truth))[draws]
    fixed, all_draws = (seen[:, :n].mean(axis=1) for n in (round(number), 20))
    found = [jsd_bits(p, np.array(truth)).mean() for p in (q, fixed, all_draws)]
    assert found == pytest.approx([by_rule, as_many, twenty], abs=0.002)


def test_the_rule_stops_where_its_formula_says():
    draws = np.array([[0, 0, 0, 0, 0, 1, 1, 1], [0, 1, 0, 1, 0, 1, 0, 1]])
    stopped = stop_when_sure(draws, 2, threshold=0.95)
    sure = [1 - beta.cdf(0.5, (draws[0, :n] == 0).sum() + 1, (draws[0, :n] == 1).sum() + 1) for n in range(9)]
    first = next(n for n in range(3, 9) if sure[n] >= 0.95)
    assert stopped.number.tolist() == [first, 8] and stopped.counts[1].tolist() == [4, 4]


def test_no_allocation_saves_more_than_the_bound():
    random = np.random.default_rng(1)
    variance = vote_variance(random.dirichlet(np.full(4, 0.1), 20_000))
    assert least_calls(variance) == pytest.approx(0.685, abs=0.01)
    assert least_calls(vote_variance(random.dirichlet(np.full(4, 0.3), 20_000))) == pytest.approx(0.92, abs=0.005)
    assert least_calls(np.full(10, 0.4)) == pytest.approx(1)
    uniform = variance.mean() / 10
    for power in (0.25, 0.5, 0.8, 1.0):
        calls = variance**power / (variance**power).mean() * 10
        saved = (variance / np.maximum(calls, 1e-12)).mean() / uniform
        assert saved >= least_calls(variance) - 1e-9
        assert power != 0.5 or saved == pytest.approx(least_calls(variance), rel=1e-6)


@pytest.mark.parametrize(("alpha", "calls"), [(0.1, 10), (0.1, 20), (0.3, 20), (0.7, 20)])
def test_two_stages_are_unbiased_and_attain_what_their_pilot_allows(alpha, calls):
    """A pilot of four attains a fifth to a third of Neyman's saving, as predicted, and never loses to uniform calls."""
    utterances, pilot_size, random = 150_000, 4, np.random.default_rng(2)
    p = random.dirichlet(np.full(4, alpha), utterances)
    pilot = random.multinomial(pilot_size, p).astype(float)
    prior = np.full(4, alpha)
    more = second_stage(pilot, prior, calls)
    assert more.min() >= 1 and more.sum() == (calls - pilot_size) * utterances
    second = random.multinomial(more, p).astype(float)
    estimate = two_stage_mean(pilot, second, prior, calls)
    top = p.argmax(axis=1)
    error = (estimate - p)[np.arange(utterances), top]
    assert abs(error.mean()) <= 3 * error.std() / utterances**0.5, "unbiased"
    pooled = (pilot + second) / (pilot + second).sum(axis=1, keepdims=True)
    off = (pooled - p)[np.arange(utterances), top]
    assert off.mean() > 3 * off.std() / utterances**0.5, "unlike the mean of all draws"
    variance = vote_variance(p)
    needed = ((estimate - p) ** 2).sum(axis=1).mean() * calls / variance.mean()
    known = vote_variance((pilot + prior) / (pilot_size + prior.sum()))
    assert needed == pytest.approx(attainable_calls(known, pilot_size, calls), abs=0.012)
    assert least_calls(variance) < needed < 1.01
    attained = (1 - needed) / (1 - least_calls(variance))
    assert attained < 0.5, "far from the bound, which knows every variance beforehand"


def test_a_second_stage_needs_calls():
    with pytest.raises(ValueError, match="leave no second stage"):
        second_stage(np.array([[4.0, 0.0]]), np.ones(2), 4.5)


def test_shrinkage_is_worth_calls():
    """Ten draws shrunk to the fitted prior come close to fifteen raw ones where the prior is informative."""
    random, a = np.random.default_rng(5), np.array([1.7, 0.5, 0.4, 0.25])
    p = random.dirichlet(a, 20_000)
    draws = random.multinomial(5, p, size=(4, 20_000)).cumsum(axis=0).astype(float)  # 5, 10, 15, 20 draws
    raw = [jsd_bits(n / n.sum(axis=1, keepdims=True), p).mean() for n in draws]
    ours = [jsd_bits((n + a) / (n + a).sum(axis=1, keepdims=True), p).mean() for n in draws]
    same = shrunk(draws[1] / 10, 10, np.broadcast_to(a, draws[1].shape))
    assert jsd_bits(same, p).mean() == pytest.approx(ours[1], abs=1e-12)
    assert (np.array(ours) < raw).all() and ours[1] < raw[2] + 0.002 and ours[2] < raw[3] + 0.001


def test_on_votes_like_those_of_cremad_little_is_saved_by_allocation_and_much_by_shrinkage():
    """The Dirichlet-multinomial fit to CREMA-D's votes on the voice, six classes."""
    random, a = np.random.default_rng(0), np.array([0.336, 0.435, 0.36, 0.183, 1.208, 0.326])
    p = random.dirichlet(a, 60_000)
    assert least_calls(vote_variance(p)) == pytest.approx(0.972, abs=0.004)
    raw, ours = {}, {}
    for n in (10, 15, 20):
        draws = random.multinomial(n, p).astype(float)
        raw[n] = jsd_bits(draws / n, p).mean()
        ours[n] = jsd_bits(shrunk(draws / n, n, np.broadcast_to(a, p.shape)), p).mean()
    assert (ours[15], raw[20]) == pytest.approx((0.0385, 0.0388), abs=0.0015)
    assert (ours[10], raw[15]) == pytest.approx((0.0520, 0.0505), abs=0.0015)


def test_the_posterior_width_is_the_trace_of_the_posterior_covariance():
    counts, a = np.array([[3.0, 1.0, 0.0]]), np.array([[0.5, 0.5, 1.0]])
    draws = np.random.default_rng(6).dirichlet((counts + a)[0], 400_000)
    assert posterior_width(counts, a)[0] == pytest.approx(draws.var(axis=0).sum(), rel=0.01)
