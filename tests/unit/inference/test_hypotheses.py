"""Verdicts on made-up losses whose differences are known, the table of decisions, and the error of a family."""

from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr, ndtri
from scipy.stats import ttest_rel

from scaling_ambiguity.corpora.roles import deal_roles
from scaling_ambiguity.inference import hypotheses as h
from scaling_ambiguity.inference.arrangement import value_of_one_more_vote
from scaling_ambiguity.inference.bootstrap import Intervals
from scaling_ambiguity.inference.power import minimum_detectable_effect, power
from scaling_ambiguity.labels.counting import HumanVotes, deal_votes, human_counts
from scaling_ambiguity.labels.others import speaker_blocks

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
    return {found.name: found for found in h.findings(family, 0.95)}


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


def test_a_difference_within_delta_is_negligible_and_a_wide_one_undecided():
    shift = {"combined": {}, "echo": {}, "synthetic": {}}
    assert verdicts(shift, delta=0.05)["h1_gain"].verdict == h.NEGLIGIBLE
    wide = verdicts(shift, delta=0.001, noise=2.0)["h1_gain"]
    assert wide.verdict == h.UNDECIDED and wide.mde > 0.1


@pytest.mark.parametrize(
    ("low", "high", "side", "margin", "expected"),
    [
        # the effect leans towards H1 (p = .012), and was the only ground on which it was refuted
        (-0.018, 0.001, -1, 0.03, h.NEGLIGIBLE),
        (-0.018, -0.0001, -1, 0.03, h.NEGLIGIBLE),  # a shift of .0011 decides nothing
        # confirmed by an effect that the margin calls none
        (0.001, 0.025, 1, 0.034, h.NEGLIGIBLE),
        (0.001, 0.035, 1, 0.034, h.CONFIRMED),
        (0.001, 0.034, 1, 0.034, h.CONFIRMED),  # the margin itself is no longer negligible
        (0.0, 0.05, 1, 0.034, h.UNDECIDED),  # 0 itself is inside
        (-0.05, -0.01, 1, 0.034, h.REFUTED),
        (-0.05, -0.01, -1, 0.034, h.CONFIRMED),
        (-0.02, -0.01, 1, 0.034, h.NEGLIGIBLE),
        (-0.01, 0.05, 1, 0.034, h.UNDECIDED),
        (-0.05, 0.05, 1, 0.034, h.UNDECIDED),
        (0.001, 0.002, 1, float("nan"), h.CONFIRMED),  # no margin: nothing is negligible
        (float("nan"), float("nan"), 1, 0.034, h.UNDECIDED),
    ],
)
def test_the_table_of_decisions(low, high, side, margin, expected):
    assert h.verdict(low, high, side, margin) == expected


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("width", [0.4, 0.9, 1.1, 1.9, 2.1, 5.0])  # in units of Delta
def test_verdicts_are_monotone_in_the_effect(side, width):
    centres = np.linspace(-6, 6, 2401)
    found = [h.verdict(centre - width / 2, centre + width / 2, side, 1.0) for centre in side * centres]
    runs = [name for i, name in enumerate(found) if i == 0 or found[i - 1] != name]
    expected = {
        0.4: ["refuted", "negligible", "confirmed"],
        0.9: ["refuted", "negligible", "confirmed"],
        1.1: ["refuted", "undecided", "negligible", "undecided", "confirmed"],
        1.9: ["refuted", "undecided", "negligible", "undecided", "confirmed"],
        2.1: ["refuted", "undecided", "confirmed"],
        5.0: ["refuted", "undecided", "confirmed"],
    }
    assert runs == expected[width]
    mirrored = {h.CONFIRMED: h.REFUTED, h.REFUTED: h.CONFIRMED}
    other = [h.verdict(-c - width / 2, -c + width / 2, side, 1.0) for c in side * centres]
    assert other == [mirrored.get(name, name) for name in found]


def test_all_parts_decide():
    part = verdicts({"combined": {}, "echo": {}, "synthetic": {}})["h1_gain"]

    def joint(*names):
        return h.joint_verdict([replace(part, verdict=name) for name in names])

    kinds = (h.CONFIRMED, h.NEGLIGIBLE, h.REFUTED, h.UNDECIDED)
    for first, second in product(kinds, kinds):
        found = joint(first, second)
        assert found == joint(second, first)
        assert (found == h.REFUTED) == (h.REFUTED in (first, second))
        assert (found == h.CONFIRMED) == (first == second == h.CONFIRMED)
        if h.REFUTED not in (first, second):
            assert (found == h.NEGLIGIBLE) == (h.NEGLIGIBLE in (first, second))


def test_all_intervals_have_one_level_and_it_falls_with_every_direction_claimed():
    shift = {"combined": {"low": -0.5, "high": 0.004}, "echo": {}, "synthetic": {}}
    found = verdicts(shift, delta=0.0001)
    claims = sum(finding.low > 0 or finding.high < 0 for finding in found.values() if finding.name != "h3_excess")
    levels = {finding.level for finding in found.values()}
    assert claims == 3 and len(levels) == 1 and levels.pop() == pytest.approx(1 - 2 * 0.05 / (2 * 4 - 3))
    nothing = verdicts({"combined": {}, "echo": {}, "synthetic": {}}, delta=0.0001, noise=3.0)
    assert {round(finding.level, 9) for finding in nothing.values()} == {1 - 0.05 / 4}
    for family in (found, nothing):
        p = sorted(finding.p for finding in family.values())
        adjusted = sorted(finding.p_adjusted for finding in family.values())
        assert adjusted == pytest.approx(np.maximum.accumulate([min((4 - j / 2) * p[j], 1) for j in range(4)]))
        for finding in family.values():
            bound = 0.0001 if finding.name == "h3_excess" else 0.0
            assert (finding.p_adjusted <= 0.05) == (finding.low > bound or finding.high < bound)


def normal_comparison(estimate, side, margin):
    def interval(level):
        reach = ndtri((1 + level) / 2)
        p = 2 * ndtr(-abs(estimate))
        arrays = (np.array([x]) for x in (estimate, estimate - reach, estimate + reach, 1.0, p))
        return Intervals(*arrays, n=100, n_clusters=50)

    return h.Comparison("h1_gain", side, 0.0, interval, margin)


@pytest.mark.ci
@pytest.mark.parametrize("correlation", [0.0, 0.8])
@pytest.mark.parametrize(
    "effects",
    [
        [0, 0, 0, 0, 0, 0],  # every claim of a direction is wrong
        [2.5, 2.5, 2.5, 2.5, 2.5, 2.5],  # at the margin: every "negligible" is wrong
        [2.5, -2.5, 2.5, -2.5, 2.5, -2.5],
        [8, 8, 8, 8, 8, 0],  # five directions are found first: Holm's last step
        [8, 8, 8, 8, 8, 2.5],
        [6, 6, 0, 0, 2.5, -2.5],
        [1e-6, -1e-6, 0, 2.5, 2.5, 0],
    ],
)
def test_all_claims_of_a_family_are_right_with_the_level(effects, correlation):
    """Errors of one unit, Delta 2.5: confirmed, refuted and negligible are claims of one family."""
    rng, margin, runs = np.random.default_rng(3), 2.5, 600
    shape = np.full((6, 6), correlation) + (1 - correlation) * np.eye(6)
    wrong = 0
    for estimates in rng.multivariate_normal(effects, shape, runs):
        family = [normal_comparison(estimate, 1, margin) for estimate in estimates]
        for found, effect in zip(h.findings(family, 0.95), effects, strict=True):
            right = {h.CONFIRMED: effect > 0, h.REFUTED: effect < 0, h.NEGLIGIBLE: abs(effect) < margin}
            if not right.get(found.verdict, True):
                wrong += 1
                break
    assert wrong / runs <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / runs)


def test_delta_is_that_of_other_speakers_and_has_an_interval():
    rng, classes, each = np.random.default_rng(5), 3, 20
    speakers = np.repeat([f"s{i}" for i in range(12)], each)
    # a speaker's utterances are clear or ambiguous: the value of one more vote differs between them
    sharp = np.repeat(rng.choice([0.2, 3.0], 12), each)
    p = np.stack([rng.dirichlet(np.full(classes, a)) for a in sharp])
    rows = [(f"u{u:03d}", f"r{v}", f"c{rng.choice(classes, p=p[u])}") for u in range(len(p)) for v in range(6)]
    votes = pd.DataFrame(rows, columns=["utterance", "rater", "label"])
    votes = votes.assign(kind="observer", role="primary", presentation="voice", weight=1.0, rank=0, raters_known=True)
    names = [f"u{u:03d}" for u in range(len(p))]
    labels = [f"c{c}" for c in range(classes)]
    roles = deal_roles(votes, deals=4, level_votes=0, seed=1)
    counts = human_counts(votes, names, labels)
    blocks = speaker_blocks(speakers, "test")
    settings = {"resamples": 499, "seed": 1, "level": 0.95}

    def value(counted, dealt_votes):
        dealt = deal_votes(roles, dealt_votes, names, labels, "roles")
        return value_of_one_more_vote(
            HumanVotes(names, dealt, counted, blocks, speakers), floor=1e-3, settings=settings
        )

    found = value(counts, votes)
    assert found.after == 3 and found.low < found.mean < found.high and found.se > 0
    assert len(np.unique(found.each)) == len(np.unique(blocks)) > 1
    # what the speakers of one block vote has no part in the Delta that they are judged by, but in that of others
    block = blocks[0]
    turned = votes["utterance"].isin([name for name, b in zip(names, blocks, strict=True) if b == block])
    flat = votes.assign(label=votes["label"].mask(turned, "c0"))
    other = value(human_counts(flat, names, labels), flat)
    same = blocks == block
    assert other.each[~same] != pytest.approx(found.each[~same])
    one_block = value_of_one_more_vote(
        HumanVotes(names, deal_votes(roles, votes, names, labels, "roles"), counts, blocks * 0, speakers),
        floor=1e-3,
        settings=settings,
    )
    assert one_block.after == 0 and np.isnan(one_block.mean)


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
