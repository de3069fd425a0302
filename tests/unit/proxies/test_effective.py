"""The number of votes an utterance really has, where the answer is known."""

import math

import numpy as np
import pandas as pd
import pytest

from scaling_ambiguity.proxies.effective import draw_counts, intraclass_correlation, summary

CLASSES = np.array(["neutral", "happy", "sad", "angry"])


def votes_of(labels):
    """Return a votes table of labels (utterances, prompts, draws); None is an invalid answer."""
    rows = [
        (f"u{u}", f"p{p}", label, "ok" if label else "invalid")
        for u, prompts in enumerate(labels)
        for p, draws in enumerate(prompts)
        for label in draws
    ]
    return pd.DataFrame(rows, columns=["utterance", "prompt", "label", "status"]).astype({"label": "str"})


def test_draws_of_a_prompt_that_always_agree_are_one_draw():
    draw = np.random.default_rng(1)
    labels = [[[label] * 4 for label in draw.choice(CLASSES, 5)] for _ in range(50)]
    votes = votes_of(labels)
    assert intraclass_correlation(votes) == pytest.approx(1)
    counts = draw_counts(votes)
    assert counts["valid"].eq(20).all() and counts["effective"].to_numpy() == pytest.approx(5)


def test_independent_draws_are_all_worth_one():
    draw = np.random.default_rng(2)
    shares = draw.dirichlet(np.ones(4), 800)
    votes = votes_of([draw.choice(CLASSES, (5, 4), p=share).tolist() for share in shares])
    assert intraclass_correlation(votes) < 0.02  # s.e. about .005
    assert draw_counts(votes)["effective"].mean() > 19


def test_a_known_correlation_is_found_and_the_design_effect_is_the_variance_ratio():
    """With probability sqrt(rho) a draw takes the common label of its prompt: two draws agree by rho beyond chance."""
    draw, rho, runs = np.random.default_rng(3), 0.36, 3000
    common = draw.integers(0, 4, (runs, 5, 1))
    own = draw.integers(0, 4, (runs, 5, 4))
    labels = np.where(draw.random((runs, 5, 4)) < math.sqrt(rho), common, own)
    votes = votes_of(CLASSES[labels].tolist())
    assert intraclass_correlation(votes) == pytest.approx(rho, abs=0.02)
    variance = (labels == 0).mean(axis=(1, 2)).var()
    effective = draw_counts(votes)["effective"].iloc[0]
    assert 0.25 * 0.75 / effective == pytest.approx(variance, rel=0.1)


def test_against_a_plain_analysis_of_variance_by_hand():
    """Two prompts of 2 and 3 draws: n0 = 5 - 13/5 = 2.4, MSB and MSW from the definition."""
    labels = [[["happy", "happy"], ["happy", "sad", "sad"]]]
    between = within = 0.0
    for name in ("happy", "sad"):
        groups = [np.array([x == name for x in draws], float) for draws in labels[0]]
        grand = np.concatenate(groups).mean()
        between += sum(len(g) * (g.mean() - grand) ** 2 for g in groups)
        within += sum(((g - g.mean()) ** 2).sum() for g in groups)
    msb, msw = between / 1, within / 3
    assert intraclass_correlation(votes_of(labels)) == pytest.approx((msb - msw) / (msb + 1.4 * msw))


def test_invalid_draws_do_not_count_and_an_utterance_without_any_has_none():
    votes = votes_of([[["happy", None], ["sad", "sad"]], [[None, None], [None, None]]])
    counts = draw_counts(votes).set_index("utterance")
    assert counts.loc["u0", ["ok", "invalid", "total", "valid"]].tolist() == [3, 1, 4, 3]
    assert counts.loc["u1", ["ok", "invalid", "valid", "effective"]].tolist() == [0, 4, 0, 0]
    # the prompts of 1 and 2 draws agree wholly: the variance of their mean is (1 + 4) / 9 of one draw's
    assert counts.loc["u0", "effective"] == pytest.approx(9 / 5)


def test_where_it_cannot_be_known_it_is_null_and_said():
    one_prompt = votes_of([[["happy", "sad"]], [["sad", "sad"]]])
    assert math.isnan(intraclass_correlation(one_prompt))
    counts = draw_counts(one_prompt)
    assert counts["effective"].isna().all() and counts["valid"].eq(2).all()
    assert "not known" in summary(counts, float("nan"))
    nothing = votes_of([[[None]]])
    assert math.isnan(intraclass_correlation(nothing)) and draw_counts(nothing)["effective"].tolist() == [0]
    assert summary(draw_counts(one_prompt.assign(status="not_asked", label=None)), 0.0) == "no draw was requested"
