"""What algebra says about strategies, whatever the candidates: convexity, diversity, limits, symmetries, bounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize

from scaling_ambiguity.evaluation.scaling import raised
from scaling_ambiguity.metrics.arrays import histogram
from scaling_ambiguity.metrics.divergences import bhattacharyya, jsd_bits
from scaling_ambiguity.testtime.combining import equal_weights, mixed, softmax_weights, top_weights
from scaling_ambiguity.testtime.controls import (
    log_pool,
    mean,
    mean_of_subsets,
    medoid_weights,
    random_pick_loss,
    shrunk,
    trimmed,
)
from scaling_ambiguity.testtime.losses import LOSSES, candidate_losses
from scaling_ambiguity.testtime.oracle import GAP, mean_logarithm, oracle_hull, oracle_pick

CLASSES = 4
CONVEX = list(LOSSES)


@st.composite
def pools(draw, least=1, most=6):
    """Candidates (U, K, C), weights (U, K) and votes (U, C), with zeros and ties among them."""
    utterances, candidates = draw(st.integers(1, 4)), draw(st.integers(least, most))
    shares = arrays(np.int64, (utterances, candidates, CLASSES), elements=st.integers(0, 20))
    weights = arrays(np.float64, (utterances, candidates), elements=st.floats(0, 1))
    votes = arrays(np.int64, (utterances, CLASSES), elements=st.integers(0, 5))
    q, w, counts = draw(shares) + 0.0, draw(weights), draw(votes) + 0.0
    q[..., 0] += q.sum(axis=-1) == 0
    w[:, 0] += w.sum(axis=1) == 0
    counts[:, 0] += counts.sum(axis=1) == 0
    return q / q.sum(axis=-1, keepdims=True), w / w.sum(axis=1, keepdims=True), counts


@given(pools())
@settings(deadline=None)
@pytest.mark.parametrize("name", CONVEX)
def test_a_combination_is_no_worse_than_a_random_pick_with_its_weights(name, made):
    q, w, counts = made
    # the floor of the NLL cuts below and normalises: it is convex where nothing is floored
    q = 0.98 * q + 0.02 / CLASSES if name == "nll" else q
    picked = (w * candidate_losses(name, q, counts, 0.001)).sum(axis=1)
    assert (LOSSES[name](mixed(w, q), counts, 0.001) <= picked + 1e-12).all()


@given(pools())
@settings(deadline=None)
def test_the_gain_of_averaging_in_brier_is_the_diversity(made):
    q, _, counts = made
    p, centre = histogram(counts)[:, None], q.mean(axis=1)
    gain = ((q - p) ** 2).sum(axis=2).mean(axis=1) - ((centre[:, None] - p) ** 2)[:, 0].sum(axis=1)
    np.testing.assert_allclose(gain, ((q - centre[:, None]) ** 2).sum(axis=2).mean(axis=1), atol=1e-12)


@given(pools(least=2, most=5))
@settings(deadline=None, max_examples=40)
@pytest.mark.parametrize("name", ["jsd_bits", "brier", "total_variation", "one_minus_bhattacharyya", "nll"])
def test_the_mean_of_more_candidates_is_no_worse_on_average_over_subsets(name, made):
    q, _, counts = made
    q = 0.98 * q + 0.02 / CLASSES if name == "nll" else q
    curve = mean_of_subsets(name, q, counts, 0.001)
    assert (np.diff(curve, axis=1) <= 1e-12).all()


@given(pools(), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_temperatures_go_from_the_pick_to_the_mean(made, seed):
    q, _, _ = made
    scores = np.random.default_rng(seed).normal(size=q.shape[:2])
    valid = np.ones(scores.shape, dtype=bool)
    np.testing.assert_allclose(softmax_weights(scores, valid, np.inf), equal_weights(valid), atol=1e-15)
    np.testing.assert_allclose(softmax_weights(scores, valid, 1e12), equal_weights(valid), atol=1e-9)
    np.testing.assert_allclose(softmax_weights(scores, valid, 0.0), top_weights(scores, valid, share_ties=True))
    np.testing.assert_allclose(softmax_weights(scores, valid, 1e-9), softmax_weights(scores, valid, 0.0), atol=1e-9)
    tau = np.linspace(0.1, 3, len(q))
    expected = np.exp(scores / tau[:, None])
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(softmax_weights(scores, valid, tau), expected, atol=1e-12)


@given(pools(most=1))
@settings(deadline=None)
def test_one_candidate_makes_all_equal(made):
    q, _, counts = made
    valid = np.ones(q.shape[:2], dtype=bool)
    values = [mean(q, valid), trimmed(q, valid)]
    for weights in (
        medoid_weights(q, valid),
        top_weights(valid * 1.0, valid, share_ties=False),
        oracle_pick(q, valid, counts, "jsd_bits", 0.001),
        oracle_hull(q, valid, counts, "brier")[0],
    ):
        values.append(mixed(weights, q))
    for value in values:
        np.testing.assert_allclose(value, q[:, 0], atol=1e-12)
    np.testing.assert_allclose(log_pool(q, valid, 1e-12), q[:, 0], atol=1e-10)


@given(pools(least=2), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_a_duplicate_doubles_its_weight_and_moves_the_mean_by_the_formula(made, seed):
    q, _, _ = made
    scores = np.random.default_rng(seed).normal(size=q.shape[:2])
    more, again = np.concatenate([q, q[:, :1]], axis=1), np.concatenate([scores, scores[:, :1]], axis=1)
    valid, wider = np.ones(scores.shape, dtype=bool), np.ones(again.shape, dtype=bool)
    w, doubled = softmax_weights(scores, valid, 0.7), softmax_weights(again, wider, 0.7)
    both = doubled[:, 0] + doubled[:, -1]
    np.testing.assert_allclose(both / doubled[:, 1], 2 * w[:, 0] / w[:, 1], rtol=1e-9)
    moved = mean(more, wider) - mean(q, valid)
    np.testing.assert_allclose(moved, (q[:, 0] - q.mean(axis=1)) / (q.shape[1] + 1), atol=1e-12)


@given(pools(least=2), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_candidates_and_classes_changes_nothing(made, random):
    q, w, counts = made
    candidates, classes = list(range(q.shape[1])), list(range(CLASSES))
    random.shuffle(candidates)
    random.shuffle(classes)
    other, valid = q[:, candidates][:, :, classes], np.ones(q.shape[:2], dtype=bool)
    pairs = [(mean(q, valid), mean(other, valid)), (trimmed(q, valid), trimmed(other, valid))]
    pairs += [(log_pool(q, valid, 0.01), log_pool(other, valid, 0.01))]
    pairs += [(mixed(w, q), mixed(w[:, candidates], other))]
    pairs += [(mixed(medoid_weights(q, valid), q), mixed(medoid_weights(other, valid), other))]
    both = ((q, counts), (other, counts[:, classes]))
    pairs += [tuple(mixed(oracle_pick(x, valid, n, "jsd_bits", 0.001), x) for x, n in both)]
    for first, second in pairs:
        np.testing.assert_allclose(first[:, classes], second, atol=1e-9)


@given(pools(least=2))
@settings(deadline=None)
@pytest.mark.parametrize("name", ["jsd_bits", "brier"])
def test_the_hull_is_below_every_combination_and_the_best_pick_below_every_pick(name, made):
    q, w, counts = made
    valid, loss = np.ones(q.shape[:2], dtype=bool), LOSSES[name]
    weights, gap = oracle_hull(q, valid, counts, name)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-12)
    hull = loss(mixed(weights, q), counts, 0.001)
    pick = candidate_losses(name, q, counts, 0.001)
    best = loss(mixed(oracle_pick(q, valid, counts, name, 0.001), q), counts, 0.001)
    assert (gap <= 1e-9).all()
    assert (hull <= loss(mixed(w, q), counts, 0.001) + 1e-9).all()
    assert (hull <= best + 1e-9).all() and (best <= pick.min(axis=1) + 1e-12).all()
    assert (best <= random_pick_loss(pick, valid) + 1e-12).all()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("jsd_bits", lambda m, n: LOSSES["jsd_bits"](m, n, 0)),
        ("brier", lambda m, n: LOSSES["brier"](m, n, 0)),
        ("nll", mean_logarithm),
    ],
)
@pytest.mark.parametrize("candidates", [2, 5, 7])
def test_the_hull_is_what_scipy_finds(loose, name, value, candidates):
    q, counts = loose(30, candidates, seed=candidates)
    weights, gap = oracle_hull(q, np.ones(q.shape[:2], dtype=bool), counts, name)
    found = value(mixed(weights, q), counts)
    for row in range(len(q)):
        tried = minimize(
            lambda w, row=row: float(value((np.abs(w) / np.abs(w).sum() @ q[row])[None], counts[[row]])[0]),
            np.full(candidates, 1 / candidates), method="SLSQP", bounds=[(0, 1)] * candidates,
            constraints={"type": "eq", "fun": lambda w: w.sum() - 1}, options={"ftol": 1e-14, "maxiter": 500},
        )  # fmt: skip
        assert found[row] <= tried.fun + 1e-9, "no worse than scipy"
        assert found[row] >= tried.fun - 1e-5, "and scipy comes as low"
    assert (gap <= 1e-9).all() and GAP < 1e-9


def test_a_combination_may_beat_the_best_candidate_but_not_the_hull(loose):
    q, _ = loose(1, 2)
    q[0] = [[1, 0, 0, 0], [0, 1, 0, 0]]
    counts, valid = np.array([[5.0, 5, 0, 0]]), np.ones((1, 2), dtype=bool)
    assert jsd_bits(mean(q, valid), histogram(counts)) < candidate_losses("jsd_bits", q, counts, 0.001).min() - 0.3
    np.testing.assert_allclose(mixed(oracle_hull(q, valid, counts, "jsd_bits")[0], q), histogram(counts), atol=1e-9)


def test_rejected_candidates_have_no_part(loose):
    q, counts = loose(50, 6)
    valid = np.random.default_rng(2).random(q.shape[:2]) < 0.6
    valid[0] = False
    q = np.where(valid[:, :, None], q, 0.0)
    scores = np.random.default_rng(3).normal(size=valid.shape)
    for weights in (
        equal_weights(valid),
        softmax_weights(scores, valid, 0.5),
        top_weights(scores, valid, share_ties=False),
        medoid_weights(q, valid),
        oracle_pick(q, valid, counts, "nll", 0.001),
        oracle_hull(q, valid, counts, "brier")[0],
    ):
        assert (weights[~valid] == 0).all()
        np.testing.assert_allclose(weights.sum(axis=1), valid.any(axis=1), atol=1e-12)
    row = 7
    kept = q[row, valid[row]][None]
    for function in (mean, trimmed, lambda x, y: log_pool(x, y, 0.001)):
        every = np.ones(kept.shape[:2], dtype=bool)
        np.testing.assert_allclose(function(q, valid)[row], function(kept, every)[0], atol=1e-12)
        assert (function(q, valid)[0] == 0).all(), "nothing is made up where there is nothing"


def test_formulas_of_controls_by_hand():
    q = np.array([[[0.7, 0.2, 0.1], [0.5, 0.4, 0.1], [0.3, 0.3, 0.4], [0.1, 0.1, 0.8], [0.6, 0.3, 0.1]]])
    valid = np.ones((1, 5), dtype=bool)
    # one of five is left out at each end: means of (.3 .5 .6), (.2 .3 .3), (.1 .1 .4)
    by_class = np.array([1.4, 0.8, 0.6]) / 3
    np.testing.assert_allclose(trimmed(q, valid)[0], by_class / by_class.sum(), atol=1e-12)
    product = np.prod(q[0], axis=0) ** 0.2
    np.testing.assert_allclose(log_pool(q, valid, 1e-9)[0], product / product.sum(), atol=1e-12)
    np.testing.assert_allclose(raised(np.array([[0.8, 0.2]]), 2.0, 0.001), [[0.64 / 0.68, 0.04 / 0.68]], atol=1e-12)
    np.testing.assert_allclose(raised(np.array([[1.0, 0.0]]), 1.0, 0.001), [[1.0, 0.0]], atol=0)
    np.testing.assert_allclose(shrunk(np.array([[0.5, 0.5]]), 6, np.array([[1.0, 3.0]])), [[0.4, 0.6]], atol=1e-12)
    sums = [sum(jsd_bits(a, b) for b in q[0]) for a in q[0]]
    assert medoid_weights(q, valid)[0].argmax() == int(np.argmin(sums))
    np.testing.assert_allclose(random_pick_loss(np.array([[1.0, 2.0, 6.0]]), np.array([[True, False, True]])), [3.5])


def test_weighted_may_lose_in_what_is_not_convex():
    """The distance, unlike the divergence, is no convex function: a mean may be worse than a random pick."""
    p, q = np.array([1.0, 0, 0]), np.array([[1.0, 0, 0], [0, 1, 0]])
    picked = np.sqrt(jsd_bits(p, q)).mean()
    assert np.sqrt(jsd_bits(p, q.mean(axis=0))) > picked
    assert bhattacharyya(p, q.mean(axis=0)) >= bhattacharyya(p, q).mean(), "the coefficient is concave"


def test_diversity_by_hand():
    from scaling_ambiguity.testtime.diversity import diversity
    from scaling_ambiguity.testtime.worlds import pool_of

    a, b, c = np.eye(4)[:3]
    q = np.array([[a, b, c], [(a + b) / 2] * 3, [a, a, b]])
    found = diversity(pool_of(q, None))
    np.testing.assert_allclose(found.jsd, [1, 0, 2 / 3], atol=1e-12)
    np.testing.assert_allclose(found.distinct, [1, 1 / 3, 2 / 3], atol=1e-12)
    shares = np.array([2 / 3, 1 / 3])
    np.testing.assert_allclose(found.vendi, [3, 1, np.exp(-(shares * np.log(shares)).sum())], atol=1e-9)
