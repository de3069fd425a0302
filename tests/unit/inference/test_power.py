import numpy as np
import pytest
from statsmodels.stats.power import TTestPower

from scaling_ambiguity.inference.bootstrap import mean_interval
from scaling_ambiguity.inference.power import minimum_detectable_effect, power

CLUSTERS = np.repeat(np.arange(12), 20)


@pytest.mark.parametrize("n", [2, 5, 12, 91])
def test_power_equals_statsmodels(n):
    for d in (0.1, 0.5, 1.0):
        assert power(d, 1 / np.sqrt(n), n) == pytest.approx(TTestPower().power(d, n, 0.05), abs=1e-8)


def test_the_minimum_detectable_effect_has_about_the_wanted_power():
    effect = minimum_detectable_effect(0.03, 12)
    assert effect == pytest.approx((2.201 + 0.876) * 0.03, rel=0.001)
    assert power(effect, 0.03, 12) == pytest.approx(0.8, abs=0.02)
    assert minimum_detectable_effect(0.06, 12) == pytest.approx(2 * effect)
    assert power(0, 0.03, 12) == pytest.approx(0.05, abs=1e-10)


def test_power_is_what_a_simulation_finds():
    rng = np.random.default_rng(4)
    speaker = rng.normal(0, 0.2, (12, 2000))[CLUSTERS]
    values = speaker + rng.normal(0, 1, (240, 2000))
    true_se = np.sqrt(0.2**2 / 12 + 1 / 240)
    effect = minimum_detectable_effect(true_se, 12)
    found = mean_interval(values + effect, CLUSTERS, resamples=200, seed=1, method="t")
    assert (found.low > 0).mean() == pytest.approx(0.8, abs=0.03)


def test_refusals():
    with pytest.raises(ValueError, match="positive"):
        power(1, 0, 12)
    with pytest.raises(ValueError, match="clusters"):
        minimum_detectable_effect(1, 1)
