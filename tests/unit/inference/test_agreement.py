"""Agreement against independent implementations and published figures; the alternative annotator test."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.inter_rater import fleiss_kappa

from scaling_ambiguity.inference.agreement import agreement_intervals, moments
from scaling_ambiguity.inference.alt_test import alt_test
from scaling_ambiguity.inference.draws import draw_class, uniforms
from scaling_ambiguity.metrics.arrays import modes

SETTINGS = {"resamples": 999, "seed": 1, "level": 0.95, "method": "bootstrap_t"}
CREMAD = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "cremad" / "tabulatedVotes.csv"


def alpha_by_pairs(units: list[list[int]]) -> float:
    """Krippendorff's nominal alpha from all pairs of values, by the definition."""
    pairable = [unit for unit in units if len(unit) > 1]
    values = [value for unit in pairable for value in unit]
    n = len(values)
    observed = sum(
        sum(a != b for i, a in enumerate(unit) for j, b in enumerate(unit) if i != j) / (len(unit) - 1)
        for unit in pairable
    )
    expected = sum(a != b for i, a in enumerate(values) for j, b in enumerate(values) if i != j)
    return 1 - (observed / n) / (expected / (n * (n - 1)))


@pytest.fixture
def counts():
    rng = np.random.default_rng(3)
    p = rng.dirichlet(np.full(4, 0.5), 120)
    return np.array([rng.multinomial(n, q) for n, q in zip(rng.integers(2, 8, 120), p, strict=True)], dtype=float)


def estimates(counts, extra=None):
    found = agreement_intervals(moments(counts, extra), np.arange(len(counts)) % 12, **SETTINGS)
    return {name: value.estimate[0] for name, value in found.items()}


def test_alpha_is_that_of_its_definition(counts):
    units = [np.repeat(np.arange(4), row.astype(int)).tolist() for row in counts]
    assert estimates(counts)["krippendorff_alpha"] == pytest.approx(alpha_by_pairs(units), abs=1e-12)


def test_kappa_is_that_of_statsmodels_for_equal_numbers_of_raters():
    rng = np.random.default_rng(4)
    equal = rng.multinomial(5, [0.4, 0.3, 0.2, 0.1], 80).astype(float)
    assert estimates(equal)["fleiss_kappa"] == pytest.approx(fleiss_kappa(equal), abs=1e-12)


def test_the_synthetic_rater_is_one_rater_and_its_expectation_is_taken(counts):
    rng = np.random.default_rng(5)
    shares = rng.dirichlet(np.ones(4), len(counts))
    expected = estimates(counts, shares)["pairwise_agreement"]
    means = []
    for _ in range(400):
        drawn = np.array([rng.multinomial(1, q) for q in shares], dtype=float)
        means.append(estimates(counts + drawn)["pairwise_agreement"])
    assert expected == pytest.approx(np.mean(means), abs=4 * np.std(means) / 20)


def test_gradients_give_the_interval_of_a_jackknife(counts):
    clusters = np.arange(len(counts)) % 12
    rows = moments(counts)
    for name, value in agreement_intervals(rows, clusters, **SETTINGS | {"method": "t"}).items():
        left_out = [
            agreement_intervals(rows[clusters != g], clusters[clusters != g], **SETTINGS)[name].estimate[0]
            for g in range(12)
        ]
        jackknife = np.sqrt(11 / 12 * ((left_out - np.mean(left_out)) ** 2).sum())
        assert (value.high[0] - value.estimate[0]) / 2.200985 == pytest.approx(jackknife, rel=0.05), name


def test_one_vote_is_refused(counts):
    with pytest.raises(ValueError, match="row 1: agreement needs two votes"):
        moments(np.array([[1.0, 1.0], [1.0, 0.0]]))


@pytest.mark.skipif(not CREMAD.exists(), reason="the votes of CREMA-D are not beside the repository")
def test_the_agreement_of_real_votes_is_the_published_one():
    table = pd.read_csv(CREMAD)
    voice = table[table.iloc[:, 0] // 100000 == 1]
    found = estimates(voice[["A", "D", "F", "H", "N", "S"]].to_numpy(float))
    assert found["krippendorff_alpha"] == pytest.approx(0.2811, abs=5e-5)
    assert found["pairwise_agreement"] == pytest.approx(0.4653, abs=5e-5)


def raters_world(share_neutral, quality, seed=0, items=600, raters=12, each=4):
    rng = np.random.default_rng(seed)
    truth = np.where(rng.random(items) < share_neutral, 0, rng.integers(1, 4, items))
    item = np.repeat(np.arange(items), each)
    rater = np.concatenate([rng.choice(raters, each, replace=False) for _ in range(items)])

    def vote(of):
        return np.where(rng.random(len(of)) < quality, truth[of], rng.integers(0, 4, len(of)))

    return item, vote(item), rater, vote, truth


def test_a_rater_as_good_as_the_others_passes_and_a_random_one_does_not():
    item, label, rater, vote, truth = raters_world(0.25, 0.8)
    every = np.arange(len(truth))
    assert alt_test(item, label, rater, vote(every), 4).winning_rate >= 0.5
    random = np.random.default_rng(9).integers(0, 4, len(truth))
    assert alt_test(item, label, rater, random, 4).winning_rate < 0.5


def test_on_skewed_data_the_constant_comes_close():
    item, label, rater, _, truth = raters_world(0.75, 0.6)
    skewed = alt_test(item, label, rater, np.zeros(len(truth), dtype=int), 4)
    item, label, rater, _, truth = raters_world(0.25, 0.6)
    even = alt_test(item, label, rater, np.zeros(len(truth), dtype=int), 4)
    assert skewed.advantage > even.advantage + 0.1


def test_ties_of_the_mode_are_not_broken_by_the_order_of_classes():
    votes = np.tile([[5.0, 5, 0, 0], [0, 4, 0, 4], [1, 8, 1, 0]], (2000, 1))
    luck = uniforms(1, "mode ties", [f"u{i}" for i in range(len(votes))], 1)[:, 0]
    chosen = draw_class(modes(votes), luck)
    assert (chosen == draw_class(modes(votes), luck)).all()  # by the utterance's own number: the same again
    assert set(chosen[2::3]) == {1}
    for start, tied in ((0, (0, 1)), (1, (1, 3))):
        mine = chosen[start::3]
        assert set(mine) == set(tied) and abs((mine == tied[0]).mean() - 0.5) < 0.04
    # three tied classes with sums that do not round to one
    assert draw_class(np.full((1, 3), 1 / 3), np.array([0.0, 0.5, 1 - 1e-16])).tolist() == [0, 1, 2]
