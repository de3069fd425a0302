import numpy as np
import pytest
from statsmodels.stats.weightstats import DescrStatsW

from scaling_ambiguity.inference.equivalence import equivalence_verdict, tost_mean

SETTINGS = {"resamples": 2000, "seed": 3}


def test_equals_statsmodels_where_clusters_are_items():
    values = np.random.default_rng(1).normal(0.05, 0.3, 40)
    found = tost_mean(values, np.arange(40), 0.1, method="t", **SETTINGS)
    p, _, _ = DescrStatsW(values).ttost_mean(-0.1, 0.1)
    assert found.p[0] == pytest.approx(p, abs=1e-10)


@pytest.mark.parametrize("method", ["bootstrap_t", "t"])
def test_p_and_verdict_agree(method):
    rng = np.random.default_rng(2)
    clusters = np.repeat(np.arange(12), 10)
    base = rng.normal(0, 0.2, 120)
    columns = base[:, None] + np.linspace(-0.3, 0.3, 25)
    found = tost_mean(columns, clusters, 0.1, method=method, **SETTINGS)
    clear = np.abs(found.p - 0.05) > 0.005
    equivalent = np.array([verdict == "equivalent" for verdict in found.verdict])
    assert np.array_equal(equivalent[clear], (found.p < 0.05)[clear])
    assert found.verdict[0] == "below" and found.verdict[-1] == "above" and equivalent.any()


def test_verdicts_of_intervals():
    assert equivalence_verdict(-0.05, 0.09, 0.1) == "equivalent"
    assert equivalence_verdict(-0.05, 0.11, 0.1) == "undecided"
    assert equivalence_verdict(-0.3, -0.1, 0.1) == "below"
    assert equivalence_verdict(0.2, 0.3, 0.1) == "above"
    assert equivalence_verdict(np.nan, np.nan, 0.1) == "undecided"
    with pytest.raises(ValueError, match="margin"):
        equivalence_verdict(0, 1, 0)
    with pytest.raises(ValueError, match="margin"):
        tost_mean(np.ones(3), np.arange(3), -1, **SETTINGS)
