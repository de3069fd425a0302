"""The Dirichlet mixture against draws and scipy; costs by hand; which strategies are worth their price."""

import numpy as np
import pytest
from scipy.stats import dirichlet_multinomial

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.testtime.accounting import (
    Size,
    Usage,
    affordable,
    flop,
    matched_difference,
    pareto_front,
    strategy_usage,
)
from scaling_ambiguity.testtime.combining import equal_weights
from scaling_ambiguity.testtime.crossfit import hold_out
from scaling_ambiguity.testtime.mixture import log_dirichlet_multinomial, mixture, score_mixture
from scaling_ambiguity.testtime.worlds import dirichlet_rows, pool_of, simulated_pool


def test_moments_are_those_of_draws():
    q = np.array([[[0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [0.3, 0.3, 0.4]]])
    w = np.array([[0.5, 0.3, 0.2]])
    mixed = mixture(w, q, 4.0, 0.6)
    random = np.random.default_rng(1)
    component = random.choice(3, p=w[0], size=400_000)
    draws = np.concatenate([random.dirichlet(mixed.alpha[0, b], (component == b).sum()) for b in range(3)])
    np.testing.assert_allclose(mixed.mean()[0], draws.mean(axis=0), atol=3e-3)
    np.testing.assert_allclose(mixed.covariance()[0], np.cov(draws.T), atol=2e-3)
    assert mixed.spread()[0] == pytest.approx(draws.var(axis=0).sum(), rel=0.01)
    # the mean: sum_b w_b (s q_b + a / C) / (s + a); without an offset that of the plain weighted mean, whatever s
    np.testing.assert_allclose(mixed.mean()[0], (4 * w[0] @ q[0] + 0.2) / 4.6, atol=1e-12)
    for size in (0.5, 4.0, 200.0):
        np.testing.assert_allclose(mixture(w, q, size, 1e-12).mean()[0], w[0] @ q[0], atol=1e-9)


def test_the_log_score_is_that_of_scipy():
    random = np.random.default_rng(2)
    q, w = random.dirichlet(np.ones(4), (6, 3)), random.dirichlet(np.ones(3), 6)
    counts = random.multinomial(7, np.full(4, 0.25), 6).astype(float)
    mixed = mixture(w, q, 5.0, 0.5)
    for row in range(6):
        parts = [dirichlet_multinomial.logpmf(counts[row].astype(int), a, 7) for a in mixed.alpha[row]]
        assert mixed.log_score(counts)[row] == pytest.approx(np.log(w[row] @ np.exp(parts)), abs=1e-10)
    every = np.array([[a, b, 3 - a - b] for a in range(4) for b in range(4 - a)], float)
    assert np.exp(log_dirichlet_multinomial(every, np.array([0.3, 1.0, 2.0]))).sum() == pytest.approx(1)


def test_a_mixture_knows_more_than_its_mean_only_where_one_candidate_is_right():
    """Truths at one of two candidates: votes of an utterance agree, which a single Dirichlet of the mean cannot say."""
    random = np.random.default_rng(3)
    either = np.tile([[[0.95, 0.03, 0.02], [0.02, 0.03, 0.95]]], (1500, 1, 1))
    truth = either[np.arange(1500), random.integers(0, 2, 1500)]
    speakers = np.array([f"s{i % 20}" for i in range(1500)])
    votes = hold_out(random.multinomial(6, truth).astype(float), speakers, floor=0.001, seed=1)
    w = np.full((1500, 2), 0.5)
    sharp = score_mixture(w, either, votes)
    assert (sharp.mixture - sharp.single).mean() > 0.15 and np.median(sharp.size) >= 16
    # truths that scatter around the mean of the candidates: there the mixture knows nothing more
    around = dirichlet_rows(8 * either.mean(axis=1), 1, random)[:, 0]
    votes = hold_out(random.multinomial(6, around).astype(float), speakers, floor=0.001, seed=1)
    dull = score_mixture(w, either, votes)
    assert (dull.mixture - dull.single).mean() < 0.02
    world = simulated_pool(1500, 5, seed=1)
    votes = hold_out(world.votes(6), world.speakers, floor=0.001, seed=1)
    found = score_mixture(equal_weights(world.pool.valid), world.pool.q, votes)
    assert np.isfinite(found.mixture).all() and (found.spread > 0).all() and (found.spread < 1).all()


def usage(requests, rows, prefill, decode, seconds=0.0):
    return Usage(*(np.array([float(value)]) for value in (requests, rows, prefill, decode, seconds)))


def of_first(found):
    return [v[0] for v in (found.requests, found.encoder_rows, found.prefill_tokens, found.decode_tokens)]


def test_a_strategy_pays_for_all_that_it_reads_once():
    parts = {"beam": usage(1, 1, 400, 100, 2), "verifier:beam": usage(2, 2, 900, 6, 1)}
    picked = strategy_usage("alm_v", ("beam", "verifier:beam", "beam"), parts)
    assert of_first(picked) == [3, 3, 1300, 106]
    assert flop(picked, Size(7e9, 1e12))[0] == pytest.approx(2 * 7e9 * 1406 + 3e12)
    with pytest.raises(UserError, match=r"strategy cot: no record of what reasoned cost\. Record it"):
        strategy_usage("cot", ("reasoned",), parts)


def test_the_front_and_the_matched_line():
    cost, loss = np.array([1.0, 2, 3, 3, np.nan, 1]), np.array([5.0, 4, 4.5, 3, 1, 5])
    assert pareto_front(cost, loss).tolist() == [True, True, False, True, False, True]
    assert affordable(5.0, {1: 1.0, 5: 5.0, 10: 10.0}) == 5 and affordable(0.5, {1: 1.0}) is None
    of_n = {1: (1.0, np.array([2.0, 2.0])), 4: (4.0, np.array([1.0, 1.5]))}
    n, beyond = matched_difference(np.array([1.5, 1.0]), 5.0, of_n)
    assert n == 4 and beyond.tolist() == [0.5, -0.5]
    n, beyond = matched_difference(np.array([1.5, 1.0]), 0.1, of_n)
    assert n is None and np.isnan(beyond).all()


def test_pools_may_have_any_number_of_classes():
    assert pool_of(np.full((2, 3, 6), 1 / 6), None).classes == ("c0", "c1", "c2", "c3", "c4", "c5")
