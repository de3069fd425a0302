"""The rule of five speakers: below it an estimate stands alone, everywhere, and enters no family of tests."""

from functools import partial

import numpy as np
import pytest

from scaling_ambiguity.inference.adjust import adjust
from scaling_ambiguity.inference.bootstrap import METHODS, mean_interval, moment_interval
from scaling_ambiguity.inference.contrasts import contrast_interval
from scaling_ambiguity.inference.correlation import pearson, pearson_moments
from scaling_ambiguity.inference.crossed import crossed_mean_interval
from scaling_ambiguity.inference.exchange import equivalent_votes
from scaling_ambiguity.inference.permutation import sign_flip_test
from scaling_ambiguity.inference.variance_components import component_intervals
from scaling_ambiguity.inference.whole_set import whole_set_intervals
from scaling_ambiguity.tables.statistics import FEW, STATISTICS, statistics_frame

SETTINGS = {"resamples": 999, "seed": 4}
EMPTY = ("low", "high", "p")


def world(speakers, each=12):
    """Return values (n, 2) and the speakers of ``each`` utterances of every speaker."""
    rng = np.random.default_rng(speakers)
    return rng.normal(0.2, 1.0, (speakers * each, 2)), np.repeat(np.arange(speakers), each)


def blank(found, column=0):
    values = [getattr(found, name)[column] for name in (*EMPTY, "se")]
    assert np.isfinite(found.estimate[column])
    assert np.isnan(values).all() or np.isfinite(values).all(), values
    return bool(np.isnan(values).all())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("speakers", [1, 2, 3, 4, 5])
def test_means_and_smooth_functions(speakers, method):
    values, clusters = world(speakers)
    found = mean_interval(values, clusters, method=method, **SETTINGS)
    assert found.estimate == pytest.approx(values.mean(axis=0)) and found.n_clusters == speakers
    assert blank(found) == (speakers < 5)
    moments = pearson_moments(values[:, 0], values[:, 1])
    assert blank(moment_interval(moments, clusters, pearson, method=method, **SETTINGS)) == (speakers < 5)


def test_a_column_counts_its_own_clusters():
    values, clusters = world(9)
    weights = np.stack([np.ones(len(values)), clusters < 4, clusters < 5], axis=1)
    found = mean_interval(np.repeat(values[:, :1], 3, axis=1), clusters, weights=weights, **SETTINGS)
    assert [blank(found, column) for column in range(3)] == [False, True, False]


@pytest.mark.parametrize("few", [4, 5])
def test_both_sides_of_a_contrast_need_five(few):
    values, clusters = world(12)
    side = clusters < few
    for first, second in ((side, ~side), (~side, side)):
        found = contrast_interval((values[:, 0], first), (values[:, 0], second), clusters, **SETTINGS)
        assert found.estimate[0] == pytest.approx(values[first, 0].mean() - values[second, 0].mean())
        assert blank(found) == (few < 5) and found.n_clusters == (4 if few < 5 else 12)


@pytest.mark.parametrize("speakers", [1, 4, 5])
def test_every_other_statistic(speakers):
    values, clusters = world(speakers, each=40)
    raters = np.arange(len(values)) % 25
    few = speakers < 5
    assert blank(crossed_mean_interval(values, clusters, raters, **SETTINGS)) == few
    assert np.isnan(sign_flip_test(values, clusters, **SETTINGS).p).all() == few
    p = np.random.default_rng(1).dirichlet(np.ones(3), (1, len(values)))
    counts = np.random.default_rng(2).multinomial(5, np.full(3, 1 / 3), len(values)).astype(float)
    scores = whole_set_intervals([p], counts, clusters, **SETTINGS)
    assert all(blank(found) == few for found in scores.values())
    curve = np.stack([1.4 - 0.1 * k + 0.1 * values[:, 0] for k in range(4)], axis=1)
    value = equivalent_votes(curve, curve[:, 1:2] + 0.01, partial(mean_interval, clusters=clusters, **SETTINGS))[0]
    assert value.estimate == pytest.approx(0.9) and np.isnan(value.low) == np.isnan(value.high) == few
    item, label = np.repeat(np.arange(len(values)), 4), np.random.default_rng(3).integers(0, 3, 4 * len(values))
    temperature, focus = (np.tile(row, len(values)) for row in ([0, 0, 1, 1], [0, 1, 0, 1]))
    whole, low, high = component_intervals(item, temperature, focus, label, 3, np.repeat(clusters, 4), 0.95)
    assert np.isfinite(whole).all() and np.isnan([low, high]).all() == few


def test_under_the_null_three_speakers_gave_tiny_p_values_and_five_do_not():
    rng, hits = np.random.default_rng(6), 0
    clusters = np.repeat(np.arange(5), 10)
    for _ in range(60):
        values = rng.normal(0, 1, (50, 20)) + rng.normal(0, 0.5, (5, 20))[clusters]
        hits += (mean_interval(values, clusters, **SETTINGS).p <= 0.01).sum()
    assert hits <= 1200 * 0.01 + 3 * np.sqrt(1200 * 0.01)


def test_the_table_says_why_and_a_family_does_without():
    base = {"metric": "nll_minus_human", "reference": "human", "estimate": 0.1, "low": -0.1, "high": 0.3, "n": 40}
    rows = [base | {"stratum": str(g), "n_clusters": g, "method": "bootstrap_t", "p": 0.01} for g in (3, 4, 5)]
    rows.append(rows[0] | {"method": "sign_flip"})
    rows.append(base | {"n_clusters": 3, "method": "alt_test_0.2", "stratum": "raters"})  # clusters are raters there
    frame = STATISTICS.validate(statistics_frame(rows), "test").set_index(["stratum", "method"])
    assert frame.loc[("3", FEW), ["low", "high", "p"]].isna().all()
    assert frame.loc[("4", FEW), ["low", "high", "p"]].isna().all()
    assert np.isnan(frame.loc[("3", "sign_flip"), "p"])
    assert frame.loc[("5", "bootstrap_t"), "p"] == 0.01 and frame.loc[("raters", "alt_test_0.2"), "low"] == -0.1
    few = mean_interval(*world(3), **SETTINGS)
    many = mean_interval(*world(12), **SETTINGS)
    family = np.concatenate([few.p, many.p])
    assert adjust(family)[2:] == pytest.approx(adjust(many.p)) and np.isnan(adjust(family)[:2]).all()
