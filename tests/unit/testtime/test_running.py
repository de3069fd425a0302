"""Every strategy and control on pools of known truth: who wins, with intervals; what is absent says why."""

import numpy as np
import pytest

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.inference.adjust import adjust
from scaling_ambiguity.inference.bootstrap import mean_interval
from scaling_ambiguity.metrics.scores import nll_votes
from scaling_ambiguity.tables.strategy_scores import STRATEGY_SCORES
from scaling_ambiguity.testtime.controls import CONTROLS, HUMAN, RANDOM_PICK, human_leave_one_out, mean
from scaling_ambiguity.testtime.crossfit import hold_out
from scaling_ambiguity.testtime.losses import candidate_losses
from scaling_ambiguity.testtime.running import run_strategies
from scaling_ambiguity.testtime.scoring import (
    BLOCK,
    PUBLISHED,
    joined_scores,
    score_frame,
    score_rows,
    utterance_scores,
    wide,
)
from scaling_ambiguity.testtime.strategies import STRATEGIES, apply_strategy
from scaling_ambiguity.testtime.worlds import simulated_pool

SETTINGS = {"resamples": 500, "seed": 3, "level": 0.95, "method": "bootstrap_t"}
SAME = {"corpus": "demo", "alm": "tiny", "tier": "B", "benchmark": "1.0.0"}


@pytest.fixture(scope="module")
def run(world, held_out):
    outcomes, missing = run_strategies({"sampled": world.pool}, held_out)
    rows = score_rows(outcomes, missing, held_out, SETTINGS)
    return outcomes, missing, STRATEGY_SCORES.validate(score_frame(rows, SAME), "test")


def row_of(table, strategy, form, metric="nll", against="none"):
    found = table[(table["strategy"] == strategy) & (table["form"] == form)]
    found = found[(found["metric"] == metric) & (found["against"] == against)]
    assert len(found) == 1, (strategy, form, metric, against, len(found))
    return found.iloc[0]


def test_every_strategy_and_control_has_a_row_or_a_reason(run):
    outcomes, missing, _ = run
    applied = {(o.strategy, o.form) for o in outcomes}
    absent = {(o.strategy, o.form): o.reason for o in missing}
    for key in STRATEGIES:
        assert tuple(key.split("/")) in applied | set(absent), key
    for name in (*CONTROLS, RANDOM_PICK):
        assert (name, "control") in applied | set(absent), name
    assert {name for name, _ in absent} == {
        "cot", "readout", "readout_tempered", "labels", "alm_v-shuffled", "alm_v-deaf", "alm_v-self",
        "w_alm_v-shuffled", "w_alm_v-deaf", "w_alm_v-self",
    }  # fmt: skip
    assert "needs a pool of kind reasoned; there is sampled. Generate such" in absent["cot", "fair"]
    assert "no judgements of verifier 'deaf' (given: verifier)" in absent["alm_v-deaf", "control"]
    for outcome in outcomes:
        if outcome.weights is None:
            np.testing.assert_allclose(outcome.p.sum(axis=1), 1, atol=1e-9)


def test_who_beats_whom(run):
    """Planted quality .6: a fitted weight beats the plain mean, a pick loses to it, oracles bound both."""
    _, _, table = run
    tuned = row_of(table, "w_alm_v", "fair", against="mean")
    assert tuned["high"] < 0 and tuned["p_adjusted"] < 0.05
    for form in ("faithful", "fair"):
        assert row_of(table, "alm_v", form, against="mean")["low"] > 0
        assert row_of(table, "alm_v", form, against="single")["high"] < 0
    assert row_of(table, "alm_v-random", "control", against="mean")["low"] > 0
    assert row_of(table, "mean", "control", against="mean")["estimate"] == 0
    scored = table[(table["metric"] == "nll") & (table["against"] == "none")]
    nll = dict(zip(scored["strategy"], scored["estimate"], strict=True))
    assert nll["oracle_hull"] < nll["oracle_pick"] < nll["alm_v"] < nll[RANDOM_PICK]
    assert nll["oracle_hull"] < nll["w_alm_v"] and nll["mean_of_5"] == nll["mean"] < nll["mean_of_1"] == nll["single"]
    assert abs(nll["prior"] - nll["uniform"]) < 0.003 and nll["mean"] < nll["prior"], "all classes are equally frequent"
    assert nll["shrunk"] < nll["mean"], "the belief is overconfident: shrinking helps"
    assert nll["majority"] > nll["uniform"] and nll[HUMAN] < nll["mean"], "eight votes of nine beat the ALM"


def test_people_are_predicted_from_the_other_votes_of_an_utterance():
    held_out = hold_out(np.array([[3.0, 1], [1, 0], [2, 2], [0, 5]]), np.array(list("abcd")), floor=0.001, seed=1)
    found = human_leave_one_out(held_out)
    a = held_out.concentration
    for row, votes in enumerate(held_out.counts.astype(int)):
        nll, brier = [], []
        for label in np.repeat([0, 1], votes):
            rest = votes - np.eye(2, dtype=int)[label]
            p = (rest + a[row]) / (rest.sum() + a[row].sum())
            raised = np.maximum(p, 0.001) / np.maximum(p, 0.001).sum()
            nll.append(-np.log(raised[label]))
            brier.append(((p - np.eye(2)[label]) ** 2).sum())
        assert found["nll"][row] == pytest.approx(np.mean(nll)) and found["brier"][row] == pytest.approx(np.mean(brier))


def test_a_random_pick_is_scored_exactly(run, world, held_out):
    outcomes, _, _ = run
    outcome = next(o for o in outcomes if o.strategy == RANDOM_PICK)
    found = utterance_scores(outcome, held_out, ("nll", "brier"))
    for name in ("nll", "brier"):
        expected = candidate_losses(name, world.pool.q, held_out.counts, held_out.floor).mean(axis=1)
        np.testing.assert_allclose(found[name], expected, atol=1e-12)


def test_published_metrics_are_apart_and_in_no_difference(run):
    _, _, table = run
    differences = table[table["against"] != "none"]
    assert set(differences["metric"]) == {"nll", "brier"}
    assert set(table.loc[table["block"] == "published", "metric"]) == set(PUBLISHED)
    scored = table[table["block"].isin(["proper", "published", "further"]) & (table["against"] == "none")]
    assert set(scored["metric"]) == set(BLOCK) and len(BLOCK) == 12
    assert row_of(table, "w_bon", "fair", "temperature")["estimate"] in (0.75, 1.0, 1.5, 2.0)


def test_estimates_and_intervals_are_those_of_the_house(run, held_out):
    outcomes, _, table = run
    outcome = next(o for o in outcomes if (o.strategy, o.form) == ("w_bon", "fair"))
    losses = nll_votes(outcome.p, held_out.counts)
    found = mean_interval(losses - nll_votes(outcome.rival, held_out.counts), held_out.speakers, **SETTINGS)
    row = row_of(table, "w_bon", "fair", against="mean")
    np.testing.assert_allclose([row["estimate"], row["low"], row["high"], row["p"]],
                               [found.estimate[0], found.low[0], found.high[0], found.p[0]], rtol=1e-12)  # fmt: skip
    assert row["n"] == 2000 and row["n_clusters"] == 40


def test_the_wide_table_has_the_best_first_and_reasons_last(run):
    _, _, table = run
    board = wide(table)
    assert board["strategy"].iloc[0] == "oracle_hull" and board["nll"].dropna().is_monotonic_increasing
    assert board["reason"].iloc[-1].startswith(("strategy", "control")) and np.isnan(board["nll"].iloc[-1])
    assert {"nll_low", "nll_minus_mean", "nll_minus_mean_p_adjusted", "macro_f1_high", "temperature"} <= set(board)
    assert len(board) == len(board.drop_duplicates(["strategy", "form"]))


def test_three_speakers_have_estimates_alone():
    world = simulated_pool(60, 3, seed=2, quality=0.5, speakers=3)
    held_out = hold_out(world.votes(5), world.speakers, floor=0.001, seed=1)
    rows = score_rows(*run_strategies({"sampled": world.pool}, held_out), held_out, SETTINGS)
    table = STRATEGY_SCORES.validate(score_frame(rows, SAME), "test")
    assert table[["low", "high", "p", "p_adjusted"]].isna().all(axis=None)
    scored = table[table["block"] != "fact"].dropna(subset=["estimate"])
    assert set(scored["method"]) == {"few_clusters"} and len(scored) > 100


def test_several_models_are_one_family_of_tests(run):
    _, _, table = run
    weaker = table.assign(alm="second", p=np.minimum(1, 20 * table["p"]))
    joined = STRATEGY_SCORES.validate(joined_scores([table, weaker], ["a", "b"]), "test")
    family = (joined["against"] == "mean") & joined["p_adjusted"].notna()
    assert set(joined.loc[family, "form"]) == {"faithful", "fair"} and set(joined.loc[family, "metric"]) == {"nll"}
    np.testing.assert_allclose(joined.loc[family, "p_adjusted"], adjust(joined.loc[family, "p"]), atol=1e-15)
    both = joined[family & (joined["alm"] == "tiny")].set_index(["strategy", "form"])["p_adjusted"]
    alone = table[(table["against"] == "mean") & table["p_adjusted"].notna()].set_index(["strategy", "form"])[
        "p_adjusted"
    ]
    assert (both >= alone.reindex(both.index) - 1e-12).all() and (both > alone.reindex(both.index)).any()
    with pytest.raises(UserError, match="b: scored by benchmark 1\\.1\\.0, not 1\\.0\\.0 as a"):
        joined_scores([table, weaker.assign(benchmark="1.1.0")], ["a", "b"])


@pytest.mark.parametrize("worlds", [30, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.ci
def test_nothing_wins_where_scores_are_exchangeable_but_for_chance(worlds):
    """Fitted weights and picks by scores that know nothing: no more false wins than Holm's adjustment allows."""
    wins = 0
    keys = ("bon/faithful", "w_bon/faithful", "w_bon/fair", "w_bon_sum/faithful", "alm_v/fair", "w_alm_v/fair")
    for seed in range(worlds):
        world = simulated_pool(400, 4, seed=seed, quality=0.0, speakers=25)
        held_out = hold_out(world.votes(5), world.speakers, floor=0.001, seed=seed)
        plain = nll_votes(mean(world.pool.q, world.pool.valid), held_out.counts)
        combined = [apply_strategy(STRATEGIES[key], world.pool, held_out)[0].q for key in keys]
        columns = [nll_votes(p, held_out.counts) - plain for p in combined]
        found = mean_interval(np.stack(columns, axis=1), held_out.speakers, resamples=400, seed=1)
        wins += bool(((adjust(found.p) < 0.05) & (found.estimate < 0)).any())
    assert wins <= worlds * 0.05 + 2 * (worlds * 0.05 * 0.95) ** 0.5, wins
