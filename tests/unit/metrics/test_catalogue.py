"""A metric is declared once: range, direction and name hold for what computes it, and for what is said about it."""

import math

import numpy as np
import pytest

from scaling_ambiguity.evaluation.scores import scores
from scaling_ambiguity.inference.agreement import METRICS as AGREEMENT
from scaling_ambiguity.inference.alignment import score
from scaling_ambiguity.inference.whole_set import whole_set_intervals
from scaling_ambiguity.metrics.catalogue import HIGHER, LOWER, METRICS, PER_VOTE, SCORES, range_of
from scaling_ambiguity.reporting.chapters import TABLES

FLOOR = 1e-3


def votes(number=200, seed=1):
    """Return predictions, some of them sure of one class, and six votes of each of three classes or fewer."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet([0.3, 0.3, 0.3], number)
    return p, rng.multinomial(6, [0.5, 0.3, 0.2], number).astype(float)


@pytest.mark.parametrize("name", SCORES)
def test_values_lie_in_the_declared_range(name):
    p, counts = votes()
    values = SCORES[name](p, counts / counts.sum(axis=1, keepdims=True), FLOOR)
    assert values.shape == (200,) and (values >= METRICS[name].least).all() and (values <= METRICS[name].most).all()


@pytest.mark.parametrize("name", [name for name in SCORES if METRICS[name].better])
def test_the_truth_is_best_in_the_declared_direction(name):
    p, counts = votes()
    q = counts / counts.sum(axis=1, keepdims=True)
    of_truth, of_other = SCORES[name](q, q, FLOOR).mean(), SCORES[name](p, q, FLOOR).mean()
    assert METRICS[name].better == (LOWER if of_truth < of_other else HIGHER)


@pytest.mark.parametrize("name", SCORES)
def test_only_scores_per_vote_are_linear_in_the_reference(name):
    p, counts = votes()
    q = counts / counts.sum(axis=1, keepdims=True)
    first, second = q[:100], q[100:]
    values = [SCORES[name](p[:100], side, FLOOR) for side in (first, second, (first + second) / 2)]
    assert np.allclose((values[0] + values[1]) / 2, values[2]) == (name in PER_VOTE)


def test_both_rooms_compute_every_score_and_agree():
    p, counts = votes()
    ours = score({"x": p}, counts, FLOOR)
    theirs = scores(p, counts, FLOOR)
    assert list(theirs) == list(SCORES) and [name for _, name in ours] == list(SCORES)
    for name, values in theirs.items():
        np.testing.assert_allclose(ours["x", name], values, atol=1e-12)


def test_what_is_not_a_mean_over_utterances_is_declared_too():
    p, counts = votes(40)
    settings = {"resamples": 50, "seed": 1, "level": 0.95, "method": "bootstrap_t"}
    computed = whole_set_intervals([p[None]], counts, np.arange(40) % 8, **settings)
    assert set(computed) | set(AGREEMENT) <= set(METRICS)
    assert all(METRICS[name].least <= values.estimate[0] <= METRICS[name].most for name, values in computed.items())


def test_ranges_are_found_by_name_and_by_family():
    assert range_of("brier") == (0, 2) and range_of("called_happy") == (0, 1) and range_of("pearson_sad") == (-1, 1)
    for name in ("nll_minus_human", "jsd_bits_equal_corrected", "match_both_minus_text", "share_gap", "unheard_of"):
        assert range_of(name) == (-math.inf, math.inf), name


def test_captions_state_the_declared_directions():
    caption = " ".join(TABLES["tab_alignment"].caption.split())
    lower, higher = caption.split("NLL, ", 1)[1].split(": larger is better")[0].split(": smaller is better; ")
    named = {"Brier score": "brier", "JSD": "jsd_bits", "BC": "bhattacharyya", "squared correlation": "r2_within"}
    for words, better in (("NLL, " + lower, LOWER), (higher, HIGHER)):
        for word in words.replace(" and ", ", ").split(", "):
            assert METRICS[named.get(word, word.lower())].better == better, word
