"""Type I error, power and recovery of known worths: the simulations, their sums, and the shipped results."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, skew

from scaling_ambiguity.inference import known_votes, paired_corpora, population_worth, recovery, type_one
from scaling_ambiguity.inference.bootstrap import mean_interval
from scaling_ambiguity.inference.designs import Design
from scaling_ambiguity.inference.monte_carlo import exact_limits, judge_rate
from scaling_ambiguity.tables.statistics import LIKE_THESE, THESE

REPOSITORY = Path(__file__).resolve().parents[3]
RATES = REPOSITORY / "workflow" / "resources" / "type_one.csv"
RECOVERY = REPOSITORY / "workflow" / "resources" / "recovery.csv"


@pytest.fixture
def rough_truth(monkeypatch):
    """Take a tenth of the utterances behind the truth, enough for a few hundred corpora."""
    monkeypatch.setattr(paired_corpora, "TRUTH_BLOCKS", 2)


# --- Monte-Carlo limits


@pytest.mark.parametrize(("hits", "n"), [(0, 50), (3, 200), (100, 2000), (50, 50)])
def test_limits_equal_scipys_exact_ones(hits, n):
    expected = binomtest(hits, n).proportion_ci(0.99, method="exact")
    assert exact_limits(hits, n) == pytest.approx((expected.low, expected.high), abs=1e-10)


def test_a_rate_is_judged_only_beyond_its_limits():
    assert [judge_rate(hits, 2000, 0.05) for hits in (60, 90, 120, 140)] == [
        "conservative",
        "holds",
        "holds",
        "liberal",
    ]
    with pytest.raises(ValueError, match="no share"):
        exact_limits(3, 2)


# --- the simulated votes


def test_a_known_corpus_is_what_it_says_and_the_same_twice():
    habits = known_votes.pool_habits(3)
    first, again = (known_votes.known_corpus(480, 12, habits, 3, 0) for _ in range(2))
    other = known_votes.known_corpus(480, 12, habits, 3, 1)
    assert (first.counts == again.counts).all() and (first.counts != other.counts).any()
    number = first.counts.sum(axis=1)
    assert (number.min(), number.max()) == known_votes.VOTES and len(set(first.speakers)) == 12
    assert (first.dealt.voters() == number).all() and (first.dealt.between(0) == first.counts).all()
    for k in (1, 4):
        assert (first.dealt.between(0, k).sum(axis=-1) == k).all()
    pairs = first.dealt.utterance * 100 + first.dealt.rater
    assert len(set(pairs)) == len(pairs)  # no rater twice on an utterance


def test_raters_vote_as_expected_of_the_pool():
    rng, habits = np.random.default_rng(0), known_votes.pool_habits(3)
    p = np.repeat([[0.7, 0.2, 0.1, 0.0]], 60_000, axis=0)
    _, labels = known_votes.rater_labels(rng, p, 2, habits)
    expected = known_votes.expected_vote(p[:1], habits)[0]
    assert np.bincount(labels.ravel(), minlength=4) / labels.size == pytest.approx(expected, abs=0.008)
    assert expected.sum() == pytest.approx(1)


def test_the_biased_annotator_calls_a_third_of_each_class_the_next_one():
    votes = known_votes.biased_votes(np.random.default_rng(0), np.repeat(np.eye(4)[:1], 20_000, axis=0), 5)
    assert (votes.sum(axis=1) == 5).all()
    assert votes.mean(axis=0) / 5 == pytest.approx([0.65, 0.35, 0, 0], abs=0.01)


@pytest.mark.parametrize("world", paired_corpora.WORLDS)
@pytest.mark.parametrize("population", [THESE, LIKE_THESE])
def test_the_true_difference_is_the_mean_of_many_corpora(world, population, rough_truth):
    corpora = paired_corpora.paired_corpora(Design(24, 30, 4, 5), 300, population, world, 1)
    utterances = corpora.utterances
    assert corpora.votes.shape == (24 * 20 * 5, 300) and utterances.shape == (480, 300) == corpora.high.shape
    means = utterances.mean(axis=0)
    assert corpora.truth == pytest.approx(means.mean(), abs=5 * means.std() / np.sqrt(300))
    assert corpora.high.mean() == pytest.approx(0.5, abs=0.02)
    if population == THESE:
        for truth, group in zip(corpora.by_group, (~corpora.high, corpora.high), strict=True):
            means = np.array([column[mask].mean() for column, mask in zip(utterances.T, group.T, strict=True)])
            assert truth == pytest.approx(means.mean(), abs=5 * means.std() / np.sqrt(300))


def test_the_two_worlds_are_as_skewed_as_they_claim():
    found = {}
    for world in paired_corpora.WORLDS:
        rng = np.random.default_rng(0)
        p, difference = paired_corpora.differences(rng, (4000,), 20, 4, world)
        label = known_votes.draw_labels(rng, np.repeat(p[:, :, None], 5, axis=2))
        found[world] = skew(np.take_along_axis(difference, label, axis=-1).mean(axis=(1, 2)))
    assert found["ordinary"] == pytest.approx(-0.5, abs=0.2) and found["skewed"] == pytest.approx(-2.4, abs=0.5)


# --- type I error and power


def test_batches_have_resamples_of_their_own_and_keep_their_order():
    seeds = []

    def test(take: slice, settings: dict) -> np.ndarray:
        seeds.append(settings["seed"])
        return np.arange(250)[take]

    assert (type_one.in_batches(test, 250, 99, 1) == np.arange(250)).all() and len(set(seeds)) == 3


def test_an_effect_moves_the_border_and_not_the_interval():
    values, homes = np.random.default_rng(1).normal(0, 1, (60, 40)), np.repeat(np.arange(6), 10)
    settings = {"resamples": 299, "seed": 1}
    moved = type_one.ends(mean_interval(values + 0.4, homes, **settings))
    assert (
        type_one.excludes(moved) == type_one.excludes(type_one.ends(mean_interval(values, homes, **settings)), -0.4)
    ).all()
    assert type_one.excludes(moved).any() and not type_one.excludes(moved).all()


def test_the_contrast_is_the_difference_of_two_means():
    rng, homes = np.random.default_rng(1), np.repeat(np.arange(8), 10)
    high = rng.random((80, 3)) < 0.5
    values = np.where(high, 5.0, 2.0) + rng.normal(0, 0.1, (80, 3))
    low, top = type_one.contrast_ends(values, high, homes, {"resamples": 299, "seed": 1, "method": "bootstrap_t"})
    assert (low < 3.1).all() and (low > 2.8).all() and (top > low).all() and (top < 3.2).all()


def test_five_speakers_are_too_few_for_sign_flips_and_every_test_is_there(rough_truth):
    table = type_one.rejection_rates(Design(5, 30, 4, 5), 120, 199, 1)
    assert set(table["test"]) == {
        "mean", "sign_flip", "contrast", "equivalence_lower", "equivalence_upper", "crossed",
    }  # fmt: skip
    assert set(table["world"]) == set(paired_corpora.WORLDS) and len(table) == 12
    assert (table.query("test == 'sign_flip'")["rate"] == 0).all()  # no p below 2 / 2^5 = .0625
    assert (table.query("test == 'crossed'")["population"] == LIKE_THESE).all()
    assert ((table["low"] <= table["rate"]) & (table["rate"] <= table["high"])).all()


def test_the_shipped_rates_are_complete_and_come_out_again(rough_truth):
    table = pd.read_csv(RATES)
    errors = table.query("kind == 'type_one'")
    assert set(errors["speakers"]) == {5, 12, 24, 91} and (errors["corpora"] >= 2000).all() and len(errors) == 48
    assert set(table.query("kind == 'power'")["speakers"]) == {12, 24, 91}
    again = type_one.rejection_rates(Design(12, 30, 4, 5), 200, 499, 9).set_index(["kind", "world", "test", "effect"])
    stated = table.query("speakers == 12").set_index(["kind", "world", "test", "effect"])["rate"]
    gap = (again["rate"] - stated).abs()
    assert (gap < 4.5 * np.sqrt(np.maximum(stated * (1 - stated), 0.03) / 200)).all()


def test_the_shipped_tests_hold_where_differences_are_ordinary():
    errors = pd.read_csv(RATES).query("kind == 'type_one' and world == 'ordinary' and speakers >= 12")
    assert (errors["rate"] < 0.075).all()
    power = pd.read_csv(RATES).query("kind == 'power' and speakers == 91")
    assert (power["rate"] - power["formula"]).abs().max() < 0.05


# --- recovery


def test_a_worth_is_read_off_the_curve_between_whole_votes():
    curve = np.array([1.4, 1.2, 1.1, 1.05])
    assert [recovery.read_off(curve, loss) for loss in (1.5, 1.4, 1.3, 1.15, 1.0)] == pytest.approx([0, 0, 0.5, 1.5, 3])
    assert [recovery.utterances_of(speakers) for speakers in (12, 24, 91)] == [480, 480, 3640]


def test_the_truth_of_very_many_utterances():
    truths = population_worth.worths(5, 20_000).set_index(["stratum", "proxy"])["truth"]
    for stratum in ("all", "low", "medium", "high"):
        for kind in ("fresh", "calibrated-fresh"):
            assert [truths[stratum, f"{kind}-{k}"] for k in (1, 2, 3)] == [1, 2, 3]
        assert truths[stratum, "noise"] == truths[stratum, "shuffled"] == 0
        for k in (1, 2, 3):  # no rater's habit: worth more than as many raters
            assert truths[stratum, f"latent-{k}"] > 1.4 * k
        assert abs(truths[stratum, "echo"]) < 0.15 and abs(truths[stratum, "prior"]) < 0.05
    assert truths["all", "as_pooled"] < truths["all", "weighted"] + 0.05 < truths["all", "calibrated"]


def test_more_human_votes_lose_less_on_very_many_utterances():
    people = population_worth.population(20_000, 5)
    means = np.array([loss.mean() for loss in people.people])
    assert (np.diff(means) < 0).all() and len(means) == population_worth.CURVE + 1
    assert (np.diff(means, 2) > -5e-4).all()  # each further vote brings less
    assert set(people.level) == {0, 1, 2}
    calibrated = np.array([loss.mean() for loss in people.calibrated_people])
    # a matrix that is learnt from very many votes can only help
    assert (np.diff(calibrated) < 0).all() and (calibrated[1:] < means[1:]).all()


def found_rows(estimates, ends, proxy="fresh-1", stratum="all"):
    rows = []
    for estimate, (low, high) in zip(estimates, ends, strict=True):
        row = {"speakers": 12, "stratum": stratum, "proxy": proxy, "beside": 0, "votes": 1, "estimate": estimate}
        rows.append(row | {"low": low, "high": high, "loss": 1.3, "curve_0": 1.4, "curve_1": 1.2, "curve_2": 1.1})
    return pd.DataFrame(rows).reindex(columns=[*rows[0], "curve_3", "curve_4"])


def test_the_truth_is_not_rounded():
    """An interval that ends .01 short of the truth does not cover it."""
    found = found_rows([1.0], [(0.9, 1.02)])
    truths = pd.DataFrame([{"speakers": 12, "stratum": "all", "proxy": "fresh-1", "beside": 0, "votes": 1}])
    for truth, covers in ((1.01, 1.0), (1.03, 0.0)):
        table = recovery.summarise(found, truths.assign(truth=truth, known_by="population"), 99)
        assert table["coverage"].tolist() == [covers]


def test_the_summary_counts_what_it_should():
    found = found_rows([1, 1.2, 0.8, 2], [(0.5, 1.5), (1.05, np.inf), (0, 1), (1, np.inf)])
    truths = pd.DataFrame([{"speakers": 12, "stratum": "all", "proxy": "fresh-1", "beside": 0, "votes": 1}])
    row = recovery.summarise(found, truths.assign(truth=1.0, known_by="theory"), 99).iloc[0]
    assert (row["coverage"], row["open"], row["gains"], row["mean"]) == (0.75, 0.5, 0.75, 1.25)
    assert (row["low"], row["high"]) == pytest.approx(exact_limits(3, 4), abs=1e-4) and row["q50"] == 1.1


def test_what_is_learnt_is_also_judged_by_what_a_corpus_can_expect():
    found = found_rows([0.5, 0.6], [(0.3, 0.7), (0.5, 0.9)], proxy="weighted")
    truths = pd.DataFrame([{"speakers": 12, "stratum": "all", "proxy": "weighted", "beside": 0, "votes": 1}])
    table = recovery.summarise(found, truths.assign(truth=0.8, known_by="population"), 99)
    assert table["known_by"].tolist() == ["population", "corpora"] and table["truth"].tolist() == [0.8, 0.5]
    assert table["coverage"].tolist() == [0.5, 1.0]


def test_known_worths_come_out_of_a_few_corpora():
    rows = pd.DataFrame([row for number in range(4) for row in recovery.value_corpus(12, number, 199, 11)])
    means = rows.query("stratum == 'all'").groupby("proxy")["estimate"].mean()
    assert means["fresh-1"] == pytest.approx(1, abs=0.4) and means["fresh-2"] == pytest.approx(2, abs=0.7)
    assert means["latent-1"] > means["fresh-1"] and means["noise"] < 0.05 and means["shuffled"] < 0.1
    for k, far in ((1, 0.4), (2, 0.7)):  # calibrated votes are read off a ruler that is calibrated like them
        assert means[f"calibrated-fresh-{k}"] == pytest.approx(k, abs=far)
    assert abs(means["echo"]) < 0.1 and abs(means["prior"]) < 0.1
    assert set(rows["stratum"]) == {"all", "low", "medium", "high"}


def test_the_shipped_recovery_is_complete_and_covers_what_theory_says():
    table = pd.read_csv(RECOVERY)
    assert set(table["speakers"]) == {12, 24, 91} and (table["corpora"] >= 150).all()
    whole, by_level = 18, 13  # proxies and truths: calibrated votes are tried over all utterances alone
    assert len(table) == 3 * (whole + 3 * by_level)
    fresh = table[table["proxy"].str.startswith("fresh")]
    assert (fresh["high"] >= 0.94).all()
    nothing = table[table["proxy"].isin(["noise", "shuffled"])]
    assert (nothing["coverage"] > 0.9).all() and (nothing.query("stratum == 'all'")["q95"] < 0.1).all()


def test_a_wrong_number_of_speakers_is_named(tmp_path):
    program = REPOSITORY / "workflow" / "scripts" / "validate_recovery.py"
    for speakers, corpora, message in (
        (["4"], ["1"], "--speakers 4: an interval needs 5 or more"),
        (["12", "24"], ["1"], "--corpora: 1 numbers for 2 of speakers"),
    ):
        options = ["--speakers", *speakers, "--corpora", *corpora, "--resamples", "9", "--seed", "1"]
        command = [sys.executable, str(program), *options, "--output", str(tmp_path / "x.csv")]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 1 and message in done.stderr
