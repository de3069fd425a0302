"""Temperatures: known ones are recovered, and no vote on a speaker enters that speaker's own."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import softmax

from scaling_ambiguity.evaluation.scaling import fitted_temperature, raised, scaled_columns, temperatures
from scaling_ambiguity.metrics.scores import nll_votes

FLOOR = 1e-6


def world(temperature, utterances=4000, votes=10, seed=0):
    """Return judges of ten speakers whose votes come from p, and p at another temperature, (1, U, C)."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(utterances, 4)) * 1.5
    counts = np.stack([rng.multinomial(votes, row) for row in softmax(logits, axis=1)]).astype(float)
    judges = SimpleNamespace(counts=counts, clusters=np.arange(utterances) % 10)
    return judges, softmax(logits / temperature, axis=1)[None]


def fit(p, judges):
    return temperatures(p, judges.counts, judges.clusters, FLOOR)


@pytest.mark.parametrize("made", [0.5, 1.0, 2.0, 4.0])
def test_a_known_temperature_is_recovered(made):
    judges, p = world(made)
    np.testing.assert_allclose(fit(p, judges), 1 / made, rtol=0.05)


def test_predictions_at_their_temperature_are_worth_what_they_were_before_it_was_changed():
    judges, p = world(1.0)
    _, sharp = world(0.4)
    shares = judges.counts / judges.counts.sum(axis=1, keepdims=True)
    right = nll_votes(p[0], shares, FLOOR).mean()
    made, temperature = scaled_columns(("m", "human", "none"), sharp, judges, FLOOR)
    columns = {column.metric: column.values.mean() for column in made}
    assert nll_votes(sharp[0], shares, FLOOR).mean() > right + 0.1
    assert columns["nll_scaled"] == pytest.approx(right, abs=2e-3)
    assert temperature == pytest.approx(2.5, rel=0.05)
    assert set(columns) == {"nll_scaled", "jsd_bits_scaled"}


def test_the_votes_of_a_speaker_do_not_enter_that_speakers_temperature():
    judges, p = world(2.0, utterances=200)
    before, tested = fit(p, judges), judges.clusters == 0
    judges.counts[tested] = judges.counts[tested][::-1]
    after = fit(p, judges)
    assert (before[:, tested] == after[:, tested]).all() and (before[:, ~tested] != after[:, ~tested]).all()


@pytest.mark.parametrize("speakers", [2, 3, 10, 11, 47])
def test_any_number_of_speakers_above_one_is_cut_into_at_most_ten_groups(speakers):
    judges, p = world(2.0, utterances=470)
    judges.clusters = np.array([f"s{number % speakers}" for number in range(470)])
    fitted = fit(p, judges)[0]
    assert len(np.unique(fitted)) == min(speakers, 10)
    assert all(len(np.unique(fitted[judges.clusters == name])) == 1 for name in set(judges.clusters))


def test_each_training_has_a_temperature_of_its_own():
    judges, first = world(1.0)
    _, second = world(2.0)
    fitted = fit(np.concatenate([first, second]), judges)
    np.testing.assert_allclose(fitted[1] / fitted[0], 0.5, rtol=0.02)


def test_the_minimum_is_that_of_a_fine_grid():
    judges, p = world(3.0, utterances=300)
    shares = judges.counts / judges.counts.sum(axis=1, keepdims=True)
    grid = np.geomspace(0.1, 10, 2001)
    losses = [nll_votes(raised(p[0], 1 / t, FLOOR), shares, FLOOR).mean() for t in grid]
    assert fitted_temperature(np.log(p[0]), shares) == pytest.approx(grid[int(np.argmin(losses))], rel=0.005)


def test_uniform_predictions_one_speaker_and_zeros_have_a_temperature():
    judges, p = world(1.0, utterances=50)
    assert (fit(np.full_like(p, 0.25), judges) == 1).all()
    zeros = np.eye(4)[p[0].argmax(axis=1)][None]
    fitted = fit(zeros, judges)
    assert np.isfinite(raised(zeros, 1 / fitted, FLOOR)).all() and (fitted > 1).all()
    judges.clusters[:] = 3
    assert (fit(p, judges) == 1).all()
