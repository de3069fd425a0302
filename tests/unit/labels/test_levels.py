from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.labels import levels

CREMAD = Path(__file__).resolve().parents[4] / "shared" / "data" / "cremad" / "tabulatedVotes.csv"


def test_agreement_by_hand():
    counts = np.array([[3, 0, 0], [2, 1, 0], [1, 1, 1], [1, 0, 0]])
    assert levels.pairwise_agreement(counts)[:3] == pytest.approx([1, 1 / 3, 0])
    assert np.isnan(levels.pairwise_agreement(counts)[3])


def test_agreement_is_unbiased_for_any_number_of_votes():
    rng, p = np.random.default_rng(0), np.array([0.6, 0.3, 0.1])
    for n in (2, 3, 7):
        values = levels.pairwise_agreement(rng.multinomial(n, p, 100_000))
        assert values.mean() == pytest.approx((p**2).sum(), abs=0.005)


@pytest.mark.skipif(not CREMAD.exists(), reason=f"the CREMA-D votes are not at {CREMAD}")
def test_agreement_of_the_real_voice_votes():
    table = pd.read_csv(CREMAD, index_col=0)
    voice = table[table.index // 100_000 == 1][list("ADFHNS")].to_numpy(float)
    assert len(voice) == 7442
    assert np.nanmean(levels.pairwise_agreement(voice)) == pytest.approx(0.4653, abs=5e-5)


def test_attainable_values():
    assert levels.attainable_agreement(3, 4) == pytest.approx([0, 1 / 3, 1])
    assert levels.attainable_agreement(3, 2) == pytest.approx([1 / 3, 1])
    assert levels.attainable_agreement(4, 4) == pytest.approx([0, 1 / 6, 1 / 3, 1 / 2, 1])


def test_edges_lie_between_values_nearest_to_the_tertiles():
    assert levels.choose_edges(np.array([0, 1 / 3, 1]), 3, 4) == pytest.approx((1 / 6, 2 / 3))
    # five votes: values 0 .1 .2 .3 .4 .6 1; a third at or below .2, two thirds at or below .4
    values = np.repeat([0.1, 0.2, 0.4, 1.0], [10, 20, 30, 30])
    assert levels.choose_edges(values, 5, 5) == pytest.approx((0.25, 0.5))


def test_two_votes_allow_no_three_levels():
    with pytest.raises(UserError, match="2 agreements"):
        levels.choose_edges(np.array([0.0, 1.0]), 2, 4)


def test_low_ambiguity_is_high_agreement():
    assert levels.level_of(np.array([0, 1 / 3, 1]), (1 / 6, 2 / 3)).tolist() == ["high", "medium", "low"]


def test_reliability_of_identical_and_of_unrelated_sets():
    rng = np.random.default_rng(1)
    one, other = rng.random((5, 400)), rng.random((5, 400))
    one[:, :50] = np.nan
    assert levels.between_sets_correlation(one, one) == pytest.approx(1)
    assert abs(levels.between_sets_correlation(one, other)) < 0.1
    single = np.corrcoef(one[0, 50:], other[0, 50:])[0, 1]
    assert levels.between_sets_correlation(one[:1], other[:1]) == pytest.approx(single)
    assert np.isnan(levels.between_sets_correlation(np.ones((2, 9)), other[:2, :9]))
