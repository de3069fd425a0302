from functools import partial

import numpy as np
import pytest

from scaling_ambiguity.inference.adjust import adjust, adjust_rows
from scaling_ambiguity.inference.bootstrap import mean_interval

RNG = np.random.default_rng(1)
bca_mean_interval = partial(mean_interval, method="bca")


def test_by_hand():
    assert adjust([0.01, 0.04, 0.03], "holm") == pytest.approx([0.03, 0.06, 0.06])
    assert adjust([0.01, 0.04, 0.03], "benjamini_hochberg") == pytest.approx([0.03, 0.04, 0.04])
    expected = pytest.approx([0.055, 0.22 / 3, 0.22 / 3])
    assert adjust([0.01, 0.04, 0.03], "benjamini_yekutieli") == expected


@pytest.mark.parametrize(
    ("method", "name"), [("holm", "holm"), ("benjamini_hochberg", "fdr_bh"), ("benjamini_yekutieli", "fdr_by")]
)
def test_equals_statsmodels_and_keeps_nan(method, name):
    from statsmodels.stats.multitest import multipletests

    p = RNG.random(20) ** 2
    ours = partial(adjust, method=method)
    assert ours(p) == pytest.approx(multipletests(p, method=name)[1], abs=1e-12)
    with_gap = ours(np.append(p, np.nan))
    assert np.isnan(with_gap[-1]) and with_gap[:-1] == pytest.approx(ours(p))
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        ours([-0.1])


def test_families_are_adjusted_apart_and_rows_of_none_are_left():
    p, families = [0.01, 0.02, 0.03, 0.04, 0.01, np.nan], ["a", "a", "b", "b", None, "a"]
    rows = [{"p": one, "family": name} for one, name in zip(p, families, strict=True)] + [{"family": "a"}]
    for method, expected in (("holm", [0.02, 0.02, 0.06, 0.06]), ("benjamini_hochberg", [0.02, 0.02, 0.04, 0.04])):
        adjusted = adjust_rows(rows, method, lambda row: row["family"])
        assert [row["p_adjusted"] for row in adjusted[:4]] == pytest.approx(expected)
        assert adjusted[4:] == rows[4:] and all("p_adjusted" not in row for row in rows)
    assert [row["p_adjusted"] for row in adjust_rows(rows[:2], "holm")] == pytest.approx([0.02, 0.02])
    with pytest.raises(ValueError, match="method"):
        adjust_rows(rows, "none")


def test_bca_equals_scipys_on_identical_resamples():
    import scipy.stats

    from scaling_ambiguity.seeds import generator

    values = RNG.gamma(1, 1, (30, 2))
    ours = bca_mean_interval(values, np.arange(30), resamples=3000, seed=7)
    for column in range(2):
        theirs = scipy.stats.bootstrap(
            (values[:, column],), np.mean, n_resamples=3000, method="BCa", rng=generator(7, "cluster bootstrap"),
            vectorized=True,
        )  # fmt: skip
        interval = theirs.confidence_interval
        assert (ours.low[column], ours.high[column]) == pytest.approx((interval.low, interval.high), rel=1e-10)
        assert ours.se[column] == pytest.approx(theirs.standard_error, rel=1e-10)


def test_bca_p_is_dual_and_edges_hold():
    values = RNG.gamma(1, 1, 40)
    shifted = values[:, None] - values.mean() + np.linspace(-0.6, 0.6, 61)
    found = bca_mean_interval(shifted, np.arange(40), resamples=4000, seed=1)
    outside = (found.low > 0) | (found.high < 0)
    clear = np.abs(found.p - 0.05) > 0.005
    assert np.array_equal(outside[clear], (found.p < 0.05)[clear])
    constant = bca_mean_interval(np.full(6, 0.5), np.arange(6), resamples=200, seed=1)
    assert constant.low[0] == constant.high[0] == 0.5
    assert np.isnan(bca_mean_interval(values, np.zeros(40), resamples=200, seed=1).low[0])
    with pytest.raises(ValueError, match="row 2"):
        bca_mean_interval([1.0, 2.0, np.nan], np.arange(3), resamples=200, seed=1)
