"""The chapter on strategies at test time: table, figure and sentences from scores of known worlds."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from paper_text import bare_digits, keys_reached, keys_used, switches_used, taken_branches

from scaling_ambiguity.reporting.figures.strategies import draw_strategies, strategy_points
from scaling_ambiguity.reporting.numbers.registry import Numbers
from scaling_ambiguity.reporting.numbers.strategies import add_strategies
from scaling_ambiguity.reporting.selection import pick, read_statistics
from scaling_ambiguity.reporting.strategy_names import CONTROLS, PUBLISHED, strategy_name, why_not
from scaling_ambiguity.reporting.style import styled
from scaling_ambiguity.reporting.tables.strategies import strategies_table
from scaling_ambiguity.tables.statistics import STATISTICS
from scaling_ambiguity.testtime.accounting import Usage
from scaling_ambiguity.testtime.controls import CONTROLS as ALL_CONTROLS
from scaling_ambiguity.testtime.costs import cost_rows
from scaling_ambiguity.testtime.crossfit import hold_out
from scaling_ambiguity.testtime.facts import pool_facts
from scaling_ambiguity.testtime.projecting import NOT_AVAILABLE, as_statistics
from scaling_ambiguity.testtime.running import run_strategies
from scaling_ambiguity.testtime.scoring import joined_scores, score_frame, score_rows
from scaling_ambiguity.testtime.strategies import STRATEGIES
from scaling_ambiguity.testtime.worlds import near_duplicates, simulated_pool

REPOSITORY = Path(__file__).resolve().parents[3]
SECTION = (REPOSITORY / "paper" / "supplement" / "results_strategies.tex").read_text()
STYLE = REPOSITORY / "paper" / "paper.mplstyle"
SETTINGS = {"resamples": 4000, "seed": 1, "level": 0.95, "method": "bootstrap_t"}
K = 4


def scores(world, alm, more=()):
    """Return the scores of a world's pool and of further pools made of it, {kind: number of its first candidates}."""
    held_out = hold_out(world.votes(9), world.speakers, floor=0.001, seed=1)
    pools = {"sampled": world.pool} | {kind: replace(world.pool.first(n), kind=kind) for kind, n in dict(more).items()}
    outcomes, missing = run_strategies(pools, held_out, seed=1)
    rows = score_rows(outcomes, missing, held_out, SETTINGS)
    ones = np.ones(len(world.speakers))
    parts = {f"sampled:{k}": k for k in (1, 2, 3, K)} | {
        "sampled": K,
        "verifier:sampled": 2,
        "readout": 1,
        "reasoned": 1,
    }
    used = {name: Usage(k * ones, k * ones, 300 * k * ones, 9 * k * ones, 0.02 * k * ones) for name, k in parts.items()}
    rows += cost_rows(outcomes, used, None, held_out, SETTINGS)
    for pool in pools.values():
        rows += pool_facts(pool)
    return score_frame(rows, {"corpus": "demo", "alm": alm, "tier": "A", "benchmark": "1.0.0+a.b"})


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Return the statistics of an ALM whose likelihood knows what is good, and of one whose answers are all alike."""
    knowing = simulated_pool(240, K, seed=11, quality=0.95, speakers=12)
    alike = near_duplicates(240, K, seed=3)
    frames = [scores(knowing, "knowing", {"readout": 1}), scores(alike, "alike", {"reasoned": 2})]
    path = tmp_path_factory.mktemp("run") / "strategies.parquet"
    STATISTICS.write(as_statistics(joined_scores(frames, ["a", "b"])), path)
    return read_statistics([path])


def numbers_of(table, alm):
    numbers = Numbers()
    add_strategies(numbers, table, 0.95, ("demo", alm))
    return numbers


def test_a_projection_computes_nothing():
    frame = joined_scores([scores(simulated_pool(120, K, seed=1, speakers=6), "a")], ["a"])
    projected = as_statistics(frame)
    assert len(projected) == len(frame)
    for name in ("estimate", "p", "p_adjusted", "n"):
        np.testing.assert_array_equal(projected[name], frame[name])
    reasons = frame["reason"].dropna()
    assert len(reasons) and set(projected["method"]) >= {f"{NOT_AVAILABLE}{reason}" for reason in reasons}


def test_every_strategy_has_a_name_and_a_row(table):
    assert {strategy.name for strategy in STRATEGIES.values()} == set(PUBLISHED)
    assert set(CONTROLS) <= {*ALL_CONTROLS, "random_pick", "human_leave_one_out"}
    text, shown = strategies_table(table)
    lines = text.splitlines()
    assert sum("demo, " in line for line in lines) == 2 and "no diversity" in text
    for strategy in STRATEGIES.values():
        found = [line for line in lines if line.startswith(strategy_name(strategy.name, strategy.form))]
        missing = [line for line in lines if "not available" in line and PUBLISHED[strategy.name] in line]
        assert len(found) + len(missing) >= 2, strategy.key
    (row,) = [line for line in lines if line.startswith("class prior")][:1]
    assert row.count(" & ") == text.splitlines()[3].count(" & ")
    assert "needs a pool of kind reasoned" in text and "Generate such candidates" not in text
    value = pick(shown, model="knowing", labels="mean", metric="nll")["estimate"].item()
    assert f"{value:.3f}" in text
    assert table["p_adjusted"].max() <= 1


def test_the_figure_shows_costs_front_and_the_line_to_beat(table):
    points = strategy_points(table)
    with styled(STYLE):
        figure, shown = draw_strategies(table)
        assert len(figure.axes) == 4, "two ALMs; requests and seconds"
        (line,) = [one for one in figure.axes[0].lines if one.get_label() == "mean of N answers"]
        assert list(line.get_xdata()) == [1.0, 2.0, 3.0, 4.0]
        labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert {"Pareto front", "class prior", "read-out", "weighted BoN, fair"} <= set(labels)
    picked = points[(points["labels"] == "bon") & (points["currency"] == "requests") & (points["model"] == "knowing")]
    assert (picked["cost"] == K).all(), "what picks one answer has paid for all"
    assert set(shown["currency"]) == {"requests", "seconds"}


@pytest.mark.parametrize("alm", ["knowing", "alike"])
def test_the_section_uses_what_is_defined(table, alm):
    numbers = numbers_of(table, alm)
    used = keys_used([taken_branches(SECTION, numbers.switches)])
    assert sorted(used - set(numbers.keys())) == []
    assert sorted(set(numbers.keys()) - keys_reached(used, numbers.provenance())) == []
    assert switches_used([SECTION]) == set(numbers.switches)
    assert bare_digits(SECTION) == []


def test_words_follow_from_tests(table):
    numbers = numbers_of(table, "knowing")
    assert numbers.switches["poolvaried"] and numbers.switches["readoutasked"] and not numbers.switches["reasoned"]
    rows = pick(table, model="knowing", metric="nll_minus_mean", augmentation=["faithful", "fair"])
    better = rows[(rows["p_adjusted"] < 0.05) & (rows["estimate"] < 0)]
    assert len(better)
    for row in better.itertuples():
        assert PUBLISHED[row.labels].partition(" (")[0] in numbers["strategies.better"].text
    assert "first answer (as published)" in numbers["strategies.worse"].text
    assert numbers["strategies.tested"].value == rows["p_adjusted"].notna().sum()
    assert numbers["strategies.mean.first.words"].text == "better than"
    assert numbers["strategies.cot.why"].text == "needs a pool of kind reasoned"


def test_where_answers_are_alike_no_strategy_wins(table):
    numbers = numbers_of(table, "alike")
    assert not numbers.switches["poolvaried"] and numbers["strategies.better"].text == "none"
    assert numbers.switches["reasoned"] and not numbers.switches["readoutasked"]
    assert "nothing to choose from" in taken_branches(SECTION, numbers.switches)


def test_reasons_are_cut_to_what_is_lacking():
    reason = (
        "strategy alm_v: the beam pool has no judgements of verifier 'self' (given: none); let a verifier score it."
    )
    assert why_not(NOT_AVAILABLE + reason) == "the beam pool has no judgements of verifier self"
