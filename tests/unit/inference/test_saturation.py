import numpy as np
import pytest

from scaling_ambiguity.inference.draws import fresh_groups
from scaling_ambiguity.inference.saturation import fit_exponential, fit_interval, fit_power
from scaling_ambiguity.metrics.arrays import histogram
from scaling_ambiguity.metrics.corrected import corrected_jsd_bits, limit_jsd_bits
from scaling_ambiguity.metrics.divergences import jsd_bits

SIZES = [1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20]


def test_fit_recovers_known_curves():
    n = np.array(SIZES)
    curves = np.stack([0.36 + 0.1 * np.exp(-0.5 * n), 0.2 + 0.4 * np.exp(-0.2 * n)])
    fit = fit_exponential(curves, SIZES)
    assert fit.asymptote == pytest.approx([0.36, 0.2], rel=0.01)
    assert fit.amplitude == pytest.approx([0.1, 0.4], rel=0.03)
    assert fit.rate == pytest.approx([0.5, 0.2], rel=0.03)
    # within a tenth of (first - a) of a: exp(-c (N - 1)) <= .1, N >= 1 + ln 10 / c
    assert fit.saturation.tolist() == [6, 13]


def test_fit_of_the_published_curve():
    # mean JSD on IEMOCAP read off the paper's figure (arXiv 2601.14620), saturation about 6
    published = [[0.422, 0.397, 0.383, 0.375, 0.372, 0.370, 0.368, 0.364, 0.363, 0.362, 0.360]]
    fit = fit_exponential(np.array(published), SIZES)
    assert fit.saturation[0] in (5, 6, 7) and fit.asymptote[0] == pytest.approx(0.363, abs=0.003)


def test_a_curve_that_does_not_fall_has_no_amplitude():
    fit = fit_exponential(np.array([np.linspace(0.1, 0.3, len(SIZES)), np.full(len(SIZES), 0.2)]), SIZES)
    assert fit.amplitude == pytest.approx([0, 0], abs=1e-12)
    assert fit.asymptote == pytest.approx([0.2, 0.2]) or fit.asymptote[1] == pytest.approx(0.2)


def test_power_fit_recovers_known_curves():
    n = np.array(SIZES, dtype=float)
    fit = fit_power(np.stack([0.36 + 0.1 / n, 0.2 + 0.4 * n**-0.5]), SIZES)
    assert fit.asymptote == pytest.approx([0.36, 0.2], rel=0.02) and fit.rate == pytest.approx([1, 0.5], rel=0.02)
    assert fit.amplitude == pytest.approx([0.1, 0.4], rel=0.02) and fit.inside.all()
    assert fit.saturation == pytest.approx([10, 100], rel=0.1)


def test_a_curve_that_does_not_fall_has_no_fit():
    values = np.full((60, len(SIZES)), 0.2) + np.linspace(0, 0.1, len(SIZES))
    found = fit_interval(values, np.arange(60) % 6, SIZES, resamples=200, seed=1, level=0.95)
    assert all(np.isnan([fit.estimate, fit.low, fit.high]).all() for fit in found.values())


def test_intervals_hold_the_estimate():
    rng = np.random.default_rng(0)
    n, speaker = np.array(SIZES, dtype=float), np.arange(240) % 12
    rate = 1 + 0.1 * rng.normal(size=12)[speaker, None]
    values = 0.2 + 0.4 * n**-rate + rng.normal(0, 0.05, (240, 1))
    found = fit_interval(values, speaker, SIZES, resamples=500, seed=1, level=0.95)
    assert set(found) == {"asymptote", "amplitude", "rate", "saturation_votes"}
    for fit in found.values():
        assert fit.low < fit.estimate < fit.high
    assert found["rate"].low < 1 < found["rate"].high


def test_bounds_that_the_data_leave_open_are_open():
    rng = np.random.default_rng(0)
    values = 0.3 + 0.01 / np.array(SIZES) + rng.normal(0, 0.02, (60, len(SIZES)))
    found = fit_interval(values, np.arange(60) % 6, SIZES, resamples=500, seed=1, level=0.95)
    assert np.isnan(found["rate"].low) or np.isnan(found["rate"].high) or np.isnan(found["rate"].estimate)


def test_fresh_groups_share_no_vote_and_are_exchangeable():
    rng = np.random.default_rng(0)
    table = rng.integers(0, 3, (40, 20))
    table[0, 5:] = -1
    names = [f"u{i}" for i in range(40)]
    counts, whole = fresh_groups(table, names, 4, 30, 3, 1, "x")
    assert counts.shape == (6, 5, 40, 3) and whole[:, :, 1:].all()
    assert whole[:, :, 0].sum(axis=1).tolist() == [1] * 6 and (counts[:, 0, 0].sum(axis=-1) == 4).all()
    together = counts[:, :, 1:].sum(axis=1)
    assert np.array_equal(together[0], np.stack([(table[1:] == c).sum(axis=1) for c in range(3)], axis=-1))
    few, whole = fresh_groups(table, names, 10, 30, 3, 1, "x")
    assert few[0, 0, 0].sum() == 5 and whole[0, 0, 0] and not whole[0, 1, 0]


def test_the_limit_is_that_of_many_votes():
    rng = np.random.default_rng(0)
    p, y = np.array([0.5, 0.25, 0.15, 0.1]), np.array([2.0, 3, 1, 0])
    x = rng.multinomial(12, p, 20_000).astype(float)
    limit, plain = limit_jsd_bits(x, y).mean(), jsd_bits(histogram(x), histogram(y)).mean()
    true = float(jsd_bits(p, histogram(y)))
    assert abs(limit - true) < 0.2 * (plain - true)


def test_jackknife_removes_most_of_the_bias():
    rng = np.random.default_rng(0)
    p, q = np.array([0.5, 0.25, 0.15, 0.1]), np.array([0.35, 0.3, 0.2, 0.15])
    x, y = rng.multinomial(10, p, 50_000).astype(float), rng.multinomial(8, q, 50_000).astype(float)
    true = float(jsd_bits(p, q))
    plain = jsd_bits(histogram(x), histogram(y)).mean() - true
    assert abs(corrected_jsd_bits(x, y).mean() - true) < 0.25 * plain


def test_jackknife_by_hand():
    # x = aa, y = ab: leaving one out of x changes nothing, leaving b out of y gives 0, leaving a out gives 1
    x, y = np.array([[2.0, 0.0]]), np.array([[1.0, 1.0]])
    plain = float(jsd_bits([1, 0], [0.5, 0.5]))
    assert corrected_jsd_bits(x, y) == pytest.approx([plain + 1 * (plain - 0.5)])
    with pytest.raises(ValueError, match="two votes"):
        corrected_jsd_bits(np.array([[1.0, 0.0]]), y)
