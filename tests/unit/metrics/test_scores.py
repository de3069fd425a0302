from pathlib import Path

import numpy as np
import pytest
import scipy.spatial.distance
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from scaling_ambiguity.metrics import arrays, classification, divergences, scores

SCRIPTS = Path(__file__).resolve().parents[3] / "workflow" / "scripts"
RNG = np.random.default_rng(0)
P, Q = RNG.dirichlet(np.full(5, 0.4), 300), RNG.dirichlet(np.full(5, 0.8), 300)
Q[:20, 0] = 0
Q /= Q.sum(axis=1, keepdims=True)


def test_nll_by_hand():
    # votes a, a, b under p = (.5, .25, .25): (2 ln 2 + ln 4) / 3
    value = scores.nll_votes([[0.5, 0.25, 0.25]], [[2, 1, 0]], floor=0)
    assert value == pytest.approx([(2 * np.log(2) + np.log(4)) / 3], abs=1e-12)


def test_nll_floor_keeps_an_unforeseen_vote_finite():
    # one-hot prediction, floor .01 of two classes: p = (1, .01) / 1.01
    assert scores.nll_votes([1.0, 0.0], [0, 1], floor=0.01) == pytest.approx(np.log(1.01 / 0.01))
    assert np.isinf(scores.nll_votes([1.0, 0.0], [0, 1], floor=0))


def test_brier_by_hand():
    # vote a: (.3^2 + .3^2); votes a and b: mean of .18 and .98
    assert scores.brier([0.7, 0.3], [1, 0]) == pytest.approx(0.18)
    assert scores.brier([0.7, 0.3], [1, 1]) == pytest.approx((0.18 + 0.98) / 2)


@pytest.mark.parametrize("score", [scores.nll_votes, scores.brier])
def test_per_vote_scores_are_proper_and_jsd_is_not(score):
    truth = np.array([0.7, 0.1, 0.1, 0.1])
    votes = RNG.multinomial(3, truth, 40_000)
    tops = np.linspace(0.5, 0.95, 46)
    guesses = np.stack([[t, *[(1 - t) / 3] * 3] for t in tops])
    best = tops[np.argmin([score(np.broadcast_to(g, votes.shape), votes).mean() for g in guesses])]
    assert best == pytest.approx(0.7, abs=0.02)
    histogram = arrays.histogram(votes)
    best = tops[np.argmin([divergences.jsd_bits(g, histogram).mean() for g in guesses])]
    assert best == pytest.approx(0.86, abs=0.02)


def test_scipy_agrees():
    distance = np.array([scipy.spatial.distance.jensenshannon(p, q, base=2) for p, q in zip(P, Q, strict=True)])
    np.testing.assert_allclose(divergences.js_distance(P, Q), distance, atol=1e-10)
    np.testing.assert_allclose(divergences.jsd_bits(P, Q), distance**2, atol=1e-10)
    np.testing.assert_allclose(divergences.entropy_bits(Q), scipy.stats.entropy(Q, base=2, axis=1), atol=1e-10)
    np.testing.assert_allclose(divergences.kl_bits(Q, P, 0), scipy.stats.entropy(Q, P, base=2, axis=1), atol=1e-10)
    cosine = [1 - scipy.spatial.distance.cosine(p, q) for p, q in zip(P, Q, strict=True)]
    np.testing.assert_allclose(divergences.cosine(P, Q), cosine, atol=1e-10)
    r2 = [scipy.stats.pearsonr(p, q).statistic ** 2 for p, q in zip(P, Q, strict=True)]
    np.testing.assert_allclose(divergences.r2_within(P, Q), r2, atol=1e-10)


def test_distances_by_hand():
    p, q = [1.0, 0.0], [0.0, 1.0]
    assert divergences.jsd_bits(p, q) == 1 and divergences.total_variation(p, q) == 1
    assert divergences.bhattacharyya(p, q) == 0 and divergences.bhattacharyya(p, p) == 1
    assert divergences.bhattacharyya([0.5, 0.5], [0.9, 0.1]) == pytest.approx(np.sqrt(0.45) + np.sqrt(0.05))
    assert divergences.entropy_gap([0.5, 0.5], p) == pytest.approx(1.0)
    assert divergences.normalised_entropy([0.25] * 4) == pytest.approx(1.0)
    assert divergences.r2_within([0.25] * 4, [1.0, 0, 0, 0]) == 0


weights = st.lists(st.floats(0, 1), min_size=4, max_size=4).filter(lambda w: sum(w) > 1e-3)


@settings(max_examples=300, deadline=None)
@given(weights, weights)
def test_jsd_lies_between_bhattacharyya_bounds(one, other):
    p, q = np.array(one) / sum(one), np.array(other) / sum(other)
    gap = 1 - divergences.bhattacharyya(p, q)
    assert gap - 1e-9 <= divergences.jsd_bits(p, q) <= 1.4427 * gap + 1e-9
    assert divergences.jsd_bits(p, q) == pytest.approx(divergences.jsd_bits(q, p), abs=1e-12)


def test_leading_shapes_broadcast():
    counts = RNG.multinomial(3, [0.25] * 4, (6, 10))
    p = RNG.dirichlet(np.ones(4), (1, 10))
    assert scores.nll_votes(np.broadcast_to(p, (6, 10, 4)), counts).shape == (6, 10)
    assert divergences.jsd_bits(p, arrays.histogram(counts)).shape == (6, 10)


@pytest.mark.parametrize("bad", [[0.5, 0.6], [np.nan, 1.0], [-0.1, 1.1]])
def test_a_bad_row_is_named(bad):
    with pytest.raises(ValueError, match="row 2"):
        divergences.entropy_bits([[0.5, 0.5], [0.5, 0.5], bad])
    with pytest.raises(ValueError, match="row 1"):
        scores.nll_votes([[0.5, 0.5]] * 2, [[1, 0], [0, 0]])


def test_ties_are_shared():
    # predicted tie, one of them right: half; any top class of the votes is right
    assert classification.accuracy([0.5, 0.5, 0], [2, 1, 0]) == pytest.approx(0.5)
    assert classification.accuracy([0.6, 0.4, 0], [2, 2, 1]) == pytest.approx(1.0)
    assert classification.accuracy([0.2, 0.3, 0.5], [2, 2, 1]) == 0


def test_brier_agrees_with_sklearn():
    from sklearn.metrics import brier_score_loss

    truth = RNG.integers(0, 5, len(P))
    expected = brier_score_loss(truth, P, labels=np.arange(5), scale_by_half=False)
    assert scores.brier(P, np.eye(5)[truth]).mean() == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("metric", [divergences.jsd_bits, divergences.cosine, divergences.kl_bits, scores.brier])
def test_tables_of_different_length_are_named(metric):
    with pytest.raises(ValueError, match=r"\(300, 5\).*\(299, 5\)"):
        metric(P, Q[:299])
