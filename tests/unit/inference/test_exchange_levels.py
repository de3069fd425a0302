"""By level of ambiguity, from disjoint votes, a proxy of known worth is worth the same at every level."""

import numpy as np
import pytest

from scaling_ambiguity.inference import draws
from scaling_ambiguity.inference.arrangement import arrange
from scaling_ambiguity.inference.exchange_losses import WHOLE, ExchangeLosses
from scaling_ambiguity.inference.exchange_predictors import add_known, add_read_out, add_synthetic
from scaling_ambiguity.inference.exchange_rows import stratum_rows, value_row, weight_rows
from scaling_ambiguity.labels.counting import DealtVotes, HumanVotes
from scaling_ambiguity.labels.others import speaker_blocks

SETTINGS = {"resamples": 999, "seed": 1, "level": 0.95, "method": "bootstrap_t"}
DEALS, VOTES, LARGEST, M = 10, 9, 3, 8
FLAT = np.array([0.25, 0.25, 0.25, 0.25])


class World:
    """Nine votes of 30 raters on each of 600 utterances, three for the level and three to condition on."""

    def __init__(self, seed=0, utterances=600, speakers=12, raters=30):
        rng = np.random.default_rng(seed)
        self.speakers = np.array([f"s{i % speakers:02d}" for i in range(utterances)])
        self.v = rng.dirichlet([0.8, 0.5, 0.4, 0.3], utterances)
        label = (rng.random((utterances, VOTES, 1)) >= np.cumsum(self.v, axis=1)[:, None, :-1]).sum(axis=-1)
        position = np.argsort(rng.random((DEALS, utterances, VOTES)), axis=-1)
        self.dealt = DealtVotes(
            shape=(DEALS, utterances, 4),
            utterance=np.repeat(np.arange(utterances), VOTES),
            label=label.ravel(),
            weight=np.ones(label.size),
            first=np.ones(label.size, dtype=bool),
            position=position.reshape(DEALS, -1),
            votes=np.full(label.size, VOTES),
            level_votes=np.full(label.size, 3),
            rater=np.argsort(rng.random((utterances, raters)), axis=1)[:, :VOTES].ravel(),
            raters=raters,
        )
        self.names = [f"u{i}" for i in range(utterances)]
        counts = np.stack([(label == c).sum(axis=1) for c in range(4)], axis=1).astype(float)
        self.world, fixed = arrange(
            HumanVotes(self.names, self.dealt, counts, speaker_blocks(self.speakers), self.speakers),
            start=3, largest=LARGEST, floor=0.001, level=0.95,
        )  # fmt: skip
        assert fixed.all()
        top = self.dealt.between(0, 3).max(axis=-1)
        self.strata = {"low": top == 3, "medium": top == 2, "high": top == 1}
        self.pool = draws.fresh_votes(0.6 * self.v + 0.4 * FLAT, self.names, M, DEALS, seed, "synthetic")


@pytest.fixture(scope="module")
def world():
    return World()


@pytest.fixture(scope="module")
def losses(world):
    found = ExchangeLosses(world.world, world.strata | {WHOLE: None}, across=True)
    weights = add_synthetic(found, lambda m: world.pool if m == M else world.pool / M, [1, M])
    known = add_known(found, world.v, world.v, world.pool, M, 1)
    return found, weights, known


def test_fresh_raters_are_worth_their_number_at_every_level(losses):
    found, _, _ = losses
    inside = []
    for stratum in ("low", "medium", "high"):
        values = {key: value for key, value, _ in found.values(stratum, SETTINGS)}
        for k in (1, 2):
            value = values[f"fresh-{k}", 0, k]
            inside.append(value.low <= k and (np.isnan(value.high) or k <= value.high))
            assert value.estimate == pytest.approx(k, abs=0.6)
    assert sum(inside) >= 5  # of six nominal 95 % intervals


def test_noise_and_echo_win_nothing_and_the_bound_on_noise_is_no_point(losses):
    found, _, _ = losses
    values = {key: (value, method) for key, value, method in found.values(WHOLE, SETTINGS)}
    for name in ("noise", "shuffled"):
        value, method = values[name, 0, M]
        assert value.estimate < 0.1 and value.low == 0 and value.one_sided == "high"
        assert 0.05 <= value.high < 0.4 and method == "test_inversion_any_weight"
    for k in (1, 2):
        assert values["echo", k, M][0].estimate - k < 0.15
        assert values["weighted", k, M][0].estimate - k > 0.3


def test_rows_have_gains_controls_and_both_populations(losses):
    found, weights, known = losses
    rows = stratum_rows(found, WHOLE, SETTINGS, known)
    metrics = {(row["labels"], row["metric"], row["votes"], row["population"]) for row in rows}
    assert len(metrics) == len(rows)
    for name in ("as_pooled", "weighted", "calibrated"):
        assert (name, "equivalent_votes", M, "raters like these") in metrics
    assert ("weighted", "nll_k1_minus_echo", M, "these raters") in metrics
    assert {("weighted", "net_gain_k2", M, "these raters"), ("calibrated", "net_gain_k2", M, "these raters")} <= metrics
    assert {("calibrated-human", "nll", k, "these raters") for k in range(LARGEST + 1)} <= metrics
    assert ("weighted", "gain_k2", 1, "these raters") in metrics
    by_key = {(r["labels"], r["metric"], r["votes"]): r for r in rows if r["population"] == "these raters"}
    human = by_key["human", "nll", 1]["estimate"]
    both, excess = (by_key["weighted", metric, M]["estimate"] for metric in ("nll_k1", "nll_k1_minus_human"))
    assert both - human == pytest.approx(excess) and excess < 0
    assert by_key["fresh-1", "equivalent_votes", 1]["reference"] == "truth"
    assert {row["metric"] for row in weight_rows(weights, 1, 1)} >= {"weight", "weight_k1", "row_sum", "row_sum_k2"}


def test_calibrated_intervals_are_left_out_where_they_are_refused(losses):
    found, _, known = losses
    given, refused = (
        {(r["labels"], r["metric"], r["votes"], r["population"]): r for r in rows}
        for rows in (stratum_rows(found, WHOLE, SETTINGS, known, flag) for flag in ((), ("calibrated",)))
    )
    missing = set(given) - set(refused)
    assert missing and all(key[0] == "calibrated" and key[3] == "raters like these" for key in missing)
    for key, row in refused.items():
        valued = row["metric"] == "equivalent_votes" or "gain_k" in row["metric"]
        if valued and key[0].startswith("calibrated"):
            assert row["method"] == "refused" and np.isnan(row["low"]) and np.isnan(row["high"])
            assert row["estimate"] == given[key]["estimate"] and np.isfinite(given[key]["low"])
        else:
            assert row["method"] == given[key]["method"]


def test_a_net_gain_is_the_gain_less_what_the_echo_gains(losses):
    """But for the bend of the curve, along which both are read off, the net gain is the difference of the two."""
    found, _, known = losses
    rows = {(r["labels"], r["metric"], r["votes"]): r for r in stratum_rows(found, WHOLE, SETTINGS, known)
            if r["population"] == "these raters"}  # fmt: skip
    for name, echo in (("weighted", "echo"), ("calibrated", "calibrated-echo")):
        gain, control, net = (rows[who, metric, M]["estimate"] for who, metric in
                              ((name, "gain_k1"), (echo, "gain_k1"), (name, "net_gain_k1")))  # fmt: skip
        assert gain > 0 and net == pytest.approx(gain - control, abs=0.06)
        row = rows[name, "net_gain_k1", M]
        assert row["low"] <= net and (net <= row["high"] or row["one_sided"] == "low")


def test_crossed_estimates_are_those_of_these_raters(losses):
    found, _, _ = losses
    for stratum in ("low", WHOLE):
        these = {key: value for key, value, _ in found.values(stratum, SETTINGS)}
        like = found.values_across(stratum, SETTINGS)
        assert like
        for key, value, _ in like:
            assert value.estimate == pytest.approx(these[key].estimate, abs=1e-9)
            assert value.low <= these[key].low + 1e-9


def test_a_stratum_of_fewer_raters_than_the_corpus_has_none_of_raters_like_these(world, capsys):
    few = np.zeros_like(world.strata["low"])
    few[:, 0] = True  # one utterance, of fewer than 20 raters
    found = ExchangeLosses(world.world, {"few": few, WHOLE: None}, across=True)
    add_synthetic(found, lambda m: world.pool, [M])
    assert found.values_across("few", SETTINGS) == [] and found.values("few", SETTINGS)
    assert "few: votes of" in capsys.readouterr().out
    assert found.values_across(WHOLE, SETTINGS)


def test_a_read_out_is_at_least_as_good_as_many_draws(world):
    found = ExchangeLosses(world.world, {WHOLE: None}, across=False)
    add_synthetic(found, lambda m: world.pool, [M])
    add_read_out(found, world.v)
    values = {key: value for key, value, _ in found.values(WHOLE, SETTINGS)}
    assert values["weighted", 0, np.inf].estimate > values["weighted", 0, M].estimate
    assert values["as_pooled", 0, np.inf].one_sided == "low"  # the truth itself is worth more than all votes


def test_a_gain_is_what_exceeds_the_human_votes(losses):
    found, _, _ = losses
    values = {key: value for key, value, _ in found.values(WHOLE, SETTINGS)}
    row = value_row(("weighted", 1, M), values["weighted", 1, M], LARGEST)
    assert row["metric"] == "gain_k1" and row["estimate"] == values["weighted", 1, M].estimate - 1
