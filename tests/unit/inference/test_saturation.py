import numpy as np
import pytest

from scaling_ambiguity.inference.saturation import fit_exponential, fit_interval
from scaling_ambiguity.metrics.arrays import histogram
from scaling_ambiguity.metrics.corrected import corrected_jsd_bits
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


def test_intervals_hold_the_estimate():
    rng = np.random.default_rng(0)
    values = 0.2 + 0.4 * np.exp(-0.3 * np.array(SIZES)) + rng.normal(0, 0.05, (240, 1))
    found = fit_interval(values, np.arange(240) % 12, SIZES, resamples=500, seed=1, level=0.95)
    assert set(found) == {"asymptote", "amplitude", "rate", "saturation_votes"}
    for estimate, low, high in found.values():
        assert low <= estimate <= high


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
