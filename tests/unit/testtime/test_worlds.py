"""Simulated worlds in which it is known which strategy wins, and by how much.

Expected figures: our own simulation with other random numbers, 40,000 utterances; they agree within .0015.
"""

import numpy as np
import pytest

from scaling_ambiguity.evaluation.scaling import raised
from scaling_ambiguity.inference.bootstrap import mean_interval
from scaling_ambiguity.metrics.divergences import bhattacharyya, jsd_bits
from scaling_ambiguity.metrics.scores import nll_votes
from scaling_ambiguity.testtime.combining import equal_weights, mixed, softmax_weights, top_weights
from scaling_ambiguity.testtime.controls import log_pool, mean, medoid_weights
from scaling_ambiguity.testtime.crossfit import hold_out
from scaling_ambiguity.testtime.diversity import LEAST_JSD, diversity
from scaling_ambiguity.testtime.oracle import oracle_hull
from scaling_ambiguity.testtime.strategies import STRATEGIES, TEMPERATURES, apply_strategy
from scaling_ambiguity.testtime.verifier import within_spearman
from scaling_ambiguity.testtime.worlds import near_duplicates, simulated_pool

NEAR = 0.0015
UTTERANCES = 40_000
# planted quality -> JSD in bits to the truth: single, mean, pick, weighted at .5, weighted at the best temperature, it
TABLE = {
    -0.6: (0.096, 0.0425, 0.148, 0.101, 0.0425, np.inf),
    0.0: (0.098, 0.0430, 0.097, 0.063, 0.0431, np.inf),
    0.4: (0.096, 0.0430, 0.072, 0.045, 0.0388, 1.5),
    0.6: (0.097, 0.0430, 0.061, 0.038, 0.0348, 1.0),
    0.9: (0.097, 0.0432, 0.044, np.nan, 0.0269, 0.75),
    1.0: (0.098, 0.0430, 0.034, 0.0226, 0.0226, 0.5),
}
# planted quality -> Spearman's correlation within utterances against the truth, and against nine votes
WITHIN = {0.4: (0.28, 0.19), 0.6: (0.43, 0.29), 0.9: (0.72, 0.46)}


@pytest.fixture(scope="module")
def worlds():
    return {quality: simulated_pool(UTTERANCES, 5, seed=3, quality=quality) for quality in TABLE}


def to_truth(world, p):
    return float(jsd_bits(world.truth, p).mean())


@pytest.mark.parametrize("quality", TABLE)
def test_a_pick_beats_the_mean_only_with_a_very_good_verifier(worlds, quality):
    world = worlds[quality]
    q, valid = world.pool.q, world.pool.valid
    score = world.pool.verdicts["verifier"].scores
    single, plain, pick, half, best, temperature = TABLE[quality]
    losses = {tau: to_truth(world, mixed(softmax_weights(score, valid, tau), q)) for tau in TEMPERATURES}
    assert to_truth(world, q[:, 0]) == pytest.approx(single, abs=NEAR)
    assert to_truth(world, mean(q, valid)) == pytest.approx(plain, abs=NEAR)
    assert to_truth(world, mixed(top_weights(score, valid, share_ties=False), q)) == pytest.approx(pick, abs=NEAR)
    if np.isfinite(half):
        assert losses[0.5] == pytest.approx(half, abs=NEAR)
    assert min(losses.values()) == pytest.approx(best, abs=NEAR)
    # beyond 10 the loss is flat: where nothing is known the best temperature is infinite but for noise
    chosen = min(losses, key=losses.get)
    assert chosen == temperature or (np.isinf(temperature) and chosen >= 5), chosen


def test_means_medoid_log_pool_and_oracles(worlds):
    world = simulated_pool(UTTERANCES, 20, seed=5)
    q, valid = world.pool.q, world.pool.valid
    for n, expected in {1: 0.097, 2: 0.065, 3: 0.053, 5: 0.043, 10: 0.036, 20: 0.032}.items():
        assert to_truth(world, mean(q[:, :n], valid[:, :n])) == pytest.approx(expected, abs=NEAR), n
    world = worlds[0.0]
    q, valid = world.pool.q, world.pool.valid
    assert to_truth(world, mixed(medoid_weights(q, valid), q)) == pytest.approx(0.065, abs=NEAR)
    assert to_truth(world, log_pool(q, valid, 0.001)) == pytest.approx(0.062, abs=NEAR)
    picks = jsd_bits(world.truth[:, None], q).min(axis=1).mean()
    assert picks == pytest.approx(0.034, abs=NEAR)
    few = slice(0, 2000)
    weights, _ = oracle_hull(q[few], valid[few], world.truth[few], "jsd_bits")
    assert to_truth_of(world, few, mixed(weights, q[few])) < picks - 0.01, "combinations pass the best candidate"


def to_truth_of(world, rows, p):
    return float(jsd_bits(world.truth[rows], p).mean())


@pytest.mark.parametrize("quality", WITHIN)
def test_the_correlation_within_utterances_is_hidden_by_few_votes(worlds, quality):
    world = worlds[quality]
    score, valid = world.pool.verdicts["verifier"].scores, world.pool.valid
    for reference, expected in zip((world.truth, world.votes(9) / 9), WITHIN[quality], strict=True):
        found = np.nanmean(within_spearman(score, jsd_bits(reference[:, None], world.pool.q), valid))
        assert found == pytest.approx(expected, abs=0.02)


def difference(world, held_out, key, metric="nll"):
    """Return the interval of the loss of a strategy less that of the plain mean, over speakers."""
    combined, _ = apply_strategy(STRATEGIES[key], world.pool, held_out)
    losses = [nll_votes(p, held_out.counts) for p in (combined.q, mean(world.pool.q, world.pool.valid))]
    if metric == "jsd_to_truth":
        losses = [jsd_bits(world.truth, p) for p in (combined.q, mean(world.pool.q, world.pool.valid))]
    return mean_interval(losses[0] - losses[1], held_out.speakers, resamples=2000, seed=1)


@pytest.mark.parametrize("quality", [-0.6, 0.0, 0.4, 0.6, 0.9])
def test_verdicts_on_held_out_votes_have_intervals(worlds, quality):
    world = worlds[quality]
    held_out = hold_out(world.votes(9), world.speakers, floor=0.001, seed=1)
    tuned = difference(world, held_out, "w_bon/fair")
    if quality >= 0.4:
        assert tuned.high[0] < 0, "a fitted weight uses what the score knows"
    else:
        _, tau = apply_strategy(STRATEGIES["w_bon/fair"], world.pool, held_out)
        assert abs(tuned.estimate[0]) < 5e-4 and (tau >= 5).all(), "and loses nothing where it knows nothing"
    if quality <= 0.8:
        assert difference(world, held_out, "alm_v/faithful", "jsd_to_truth").low[0] > 0, "the mean beats the pick"
        assert difference(world, held_out, "alm_v/faithful").low[0] > 0, "in likelihood too"


def test_three_votes_reverse_the_order_in_divergence_but_not_in_likelihood():
    """JSD and BC to histograms of three votes prefer the sharper prediction; NLL and Brier order as the truth does."""
    world = simulated_pool(100_000, 5, seed=8, quality=0.6, spread=20.0)
    q, valid = world.pool.q, world.pool.valid
    score = world.pool.verdicts["verifier"].scores
    plain, pick = mean(q, valid), mixed(top_weights(score, valid, share_ties=False), q)
    rows = {"mean": plain, "pick": pick, "sharp": raised(plain, 1.5, 1e-12)}
    expected = {
        "mean": (0.0331, 0.2007, 0.8175, 0.0956),
        "pick": (0.0372, 0.1978, 0.8192, 0.0946),
        "sharp": (0.0517, 0.1983, 0.8243, 0.1033),
    }
    three, nine = world.votes(3), world.votes(9)
    found = {
        name: (jsd_bits(p, world.truth), jsd_bits(p, three / 3), bhattacharyya(p, three / 3), jsd_bits(p, nine / 9))
        for name, p in rows.items()
    }
    for name, values in found.items():
        assert [value.mean() for value in values] == pytest.approx(expected[name], abs=0.0017), name
    nll = {name: nll_votes(p, three) for name, p in rows.items()}
    for other in ("pick", "sharp"):
        gain = mean_interval(
            np.stack([found[other][0] - found["mean"][0], found["mean"][1] - found[other][1],
                      found[other][2] - found["mean"][2], nll[other] - nll["mean"]], axis=1),
            world.speakers, resamples=1000, seed=2,
        )  # fmt: skip
        assert (gain.low > 0).all(), f"{other}: better at three votes in JSD and BC, worse to the truth and in NLL"


def test_in_likelihood_whether_the_best_candidate_beats_the_mean_depends_on_the_floor(worlds):
    """Rounded shares of 0 cost the best candidate (by JSD) what the floor lets them cost."""
    world = worlds[0.0]
    q, votes = world.pool.q, world.votes(9)
    best = q[np.arange(len(q)), jsd_bits(world.truth[:, None], q).argmin(axis=1)]
    gaps = {f: (nll_votes(best, votes, f) - nll_votes(q.mean(axis=1), votes, f)).mean() for f in (1e-2, 1e-3, 1e-4)}
    assert gaps[1e-2] < 0 and gaps[1e-3] < 0.005 and gaps[1e-4] > 0.02, gaps


def test_near_duplicates_are_called_a_pool_without_diversity():
    world, wide = near_duplicates(20_000, 5, seed=6), simulated_pool(4000, 5, seed=6, quality=0.0)
    same, various = diversity(world.pool), diversity(wide.pool)
    assert same.has_none and not various.has_none
    assert np.nanmean(same.jsd) == pytest.approx(0.015, abs=0.001)
    assert np.nanmean(various.jsd) == pytest.approx(0.127, abs=0.002) and 4 * LEAST_JSD < 0.127
    assert np.nanmean(same.vendi) < 1.1 < 1.4 < np.nanmean(various.vendi)
    # and nothing helps: neither the mean nor the best of all picks comes near what samples give (.043)
    picks = jsd_bits(world.truth[:, None], world.pool.q)
    found = [picks[:, 0].mean(), to_truth(world, mean(world.pool.q, world.pool.valid)), picks.min(axis=1).mean()]
    assert found == pytest.approx([0.098, 0.092, 0.077], abs=0.0025)


def test_score_shares_are_the_plain_mean_in_disguise():
    """Scores of 1 to 10 divided by their sum: 4.88 effective candidates of five."""
    world = simulated_pool(5000, 5, seed=4, quality=0.6)
    scores = np.clip(np.rint(5.5 + 1.2 * world.pool.verdicts["verifier"].scores), 1, 10)
    weights = scores / scores.sum(axis=1, keepdims=True)
    effective = np.exp(-(weights * np.log(weights)).sum(axis=1)).mean()
    assert effective > 4.8 and np.abs(weights - equal_weights(weights > 0)).mean() < 0.05
