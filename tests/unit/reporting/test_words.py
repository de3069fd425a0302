import math
import re

import numpy as np
import pandas as pd
import pytest
import yaml

from scaling_ambiguity.configuration.checked import SCHEMA
from scaling_ambiguity.inference.adjust import adjust
from scaling_ambiguity.inference.bootstrap import mean_interval
from scaling_ambiguity.inference.permutation import sign_flip_test
from scaling_ambiguity.reporting.numbers.augmentation import augmentation_words, augmentations
from scaling_ambiguity.reporting.numbers.registry import Numbers
from scaling_ambiguity.reporting.paper import source_files
from scaling_ambiguity.reporting.tables.booktabs import cell
from scaling_ambiguity.reporting.text import bounds, count, interval_of, joined, number, p_text, p_value, percent
from scaling_ambiguity.reporting.words import difference, equivalent, several, trend

PAPER = SCHEMA.parents[2] / "paper"


def test_numbers_are_rounded_once_and_keep_their_sign():
    assert number(0.12345) == "0.123"
    assert number(-0.5, 1) == "$-$0.5"
    assert number(-0.00001) == "0.000"
    assert number(math.nan) == "--"
    assert count(9600) == r"9\,600"
    assert percent(0.123, 1) == r"12.3\,\%"
    assert (percent(0, 1), percent(1.0, 1)) == (r"0\,\%", r"100\,\%")
    assert percent(44_648 / 44_652, 1) == r"$>$99.9\,\%", "all but four votes are not all"
    assert (percent(4 / 44_652, 1), percent(0.996)) == (r"$<$0.1\,\%", r"$>$99\,\%")
    assert (percent(-0.002), percent(1.002), percent(0.95)) == (r"0\,\%", r"100\,\%", r"95\,\%")
    assert p_value(0.0001) == "$<$0.001"
    assert joined(["a", "b", "c"]) == "a, b and c"


def test_a_constant_of_any_sample_has_no_interval():
    uniform = math.log(4)
    assert interval_of(uniform, uniform, uniform) == "" and cell(uniform, uniform, uniform) == "1.386"
    assert interval_of(0.0, 0.0, 0.0004) == "[0.000, 0.000]"
    assert interval_of(0.5, 0.5, math.nan, 1) == r"[0.5, $\infty$]" and interval_of(0.5, math.nan, math.nan) == ""


def test_open_intervals_are_written_as_open():
    assert bounds(0.1, 0.2, 1) == "[0.1, 0.2]"
    assert bounds(0.1, math.nan, 1) == r"[0.1, $\infty$]"
    assert bounds(math.nan, math.nan) == ""


@pytest.mark.parametrize(
    ("estimate", "p", "words"),
    [
        (-0.1, 0.01, "better than"),
        (0.1, 0.01, "worse than"),
        (-0.1, 0.2, "not distinguishable from"),
        (0.1, math.nan, "not comparable with"),
    ],
)
def test_a_direction_is_named_only_where_the_adjusted_test_says_so(estimate, p, words):
    assert difference(estimate, p, 0.95) == words


def test_a_trend_needs_an_interval_that_excludes_zero():
    assert (trend(0.1, 0.3), trend(-0.3, -0.1)) == ("rises", "falls")
    for low, high in ((-0.1, 0.3), (0.0, 0.3), (math.nan, math.nan), (0.1, math.nan)):
        assert trend(low, high) == "shows no clear trend"


@pytest.mark.parametrize("method", ["bootstrap_t", "percentile"])
def test_a_p_at_the_limit_of_its_resamples_is_at_most_that(method):
    """Sixteen tests at 10,000 resamples, of effects of 35 standard errors: no adjusted p is below .0032."""
    speakers = np.repeat(np.arange(12), 20)
    random = np.random.default_rng(1)
    values = np.stack([random.normal(mean, 1, len(speakers)) for mean in (*[9.0] * 15, 0.0)], axis=1)
    found = mean_interval(values, speakers, resamples=10_000, seed=1, method=method)
    least = (2 if method == "bootstrap_t" else 1) / 10_001
    assert found.p_least == pytest.approx(least) and found.p[:15] == pytest.approx(least)
    rows = [{"p": p, "p_adjusted": q, "p_least": found.p_least} for p, q in zip(found.p, adjust(found.p), strict=True)]
    assert {p_text(row) for row in rows[:15]} == {rf"$\le$\,{16 * least:.4f}"}
    assert p_text(rows[0], "p") == rf"$\le$\,{least:.4f}"
    assert "le" not in p_text(rows[15]) and p_text(rows[15]) == p_value(found.p[15])


def test_a_p_that_is_no_limit_is_printed_as_it_is():
    assert p_text({"p": 0.0004, "p_adjusted": 0.0032, "p_least": 0.0002}) == "0.003"
    assert p_text({"p": 0.0004, "p_adjusted": 0.0004, "p_least": None}) == "$<$0.001"
    assert p_text({"p": 0.0004, "p_adjusted": None, "p_least": 0.0004}) == "--"
    assert p_text(pd.Series({"p": 0.02, "p_adjusted": 0.04})) == "0.040"  # of a table without the column
    speakers, values = np.repeat(np.arange(8), 5), np.random.default_rng(1).normal(9, 1, 40)
    exact = sign_flip_test(values, speakers, resamples=999, seed=1)
    many = sign_flip_test(np.tile(values, 2), np.repeat(np.arange(16), 5), resamples=999, seed=1)
    assert math.isnan(exact.p_least) and exact.p[0] == 2 / 2**8  # all patterns were looked at: an exact p
    assert many.p_least == pytest.approx(many.p[0]) == pytest.approx(1 / 1000)


@pytest.mark.parametrize(
    ("estimate", "low", "high", "words"),
    [
        (1.25, 0.5, 2.0, r"1.25 human votes (95\,\% interval 0.50 to 2.00)"),
        (1.0, 0.5, 2.0, r"1.00 human vote (95\,\% interval 0.50 to 2.00)"),
        (5.0, 4.1, math.nan, r"more than 5 human votes (95\,\% interval from 4.10, without an upper bound)"),
        (0.0, 0.0, 0.3, r"no human vote (95\,\% interval up to 0.30)"),
        (2.0, 0.0, math.nan, r"2.00 human votes (95\,\% interval not bounded by these data)"),
        (2.0, math.nan, math.nan, "2.00 human votes (no interval, from fewer than 5 speakers)"),
    ],
)
def test_exchange_rates_say_where_the_data_end(estimate, low, high, words):
    assert equivalent(estimate, low, high, 5, 0.95) == words


LIBRARY = yaml.safe_load((SCHEMA.parents[2] / "config.yaml").read_text())["augmentations"]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (LIBRARY["dime_faithful"], ["as published", r"30\,\% of the largest", "3 neighbours", "in pitch or speed"]),
        (
            LIBRARY["dime"],
            ["repaired", r"50\,\%", "bin of class and ambiguity", "of one speaker one after"],
        ),
        ({"method": "balanced", "bins": "class", "mixing": "overlay"}, ["every class", "at once"]),
        (LIBRARY["oversample"], ["nothing is mixed", "repeating items"]),
        (LIBRARY["mixup"], ["random pairs", r"30\,\%"]),
        (LIBRARY["specaugment"], ["taken out of the spectra"]),
    ],
)
def test_every_augmentation_has_its_words(entry, words):
    text = augmentation_words(entry)
    assert all(word in text for word in words), text
    assert ("anew" in text) == ("online" in entry)


def test_the_augmentation_of_the_text_is_the_first_of_the_headline_protocol():
    config = {
        "paper": {"headline": {"protocol": "fair"}},
        "protocols": {"fair": {}, "faithful": {"augmentation": ["none", "mixup"]}},
        "run": {"augmentation": ["none", "second", "first"]},
    }
    assert augmentations(config) == ["second", "first"]
    config["paper"]["headline"]["protocol"] = "faithful"
    assert augmentations(config) == ["mixup"]
    config["protocols"]["faithful"]["augmentation"] = ["none"]
    assert augmentations(config) == []


def test_a_noun_goes_with_its_number():
    numbers = Numbers()
    for key, value in {"one": 1, "two": 2, "many": 21}.items():
        numbers.value(key, value, count(value), file="f.csv", column="n")
    lines = numbers.latex().splitlines()
    assert [line for line in lines if line.startswith("\\defineone")] == [r"\defineone{one}"]
    assert several(1, 1, "human vote") == "1 human vote" and several(0, 3, "human vote") == "0 to 3 human votes"
    assert equivalent(2.0, 0.5, math.nan, 1, 0.95).startswith("more than 1 human vote ")
    assert equivalent(9.0, 0.5, math.nan, 5, 0.95).startswith("more than 5 human votes")


def test_no_number_of_the_text_stands_before_a_plural_of_its_own():
    """Counts that are 1 in ordinary small runs are followed by the noun that goes with them."""
    counts = (
        "exchange.largest exchange.m costs.m shares.votes settings.votes corpus.speakers corpus.raters answers.prompts"
    )
    for path in source_files(PAPER):
        text = " ".join(path.read_text().split())
        for key in counts.split():
            assert not re.search(rf"\\result\{{{re.escape(key)}\}} (human |synthetic )?[a-z]+s\b", text), (path, key)
