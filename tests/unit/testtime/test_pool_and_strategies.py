"""Pools built from tables, strategies by hand, and what is said where a strategy lacks what it reads."""

import numpy as np
import pandas as pd
import pytest

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.tables.candidates import CANDIDATES
from scaling_ambiguity.tables.judgements import JUDGEMENTS
from scaling_ambiguity.testtime.crossfit import chosen_on_others, fitted, hold_out, speaker_folds
from scaling_ambiguity.testtime.pool import build_pool, rejected
from scaling_ambiguity.testtime.strategies import STRATEGIES, apply_strategy, pool_for, rival
from scaling_ambiguity.testtime.verifier import first_place_bias, order_flips, slope_given_quality, within_spearman

CLASSES = ["happy", "sad"]
NAMES = ["u0", "u1", "u2"]
#        utterance, draw, p_happy, status, logprob, tokens
ROWS = [
    ("u0", 0, 0.9, "ok", -4.0, 8),
    ("u0", 1, 0.5, "ok", -3.0, 4),
    ("u0", 2, 0.1, "ok", -2.0, 2),
    ("u1", 4, 0.3, "ok", -1.0, 2),
    ("u1", 7, None, "cut", -9.0, 2),
    ("u2", 0, None, "refused", None, None),
]


def candidates(rows=ROWS):
    frame = pd.DataFrame(rows, columns=["utterance", "draw", "p_happy", "status", "logprob", "tokens"])
    frame = frame.assign(
        corpus="demo", annotator="tiny", prompt="p", temperature=1.0, response="", seconds=0.1, revision="r"
    )
    frame["p_happy"] = frame["p_happy"].astype(float)
    reason = pd.Series([None if status == "ok" else f"was {status}" for status in frame["status"]], dtype="str")
    frame = frame.assign(p_sad=1 - frame["p_happy"], reason=reason, logprob_answer=[-0.1, -0.3, -0.2, -0.5, None, None])
    return frame.astype({"logprob": float, "tokens": float, "logprob_answer": float})


def judgements():
    """Two orders of u0's three candidates; the second candidate is named first, then the third, and u1's only one."""
    rows = []
    for order, shown in enumerate(([0, 1, 2], [2, 0, 1])):
        picked = (1, 2)[order]
        rows += [("u0", draw, order, place, (6.0, 8.0, 2.0)[draw], draw == picked) for place, draw in enumerate(shown)]
        rows += [("u1", 4, order, 0, None, None if order else True)]
    frame = pd.DataFrame(rows, columns=["utterance", "draw", "order", "place", "score", "picked"])
    frame = frame.assign(corpus="demo", annotator="tiny", verifier="verifier", requests=0.5, tokens=3.0, seconds=0.2)
    frame = frame.assign(reason=pd.Series([None] * len(frame), dtype="str"), revision="r1")
    return JUDGEMENTS.validate(frame.astype({"score": float, "picked": "boolean"}), "test")


@pytest.fixture
def pool():
    CANDIDATES.validate(candidates().drop(columns="logprob_answer"), "test")
    return build_pool("beam", candidates(), NAMES, CLASSES, judgements())


@pytest.fixture
def votes():
    return hold_out(np.array([[3.0, 1], [1, 1], [4, 0]]), np.array(["a", "b", "c"]), floor=0.001, seed=1)


def test_a_pool_holds_every_candidate_in_its_place(pool):
    assert pool.valid.tolist() == [[True, True, True], [True, False, False], [False, False, False]]
    assert pool.status.tolist() == [["ok"] * 3, ["ok", "cut", "absent"], ["refused", "absent", "absent"]]
    np.testing.assert_allclose(pool.q[:, :, 0], [[0.9, 0.5, 0.1], [0.3, 0, 0], [0, 0, 0]])
    verdicts = pool.verdicts["verifier"]
    assert verdicts.picks.tolist() == [[1, 2], [0, -1], [-1, -1]]
    assert verdicts.places.tolist() == [[1, 0], [0, -1], [-1, -1]]
    np.testing.assert_allclose(verdicts.scores[0], [6, 8, 2])
    assert np.isnan(verdicts.scores[1:]).all()
    shuffled = build_pool("beam", candidates().sample(frac=1, random_state=1), NAMES, CLASSES, judgements())
    np.testing.assert_array_equal(shuffled.q, pool.q)


def test_rejected_candidates_are_counted_by_reason(pool):
    found = rejected([pool, pool]).set_index(["status", "reason"])
    assert found.loc[("cut", "was cut")].tolist() == ["beam", 2, 1]
    assert found.loc[("absent", "")].tolist() == ["beam", 6, 2]
    assert found["candidates"].sum() == 2 * (~pool.valid).sum()
    assert rejected([]).empty


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("single/faithful", [1, 0, 0]),
        ("bon/faithful", [1, 0, 0]),  # -.5, -.75, -1 per token
        ("bon/fair", [1, 0, 0]),
        ("w_bon/faithful", np.exp([-0.5, -0.75, -1.0])),
        ("w_bon_sum/faithful", np.exp([-4.0, -3.0, -2.0])),
        ("alm_v/faithful", [0, 1, 0]),
        ("alm_v/fair", [0, 1, 1]),  # one order for each: they share
        ("w_alm_v/faithful", [6, 8, 2]),
    ],
)
def test_strategies_by_hand(pool, votes, key, expected):
    combined, tau = apply_strategy(STRATEGIES[key], pool, votes)
    expected = np.asarray(expected, float) / np.sum(expected)
    assert tau is None
    np.testing.assert_allclose(combined.weights[0], expected, atol=1e-12)
    np.testing.assert_allclose(combined.q[0, 0], expected @ [0.9, 0.5, 0.1], atol=1e-12)
    np.testing.assert_allclose(combined.q[1], [0.3, 0.7], atol=1e-12)
    np.testing.assert_allclose(combined.q[2], votes.prior[2], atol=1e-12)
    assert combined.fallback.tolist() == [False, False, True]
    width = 1 if key.startswith("single") else 3
    np.testing.assert_allclose(rival(combined, pool, votes.prior)[0, 0], [0.9, 0.7, 0.5][width - 1], atol=1e-12)


def test_what_a_verifier_left_undecided_is_averaged_and_counted(pool, votes):
    combined, _ = apply_strategy(STRATEGIES["w_alm_v/faithful"], pool, votes)
    assert combined.undecided.tolist() == [False, True, False]
    np.testing.assert_allclose(combined.q[1], [0.3, 0.7], atol=1e-12)


@pytest.mark.parametrize(
    ("key", "verifier", "message"),
    [
        (
            "bon/faithful",
            "verifier",
            r"strategy bon: the sampled pool has no logprob; have its candidates generated",
        ),
        ("bon/fair", "verifier", r"strategy bon: the sampled pool has no logprob_answer; record the mean"),
        ("alm_v/faithful", "verifier", r"strategy alm_v: the sampled pool has no judgements of verifier 'verifier'"),
        ("w_alm_v/fair", "deaf", r"has no judgements of verifier 'deaf' \(given: none\); let a verifier score"),
    ],
)
def test_what_a_strategy_lacks_is_named_with_pool_and_remedy(votes, key, verifier, message):
    frame = candidates().assign(logprob=np.nan, logprob_answer=np.nan)
    bare = build_pool("sampled", frame, NAMES, CLASSES)
    with pytest.raises(UserError, match=message):
        apply_strategy(STRATEGIES[key], bare, votes, verifier)


def test_other_faults_are_named(pool, votes):
    with pytest.raises(UserError, match=r"strategy cot: needs a pool of kind reasoned; there is beam\. Generate"):
        pool_for(STRATEGIES["cot/fair"], {"beam": pool})
    with pytest.raises(UserError, match=r"pool 'beams' is unknown; there are greedy, beam"):
        build_pool("beams", candidates(), NAMES, CLASSES)
    with pytest.raises(UserError, match=r"mine: unknown utterance 'u2'"):
        build_pool("beam", candidates(), NAMES[:2], CLASSES, where="mine")
    with pytest.raises(UserError, match=r"judged candidate 5 of 'u1', which does not exist"):
        build_pool("beam", candidates(), NAMES, CLASSES, judgements().assign(draw=5, utterance="u1").head(1))
    with pytest.raises(UserError, match=r"named two candidates of 'u0' in order 0\. Let it name one"):
        build_pool("beam", candidates(), NAMES, CLASSES, judgements().assign(picked=True))
    one_order = judgements()
    one = build_pool("beam", candidates(), NAMES, CLASSES, one_order[one_order["order"] == 0])
    with pytest.raises(UserError, match=r"has no picks in two orders of verifier 'verifier'; show the candidates"):
        apply_strategy(STRATEGIES["alm_v/fair"], one, votes)
    with pytest.raises(UserError, match="utterance number 1 has no human vote"):
        hold_out(np.array([[1.0, 0], [0, 0]]), np.array(["a", "b"]), floor=0.001, seed=1)
    with pytest.raises(UserError, match="only speaker a: nothing can be fitted"):
        hold_out(np.array([[1.0, 0], [0, 1]]), np.array(["a", "a"]), floor=0.001, seed=1)


def test_settings_come_from_other_speakers_alone():
    speakers = np.repeat([f"s{i}" for i in range(12)], 5)
    folds = speaker_folds(speakers, seed=4)
    assert (np.array([len(set(folds[speakers == s])) for s in set(speakers)]) == 1).all()
    sizes = np.bincount(folds)
    assert len(sizes) == 5 and sizes.min() >= 10
    random = np.random.default_rng(1)
    losses = random.normal(size=(60, 3))
    chosen = chosen_on_others(losses, folds)
    for row in range(60):
        assert chosen[row] == losses[folds != folds[row]].mean(axis=0).argmin()
    changed = losses.copy()
    changed[folds == 2] += random.normal(size=(int((folds == 2).sum()), 3)) * 100
    assert (chosen_on_others(changed, folds)[folds == 2] == chosen[folds == 2]).all(), "never from one's own votes"
    assert set(fitted(lambda value: np.full(60, 1.0), (7.0, 8.0), folds)) == {7.0}, "of ties the first"


def test_habits_of_a_verifier(pool):
    verdicts = pool.verdicts["verifier"]
    assert order_flips(verdicts) == 1.0
    assert first_place_bias(verdicts) == pytest.approx(2 / 3 - np.mean([1 / 3, 1 / 3, 1]))
    random = np.random.default_rng(2)
    losses, length = random.random((300, 4)), random.normal(size=(300, 4))
    scores = 3 - 2 * losses + 0.5 * length + random.normal(size=(300, 1))
    biased = type(verdicts)(scores, verdicts.picks, np.ones(scores.shape, dtype=bool))
    every = np.ones(scores.shape, dtype=bool)
    assert slope_given_quality(biased, losses, length, every) == pytest.approx(0.5, abs=1e-9)
    assert np.isnan(slope_given_quality(biased, losses, np.ones_like(losses), every))


def test_the_correlation_within_utterances_is_scipys():
    from scipy.stats import spearmanr

    random = np.random.default_rng(3)
    scores, losses = random.integers(0, 5, (40, 6)) * 1.0, random.random((40, 6))
    mask = random.random((40, 6)) < 0.8
    found = within_spearman(scores, losses, mask)
    for row in range(40):
        a, b = scores[row, mask[row]], -losses[row, mask[row]]
        expected = spearmanr(a, b).statistic if len(a) > 1 and np.ptp(a) > 0 else np.nan
        np.testing.assert_allclose(found[row], expected, atol=1e-12)
