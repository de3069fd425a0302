"""Verdicts on made-up losses whose differences are known, and the steps of Holm."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import ttest_rel

from scaling_ambiguity.inference import hypotheses as h
from scaling_ambiguity.inference.power import minimum_detectable_effect, power

SETTINGS = {"resamples": 999, "seed": 1, "method": "t"}
STRATA = ("all", "low", "medium", "high")


def arms(shift, noise=0.05, utterances=600, seed=0):
    """Return arms whose NLL is that of human labels plus ``shift[arm][stratum]``."""
    rng = np.random.default_rng(seed)
    base = rng.gamma(4, 0.25, utterances)
    level = np.arange(utterances) % 3
    masks = {"all": np.ones(utterances)} | {name: (level == i).astype(float) for i, name in enumerate(STRATA[1:])}
    found = {"human": {name: (base, mask) for name, mask in masks.items()}}
    for arm, by_stratum in shift.items():
        own = base + rng.normal(0, noise, utterances)
        found[arm] = {name: (own + by_stratum.get(name, 0.0), mask) for name, mask in masks.items()}
    return found, np.arange(utterances) % 24


def verdicts(shift, delta=0.03, controls=("echo",), **options):
    world, clusters = arms(shift, **options)
    family = h.comparisons(world, "combined", list(controls), clusters, delta, SETTINGS)
    return {found.name: found for found in h.findings(family, delta, 0.95)}


def test_what_the_paper_claims_is_confirmed_where_it_holds():
    shift = {"combined": {"low": -0.1, "high": 0.1}, "echo": {"low": 0.05}, "synthetic": {"all": 0.2}}
    found = verdicts(shift)
    assert {name: finding.verdict for name, finding in found.items()} == dict.fromkeys(
        ("h1_gain", "h1_over_echo", "h2_difference", "h3_excess"), h.CONFIRMED
    )
    assert found["h2_difference"].estimate == pytest.approx(0.2, abs=0.02)
    assert found["h3_excess"].estimate == pytest.approx(0.2, abs=0.01) and found["h3_excess"].low > 0.03


def test_a_gain_that_the_echo_shares_is_not_confirmed():
    shift = {"combined": {"low": -0.1}, "echo": {"low": -0.15}, "synthetic": {}}
    found = verdicts(shift)
    assert found["h1_gain"].verdict == h.CONFIRMED and found["h1_over_echo"].verdict == h.REFUTED
    assert h.joint_verdict([found["h1_gain"], found["h1_over_echo"]]) == h.REFUTED


def test_a_difference_within_delta_is_refuted_and_a_wide_one_undecided():
    shift = {"combined": {}, "echo": {}, "synthetic": {}}
    assert verdicts(shift, delta=0.05)["h1_gain"].verdict == h.REFUTED
    wide = verdicts(shift, delta=0.001, noise=2.0)["h1_gain"]
    assert wide.verdict == h.UNDECIDED and wide.mde > 0.1


def test_levels_follow_holm():
    shift = {"combined": {"low": -0.5, "high": 0.004}, "echo": {}, "synthetic": {}}
    found = verdicts(shift, delta=0.0001)
    by_p = sorted(found.values(), key=lambda finding: finding.p)
    assert by_p[0].level == pytest.approx(1 - 0.05 / 4) and by_p[1].level == pytest.approx(1 - 0.05 / 3)
    assert all(a.level >= b.level for a, b in pairwise(by_p))


def test_without_levels_only_the_third_is_left():
    world, clusters = arms({"combined": {}, "synthetic": {"all": 1.0}})
    world = {name: {"all": strata["all"]} for name, strata in world.items()}
    family = h.comparisons(world, "combined", [], clusters, 0.03, SETTINGS)
    assert [comparison.name for comparison in family] == ["h3_excess"] and h.joint_verdict([]) == "not identifiable"


def test_the_minimum_detectable_effect_is_detected_with_the_power_that_it_states(clusters=24):
    rng, se = np.random.default_rng(1), 1 / np.sqrt(24)
    effect = minimum_detectable_effect(se, clusters)
    hits = [
        ttest_rel(rng.normal(effect, 1, clusters), np.zeros(clusters)).pvalue < 0.05  # one value a cluster
        for _ in range(2000)
    ]
    assert np.mean(hits) == pytest.approx(0.8, abs=0.035)
    assert power(effect, se, clusters) == pytest.approx(np.mean(hits), abs=0.035)
    assert power(0.0, se, clusters) == pytest.approx(0.05)


def test_without_the_value_of_one_more_vote_h3_is_not_asked_and_nothing_is_negligible():
    shift = {"combined": {}, "echo": {}, "synthetic": {"all": 0.2}}
    found = verdicts(shift, delta=float("nan"))
    assert "h3_excess" not in found and found["h1_gain"].verdict == h.UNDECIDED
    assert h.joint_verdict([finding for name, finding in found.items() if name.startswith("h3")]) == "not identifiable"
