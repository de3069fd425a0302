from itertools import combinations
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


def shared_votes(rng, utterances, raters, classes):
    """Return weights (utterances, raters, classes): each vote shared by one to three labels."""
    labels = rng.integers(1, 4, (utterances, raters))
    order = rng.permuted(np.broadcast_to(np.arange(classes), (utterances, raters, classes)), axis=-1)
    return np.where(order < labels[..., None], 1 / labels[..., None], 0.0)


def test_agreement_of_shared_votes_is_the_mean_over_pairs_of_raters():
    weights = shared_votes(np.random.default_rng(0), 50, 5, 4)
    pairs = [(weights[:, i] * weights[:, j]).sum(axis=-1) for i, j in combinations(range(5), 2)]
    found = levels.pairwise_agreement(weights.sum(axis=1), np.full(50, 5), (weights**2).sum(axis=(1, 2)))
    assert found == pytest.approx(np.mean(pairs, axis=0))


def test_agreement_of_shared_votes_is_unbiased():
    rng = np.random.default_rng(1)
    for n in (2, 3, 6):
        weights = shared_votes(rng, 50_000, n, 4)
        found = levels.pairwise_agreement(weights.sum(axis=1), np.full(50_000, n), (weights**2).sum(axis=(1, 2)))
        assert found.mean() == pytest.approx(1 / 4, abs=0.002)  # every class has the mean weight 1 / 4


def test_agreement_of_whole_votes_has_the_bits_of_the_formula():
    counts = np.random.default_rng(2).multinomial(7, [0.5, 0.3, 0.2], 500).astype(float)
    plain = (counts * (counts - 1)).sum(axis=-1) / 42
    assert np.array_equal(levels.pairwise_agreement(counts), plain)
    assert np.array_equal(levels.pairwise_agreement(counts, np.full(500, 7), np.full(500, 7.0)), plain)


def test_human_agreement_counts_pairs_of_raters():
    rows = [("a", "r1", "happy", 0.5), ("a", "r1", "sad", 0.5), ("a", "r2", "happy", 1.0), ("b", "r1", "sad", 1.0)]
    # three labels of one vote, two of them the same after a merge
    rows += [("c", "r1", "happy", 1 / 3), ("c", "r1", "happy", 1 / 3), ("c", "r1", "sad", 1 / 3)]
    rows += [("c", "r2", "happy", 1.0), ("c", "r3", "sad", 1.0)]
    votes = pd.DataFrame(rows, columns=["utterance", "rater", "label", "weight"])
    votes = votes.assign(kind="observer", role="primary", presentation="voice")
    found = levels.human_agreement(votes, ["a", "b", "c"], ["happy", "sad"])
    assert found == pytest.approx([1 / 2, np.nan, (2 / 3 + 1 / 3 + 0) / 3], nan_ok=True)


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


def test_shared_votes_on_an_edge_are_below_it_however_they_round():
    edge = (1 / 3 + 1) / 2
    near = np.array([np.nextafter(edge, 0), edge, np.nextafter(edge, 1)])
    assert levels.level_of(near, (1 / 6, edge)).tolist() == [1, 1, 1]
    assert levels.choose_edges(np.repeat([0, 1 / 3, 1], 10), 3, 4) == pytest.approx((1 / 6, 2 / 3))


def test_places_of_levels():
    frame = pd.DataFrame({"utterance": ["c", "a"], "level_00": [0, 2], "level_01": [1, 1]})
    assert levels.level_places(frame, ["a", "b", "c"]).tolist() == [[2, -1, 0], [1, -1, 1]]
    with pytest.raises(UserError, match="unknown utterance 'c'"):
        levels.level_places(frame, ["a", "b"])


def test_two_votes_allow_no_three_levels():
    with pytest.raises(UserError, match="2 agreements"):
        levels.choose_edges(np.array([0.0, 1.0]), 2, 4)


def test_level_is_the_place_in_low_medium_high_ambiguity():
    assert levels.level_of(np.array([0, 1 / 3, 1]), (1 / 6, 2 / 3)).tolist() == [2, 1, 0]


def test_reliability_of_identical_and_of_unrelated_sets():
    rng = np.random.default_rng(1)
    one, other = rng.random((5, 400)), rng.random((5, 400))
    one[:, :50] = np.nan
    assert levels.between_sets_correlation(one, one) == pytest.approx(1)
    assert abs(levels.between_sets_correlation(one, other)) < 0.1
    single = np.corrcoef(one[0, 50:], other[0, 50:])[0, 1]
    assert levels.between_sets_correlation(one[:1], other[:1]) == pytest.approx(single)
    assert np.isnan(levels.between_sets_correlation(np.ones((2, 9)), other[:2, :9]))
