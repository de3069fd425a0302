import numpy as np
import pytest
import scipy.stats

from scaling_ambiguity.inference.adjust import adjust
from scaling_ambiguity.inference.bootstrap import cluster_weights, mean_interval, moment_interval
from scaling_ambiguity.inference.correlation import pearson, pearson_moments
from scaling_ambiguity.seeds import generator

SETTINGS = {"resamples": 2000, "seed": 7}
RNG = np.random.default_rng(1)
CLUSTERS = np.repeat(np.arange(12), RNG.integers(20, 60, 12))
VALUES = RNG.beta(1, 4, (len(CLUSTERS), 3)) + RNG.normal(0, 0.05, (12, 3))[CLUSTERS]


def cluster_totals(values):
    sums = np.zeros((12, 3))
    np.add.at(sums, CLUSTERS, values)
    return sums, np.bincount(CLUSTERS)


def test_weights_are_multinomial_and_reproducible():
    weights = cluster_weights(12, 500, 3)
    assert weights.shape == (500, 12) and (weights.sum(axis=1) == 12).all()
    assert np.array_equal(weights, cluster_weights.__wrapped__(12, 500, 3))
    assert not np.array_equal(weights, cluster_weights(12, 500, 4))


def test_standard_error_equals_scipys_on_identical_resamples():
    sums, sizes = cluster_totals(VALUES)
    ours = mean_interval(VALUES, CLUSTERS, method="percentile", **SETTINGS)
    for column in range(3):
        scipys = scipy.stats.bootstrap(
            (sums[:, column], sizes),
            lambda s, n, axis: s.sum(axis=axis) / n.sum(axis=axis),
            paired=True,
            n_resamples=2000,
            method="percentile",
            rng=generator(7, "cluster bootstrap"),
        )
        assert ours.se[column] == pytest.approx(scipys.standard_error, rel=1e-10)
        interval = scipys.confidence_interval
        assert (ours.low[column], ours.high[column]) == pytest.approx((interval.low, interval.high), rel=1e-10)


def test_studentised_interval_equals_the_slow_one():
    found = mean_interval(VALUES[:, 0], CLUSTERS, **SETTINGS)
    sums, sizes = cluster_totals(VALUES)
    sums = sums[:, 0]

    def mean_and_se(w):
        mean = (w * sums).sum() / (w * sizes).sum()
        return mean, np.sqrt(12 / 11 * (w * (sums - mean * sizes) ** 2).sum()) / (w * sizes).sum()

    mean, se = mean_and_se(np.ones(12))
    pairs = np.array([mean_and_se(w) for w in cluster_weights(12, 2000, 7)])
    t = (pairs[:, 0] - mean) / pairs[:, 1]
    assert found.estimate[0] == pytest.approx(mean)
    assert found.low[0] == pytest.approx(mean - np.quantile(t, 0.975) * se)
    assert found.high[0] == pytest.approx(mean - np.quantile(t, 0.025) * se)


def test_columns_do_not_depend_on_each_other_and_a_mask_equals_leaving_out():
    alone = mean_interval(VALUES[:, 1], CLUSTERS, **SETTINGS)
    among = mean_interval(VALUES, CLUSTERS, **SETTINGS)
    assert among.low[1] == pytest.approx(alone.low[0], rel=1e-12)
    keep = RNG.random(len(CLUSTERS)) > 0.3
    masked = mean_interval(np.where(keep, VALUES[:, 1], np.nan), CLUSTERS, weights=keep, **SETTINGS)
    fewer = mean_interval(VALUES[keep, 1], CLUSTERS[keep], **SETTINGS)
    assert (masked.low[0], masked.high[0], masked.n) == pytest.approx((fewer.low[0], fewer.high[0], fewer.n))


@pytest.mark.parametrize(("method", "least", "most"), [("bootstrap_t", 0.92, 0.98), ("percentile", 0.82, 0.935)])
def test_coverage_on_few_skewed_clusters(method, least, most):
    # 8 speakers x 30 utterances of a skewed metric, intra-cluster correlation about .1; 500 repetitions
    rng = np.random.default_rng(5)
    clusters, hits = np.repeat(np.arange(8), 30), 0
    for _ in range(500):
        centre = rng.gamma(4.0, 0.25, 8)[clusters]
        values = centre * rng.gamma(0.5, 2.0, 240)
        found = mean_interval(values, clusters, resamples=500, seed=int(rng.integers(1 << 30)), method=method)
        hits += found.low[0] <= 1.0 <= found.high[0]
    assert least <= hits / 500 <= most


def test_p_is_dual_to_the_interval():
    shifts = np.linspace(-0.4, 0.4, 81)
    found = mean_interval(VALUES[:, :1] - VALUES[:, 0].mean() + shifts, CLUSTERS, **SETTINGS)
    outside = (found.low > 0) | (found.high < 0)
    clear = np.abs(found.p - 0.05) > 0.003
    assert np.array_equal(outside[clear], (found.p < 0.05)[clear])


def test_refusals_and_edges():
    with pytest.raises(ValueError, match="row 3, column 1"):
        mean_interval(np.where(np.arange(8).reshape(4, 2) == 7, np.nan, 1.0), np.arange(4), **SETTINGS)
    with pytest.raises(ValueError, match="method"):
        mean_interval(VALUES, CLUSTERS, method="magic", **SETTINGS)
    with pytest.raises(ValueError, match="column 0"):
        mean_interval(VALUES[:, 0], CLUSTERS, weights=np.zeros(len(CLUSTERS)), **SETTINGS)
    single = mean_interval(VALUES, np.zeros(len(CLUSTERS)), **SETTINGS)
    assert np.isnan(single.low).all() and single.estimate == pytest.approx(VALUES.mean(axis=0))
    constant = mean_interval(np.full(len(CLUSTERS), 0.5), CLUSTERS, **SETTINGS)
    assert constant.low[0] == constant.high[0] == 0.5


def test_pearson_value_gradient_and_interval():
    x, y = VALUES[:, 0], VALUES[:, 0] + 0.5 * VALUES[:, 1]
    moments = pearson_moments(x, y)
    totals = moments.sum(axis=0)
    r, gradient = pearson(totals)
    assert r == pytest.approx(scipy.stats.pearsonr(x, y).statistic, abs=1e-12)
    step = 1e-6 * np.maximum(np.abs(totals), 1)
    numeric = [(pearson(totals + s)[0] - pearson(totals - s)[0]) / (2 * s[i]) for i, s in enumerate(np.diag(step))]
    assert gradient == pytest.approx(numeric, rel=1e-4, abs=1e-8)
    assert gradient @ totals == pytest.approx(0, abs=1e-9)
    found = moment_interval(moments, CLUSTERS, pearson, **SETTINGS)
    assert found.low[0] < r < found.high[0]
    assert found.se[0] == pytest.approx((found.high[0] - found.low[0]) / 4, rel=0.4)


def test_the_mean_is_a_moment_function():
    def mean(totals):
        value = totals[..., 1] / totals[..., 0]
        return value, np.stack([-value / totals[..., 0], 1 / totals[..., 0]], axis=-1)

    moments = np.stack([np.ones(len(CLUSTERS)), VALUES[:, 0]], axis=-1)
    one, other = moment_interval(moments, CLUSTERS, mean, **SETTINGS), mean_interval(VALUES[:, 0], CLUSTERS, **SETTINGS)
    for name in ("estimate", "low", "high", "se", "p"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-9)


def test_holm_by_hand_and_against_statsmodels():
    from statsmodels.stats.multitest import multipletests

    assert adjust([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    p = RNG.random(20)
    assert adjust(p) == pytest.approx(multipletests(p, method="holm")[1])
    assert np.isnan(adjust([0.01, np.nan])[1]) and adjust([0.01, np.nan])[0] == 0.01
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        adjust([1.2])


def test_rows_count_with_their_weights():
    values, clusters = np.arange(6.0), [0, 0, 1, 1, 2, 2]
    shares = np.array([1, 1 / 3, 1 / 3, 1 / 3, 0, 1])  # of a level in so many of the deals
    assert mean_interval(values, clusters, resamples=99, seed=1, weights=shares).n == 3
    assert mean_interval(values, clusters, resamples=99, seed=1, weights=shares > 0).n == 5
    assert mean_interval(values, clusters, resamples=99, seed=1).n == 6
