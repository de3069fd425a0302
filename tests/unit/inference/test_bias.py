"""The bias report's pieces: by hand, on votes whose biases are known, and variance components that are known."""

import numpy as np
import pytest

from scaling_ambiguity.inference import bias
from scaling_ambiguity.inference.bootstrap import mean_interval
from scaling_ambiguity.inference.contrasts import contrast_interval
from scaling_ambiguity.inference.variance_components import COMPONENTS, component_intervals, components

SETTINGS = {"resamples": 2000, "seed": 1, "method": "bootstrap_t"}


def votes(p, n, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack([rng.multinomial(n, row) for row in p]).astype(float)


def test_match_by_hand():
    found = bias.score(np.array([[2.0, 1, 0], [3, 0, 0]]), np.array([[1.0, 0, 1], [0, 1, 0]]))
    # a synthetic vote is 0 or 2, half each; a human one 0 with 2/3: 1/3. Two people: 1 of 3 pairs
    assert found.match[0] == pytest.approx(1 / 3) and found.match_human[0] == pytest.approx(1 / 3)
    assert found.match_gap[0] == pytest.approx(0)
    # two synthetic votes have one bit; of three human ones, two differ in two of three pairs
    assert found.entropy_gap[0] == pytest.approx(1 - 2 / 3)
    assert np.isnan(found.entropy_gap[1])  # a single synthetic vote has no entropy to compare


def test_a_fresh_rater_has_no_gap_whatever_the_numbers_of_votes():
    p = np.random.default_rng(1).dirichlet(np.full(4, 0.6), 20_000)
    found = bias.score(votes(p, 3), votes(p, 7, seed=2))
    assert abs(np.nanmean(found.match_gap)) < 0.006 and abs(np.nanmean(found.entropy_gap)) < 0.02
    sharp = p**2 / (p**2).sum(axis=1, keepdims=True)
    other = bias.score(votes(p, 7), votes(p, 3, seed=2))
    assert abs(np.nanmean(other.entropy_gap)) < 0.02 and not np.isnan(other.entropy_gap).any()
    found = bias.score(votes(p, 3), votes(sharp, 7, seed=2))
    assert np.nanmean(found.match_gap) > 0.03 and np.nanmean(found.entropy_gap) < -0.2


def test_what_is_called_how_recovers_a_known_confusion():
    rng = np.random.default_rng(3)
    p = rng.dirichlet(np.full(3, 0.5), 8000)
    mixed = p @ np.array([[1.0, 0, 0], [0.5, 0.5, 0], [0, 0, 1]])  # every second "1" is called "0"
    human, synthetic = votes(p, 4), votes(mixed, 5, seed=5)
    values, other, weights = bias.called(human, synthetic)
    rows = [(weights[:, [c]] * values).sum(axis=0) / weights[:, c].sum() for c in range(3)]
    people = [(weights[:, [c]] * other[:, c]).sum(axis=0) / weights[:, c].sum() for c in range(3)]
    second = (p[:, [1]] * p).sum(axis=0) / p[:, 1].sum()
    assert people[1] == pytest.approx(second, abs=0.02)
    assert rows[1] == pytest.approx(second @ np.array([[1.0, 0, 0], [0.5, 0.5, 0], [0, 0, 1]]), abs=0.02)


def test_what_is_not_heard_changes_nothing():
    p = np.random.default_rng(1).dirichlet(np.full(4, 0.6), 10_000)
    deaf = bias.heard_in(votes(p, 6), votes(p, 6, seed=4))
    other = bias.heard_in(votes(p, 6), votes(p[::-1], 6, seed=4))
    assert abs(np.nanmean(deaf)) < 0.01 and np.nanmean(other) > 0.1


def test_thirds_keep_ties_together():
    assert bias.thirds(np.array([1.0, 1, 1, 2, 2, 3, 4, np.nan])).tolist() == [0, 0, 0, 1, 1, 2, 2, -1]


def test_a_contrast_is_the_difference_of_two_means():
    rng = np.random.default_rng(0)
    values, group, clusters = rng.normal(size=400), np.arange(400) % 3 == 0, np.arange(400) % 20
    values[group] += 0.5
    found = contrast_interval((values, group), (values, ~group), clusters, **SETTINGS)
    one, two = (mean_interval(values[m], clusters[m], **SETTINGS).estimate[0] for m in (group, ~group))
    assert found.estimate[0] == pytest.approx(one - two) and found.low[0] > 0


def simulated(u, t, f, ut, items=400, seed=0):
    """One-hot votes of two classes whose logits have known effects; shares known from a large sample."""
    rng = np.random.default_rng(seed)
    item = np.repeat(np.arange(items), 20)
    draw = np.tile(np.arange(20), items)
    focus, temperature = draw % 5, (draw + draw // 5) % 5
    mean = 0.5 + u * rng.choice([-1, 1], items)[item] + t * np.linspace(-1, 1, 5)[temperature]
    mean = mean + f * np.linspace(-1, 1, 5)[focus] + ut * rng.choice([-1, 1], (items, 5))[item, temperature]
    return item, temperature, focus, (rng.random(len(item)) < mean).astype(int)


def test_known_components_are_recovered():
    # variances of the two one-hot columns: twice those of the chance of class 1; all of it is .5
    u, t, f, ut = 0.2, 0.1, 0.08, 0.1
    expected = np.array([u**2, t**2 * 0.5, f**2 * 0.5, ut**2]) * 2 / 0.5
    found = dict(zip(COMPONENTS, components(*simulated(u, t, f, ut, items=4000), 2), strict=True))
    keys = ("utterance", "temperature", "focus", "utterance_temperature")
    # a handful of fixed temperatures: their mean square over pairs is 5 / 4 of that over all
    expected[1:3] *= 5 / 4
    assert [found[key] for key in keys] == pytest.approx(expected, abs=0.01)
    assert sum(found.values()) == pytest.approx(1) and abs(found["utterance_focus"]) < 0.01


def test_intervals_of_components_contain_them():
    votes_ = simulated(0.2, 0.1, 0.08, 0.1)
    whole, low, high = component_intervals(*votes_, 2, votes_[0] % 12, 0.95)
    assert (low < whole).all() and (whole < high).all()
    assert low[0] < 0.16 < high[0]


def test_a_confounded_design_is_refused():
    item, _, focus, label = simulated(0.2, 0.1, 0.08, 0.1)
    with pytest.raises(ValueError, match="does not separate the effects"):
        components(item, focus, focus, label, 2)


def test_a_group_of_few_speakers_has_no_interval_and_no_p():
    from scaling_ambiguity.inference.bias_rows import factor_rows

    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.full(3, 0.6), 600)
    scores = bias.score(votes(p, 4), votes(p, 6, seed=3))
    speakers = np.arange(600) % 20
    group = np.where(speakers == 0, "lonely", np.where(speakers < 10, "a", "b")).astype(object)
    settings = SETTINGS | {"level": 0.95}
    rows = {row["stratum"]: row for row in factor_rows("g", group, scores, speakers, settings, "holm")
            if row["metric"] == "match_gap_minus_rest"}  # fmt: skip
    assert np.isnan([rows["g=lonely"][key] for key in ("low", "high", "p")]).all()
    assert "p_adjusted" not in rows["g=lonely"]  # it is in no family
    assert rows["g=a"]["p_adjusted"] >= rows["g=a"]["p"] and rows["g=a"]["low"] < rows["g=a"]["high"]
