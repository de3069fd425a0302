"""Speakers and raters resampled, crossed: formula, exactness of the estimate, coverage where one way fails."""

import numpy as np
import pandas as pd
import pytest

from scaling_ambiguity.inference.alignment import over_deals
from scaling_ambiguity.inference.bootstrap import mean_interval
from scaling_ambiguity.inference.crossed import crossed_mean_interval, speakers_alone
from scaling_ambiguity.inference.pairs import REFERENCE, brier_of_classes, nll_of_classes, vote_losses
from scaling_ambiguity.labels.counting import deal_votes
from scaling_ambiguity.metrics.scores import brier, nll_votes

SETTINGS = {"resamples": 1000, "seed": 3}


def votes_of(rng, speakers=12, raters=30, utterances=240, each=5, effect=(0.3, 0.3), noise=1.0):
    """Return values, speakers and raters of votes with additive effects of both; the true mean is 0."""
    speaker = np.repeat(np.arange(utterances) % speakers, each)
    rater = np.concatenate([rng.choice(raters, each, replace=False) for _ in range(utterances)])
    value = rng.normal(0, effect[0], speakers)[speaker] + rng.normal(0, effect[1], raters)[rater]
    return value + rng.normal(0, noise, len(speaker)), speaker, rater


def test_the_estimate_is_the_weighted_mean_and_columns_do_not_disturb_each_other():
    rng = np.random.default_rng(1)
    value, speaker, rater = votes_of(rng)
    weight = rng.random(len(value))
    both = np.stack([value, value**2], axis=1)
    found = crossed_mean_interval(both, speaker, rater, weights=weight, **SETTINGS)
    assert found.estimate == pytest.approx([np.average(value, weights=weight), np.average(value**2, weights=weight)])
    alone = crossed_mean_interval(value**2, speaker, rater, weights=weight, **SETTINGS)
    assert (found.low[1], found.high[1], found.p[1]) == pytest.approx((alone.low[0], alone.high[0], alone.p[0]))


def test_the_standard_error_is_the_two_way_formula():
    rng = np.random.default_rng(2)
    value, speaker, rater = votes_of(rng, effect=(0.5, 0.5))
    rest = value - value.mean()
    squares = []
    for group, count in ((speaker, 12), (rater, 30)):
        squares.append(count / (count - 1) * (np.bincount(group, rest) ** 2).sum())
    squares.append(-(np.bincount(speaker * 30 + rater, rest) ** 2).sum())
    se = np.sqrt(max(sum(squares), *squares[:2])) / len(value)
    found = crossed_mean_interval(value, speaker, rater, method="t", **SETTINGS)
    student = 2.200985  # 11 degrees of freedom
    assert found.high[0] - found.estimate[0] == pytest.approx(student * se, rel=1e-6)


def test_it_covers_where_speakers_alone_do_not():
    crossed = alone = 0
    runs = 120
    for run in range(runs):
        value, speaker, rater = votes_of(np.random.default_rng(run), effect=(0.1, 0.6))
        found = crossed_mean_interval(value, speaker, rater, **SETTINGS)
        one_way = mean_interval(value, speaker, **SETTINGS)
        crossed += bool(found.low[0] <= 0 <= found.high[0])
        alone += bool(one_way.low[0] <= 0 <= one_way.high[0])
    assert crossed >= 0.9 * runs  # 3 Monte-Carlo errors below 95 %
    assert alone < 0.75 * runs


def test_few_raters_are_refused_and_a_constant_has_no_width():
    value, speaker, rater = votes_of(np.random.default_rng(1), raters=19)
    with pytest.raises(ValueError, match="19 raters; needs 1 and 20"):
        crossed_mean_interval(value, speaker, rater, **SETTINGS)
    value, speaker, rater = votes_of(np.random.default_rng(1))
    found = crossed_mean_interval(np.ones_like(value), speaker, rater, **SETTINGS)
    assert (found.low[0], found.high[0]) == (1, 1)


def test_raters_that_never_meet_two_speakers_add_nothing():
    value, speaker, _ = votes_of(np.random.default_rng(4))
    # each rater votes once: cells are raters, and the crossed variance is the one over speakers
    crossed = crossed_mean_interval(value, speaker, np.arange(len(value)), method="t", **SETTINGS)
    one_way = mean_interval(value, speaker, method="t", **SETTINGS)
    assert crossed.low[0] == pytest.approx(one_way.low[0], abs=1e-3)


@pytest.mark.parametrize("shared", [False, True])
def test_losses_of_single_votes_give_exactly_the_mean_over_deals_and_utterances(vote_world, shared):
    roles, votes = pd.read_parquet(vote_world.path("roles")), pd.read_parquet(vote_world.path("votes"))
    if shared:  # some votes name two labels
        both = votes[votes.index % 7 == 0]
        second = both["label"].map({"neutral": "sad", "sad": "angry", "angry": "happy", "happy": "neutral"})
        halves = [both.assign(weight=0.5), both.assign(weight=0.5, rank=1, label=second)]
        votes = pd.concat([votes.drop(both.index), *halves])
    keep = np.arange(len(vote_world.names)) % 3 > 0
    dealt = deal_votes(roles, votes, vote_world.names, ["neutral", "happy", "sad", "angry"]).of(keep)
    reference = dealt.in_role("reference")
    rng = np.random.default_rng(0)
    p, mask = rng.dirichlet(np.ones(4), reference.shape[:2]), rng.random(reference.shape[:2]) < 0.4
    losses = [nll_of_classes(p, 0.001), brier_of_classes(p)]
    for chosen in (None, mask):
        values, weights = vote_losses(dealt, lambda deal: dealt.roles(deal) == REFERENCE, losses, chosen)
        lean, _ = vote_losses(
            dealt, lambda deal: dealt.roles(deal) == REFERENCE, lambda deal: [loss[deal] for loss in losses], chosen
        )
        assert np.array_equal(values, lean)
        for m, score in enumerate((nll_votes(p, reference, 0.001), brier(p, reference))):
            means, share = over_deals(score, chosen)
            known = (means * share).sum() / share.sum()
            assert (weights @ values[:, m]) / weights.sum() == pytest.approx(known, rel=1e-12)


def test_where_raters_add_nothing_the_ends_are_those_of_speakers_alone_and_can_be_told():
    same = {}
    for name, effect in (("speakers", (1.0, 0.0)), ("raters", (0.1, 1.0))):
        found = []
        for run in range(12):
            value, speaker, rater = votes_of(np.random.default_rng(run), effect=effect)
            crossed = crossed_mean_interval(value, speaker, rater, **SETTINGS)
            alone = speakers_alone(value, speaker, rater, **SETTINGS)
            assert crossed.low[0] <= alone.low[0] and crossed.high[0] >= alone.high[0]
            assert alone.low[0] == mean_interval(value, speaker, **SETTINGS).low[0]
            found.append(crossed.low[0] == alone.low[0] and crossed.high[0] == alone.high[0])
        same[name] = sum(found)
    assert same["speakers"] > 0 and same["raters"] == 0
