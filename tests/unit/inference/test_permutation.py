import numpy as np
import pytest
import scipy.stats

from scaling_ambiguity.inference.permutation import sign_flip_test

RNG = np.random.default_rng(2)
SETTINGS = {"resamples": 4000, "seed": 5}


@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
def test_equals_scipys_exact_test(alternative):
    values = RNG.normal(0.4, 1, (9, 2))
    found = sign_flip_test(values, np.arange(9), alternative=alternative, **SETTINGS)
    for column in range(2):
        theirs = scipy.stats.permutation_test(
            (values[:, column],), lambda x, axis: x.mean(axis=axis), vectorized=True, permutation_type="samples",
            alternative=alternative, n_resamples=np.inf,
        )  # fmt: skip
        assert found.p[column] == pytest.approx(theirs.pvalue, abs=1e-10)
    assert np.isnan(found.p_least), "every pattern was looked at"


def test_clusters_flip_whole():
    clusters = np.repeat(np.arange(8), 5)
    values, weights = RNG.normal(0.2, 1, 40), RNG.uniform(0.5, 2, 40)
    totals = np.bincount(clusters, weights * values)
    whole = sign_flip_test(values, clusters, weights=weights, **SETTINGS)
    assert whole.p[0] == sign_flip_test(totals, np.arange(8), **SETTINGS).p[0]
    assert whole.estimate[0] == pytest.approx(np.average(values, weights=weights))


def test_random_patterns_come_close_to_the_exact_p():
    values = RNG.normal(0.45, 1, 15)
    exact = scipy.stats.permutation_test(
        (values,), lambda x, axis: x.mean(axis=axis), vectorized=True, permutation_type="samples", n_resamples=np.inf
    ).pvalue
    found = sign_flip_test(values, np.arange(15), resamples=20000, seed=1)
    assert found.p_least == 1 / 20001
    assert found.p[0] == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 20000))


def test_level_with_few_skewless_clusters():
    values = np.repeat(RNG.normal(size=(10, 2000)), 3, axis=0) + RNG.normal(size=(30, 2000))
    p = sign_flip_test(values, np.repeat(np.arange(10), 3), **SETTINGS).p
    assert (p <= 0.05).mean() == pytest.approx(0.05, abs=0.015)
    assert (sign_flip_test(values + 1.5, np.repeat(np.arange(10), 3), **SETTINGS).p <= 0.05).mean() > 0.9


def test_edges_and_refusals():
    assert sign_flip_test(np.zeros(6), np.arange(6), **SETTINGS).p[0] == 1
    assert sign_flip_test(np.ones(6), np.arange(6), **SETTINGS).p[0] == 2 / 64
    masked = sign_flip_test([1.0, np.nan, 2.0], [0, 1, 2], weights=[1, 0, 1], **SETTINGS)
    assert masked.n_clusters == 2 and masked.estimate[0] == 1.5
    with pytest.raises(ValueError, match="row 1"):
        sign_flip_test([1.0, np.nan], [0, 1], **SETTINGS)
    with pytest.raises(ValueError, match="alternative"):
        sign_flip_test([1.0, 2.0], [0, 1], alternative="both", **SETTINGS)
    with pytest.raises(ValueError, match="no row"):
        sign_flip_test([1.0, 2.0], [0, 1], weights=[0, 0], **SETTINGS)
