"""The table's numbers against plain computations, and the order of what must be ordered."""

import numpy as np
import pandas as pd
import pytest

from scaling_ambiguity.evaluation.table import evaluation_table
from scaling_ambiguity.inference.adjust import adjust
from scaling_ambiguity.tables.statistics import STATISTICS

TRUE, FLAT = ("tiny", "human", "none"), ("tiny", "synthetic-a", "none")


@pytest.fixture(scope="session")
def predictions(world):
    random = np.random.default_rng(2)
    near = np.stack([0.9 * world.truth + 0.1 * random.dirichlet(np.ones(3), 60) for _ in range(2)])
    flat = 0.2 * near + 0.8 / 3
    return {TRUE: near, ("tiny", "human", "dime"): near[::-1] * 0.5 + 0.5 / 3, FLAT: flat, ("tiny", "x", "none"): near}


@pytest.fixture(scope="session")
def table(world, judges, predictions):
    own = {"human": judges.counts / judges.counts.sum(axis=1, keepdims=True), "synthetic-a": np.full((60, 3), 1 / 3)}
    frame = evaluation_table(
        predictions, own, judges, world.truth, corpus="demo", protocol="fair", options=world.options, seed=1
    )
    return STATISTICS.validate(frame, "test")


def _row(table, condition, metric, stratum="all", reference="human", method="bootstrap_t"):
    wanted = dict(zip(("model", "labels", "augmentation"), condition, strict=True))
    wanted |= {"metric": metric, "stratum": stratum, "reference": reference, "method": method}
    found = table.loc[np.logical_and.reduce([table[key] == value for key, value in wanted.items()])]
    assert len(found) == 1, wanted
    return found.iloc[0]


def _nll(p, counts, floor=0.001):
    p = np.maximum(p, floor)
    p /= p.sum(axis=-1, keepdims=True)
    return -(counts / counts.sum(axis=-1, keepdims=True) * np.log(p)).sum(axis=-1)


def test_nll_overall(table, predictions, judges):
    expected = np.mean([_nll(p, judges.counts).mean() for p in predictions[TRUE]])
    row = _row(table, TRUE, "nll")
    assert row["estimate"] == pytest.approx(expected)
    assert row["low"] < expected < row["high"]
    assert (row["n"], row["n_clusters"]) == (60, 6)


def test_nll_by_level(table, predictions, judges):
    for place, level in enumerate(["low", "medium", "high"]):
        total = count = 0.0
        for deal, utterance in np.argwhere(judges.level == place):
            votes = judges.fair[deal, utterance]
            total += np.mean([_nll(p[utterance], votes) for p in predictions[TRUE]])
            count += 1
        row = _row(table, TRUE, "nll", level)
        assert row["estimate"] == pytest.approx(total / count)
        assert row["n"] == round(count / len(judges.level))  # utterances per deal, not in any deal


def test_the_change_of_a_difference_between_levels_has_an_interval(table):
    rows = table[table["metric"] == "nll_minus_human_rise"]
    assert (
        len(rows) == len(table.query("metric == 'nll_minus_human' and stratum == 'high' and reference == 'human'")) > 0
    )
    for row in rows.itertuples():
        condition = (row.model, row.labels, row.augmentation)
        high, low = (_row(table, condition, "nll_minus_human", level) for level in ("high", "low"))
        assert row.estimate == pytest.approx(high["estimate"] - low["estimate"])
        assert row.low <= row.estimate <= row.high and np.isnan(row.p_adjusted)
        assert abs(row.n - high["n"] - low["n"]) <= 1
    assert (rows["low"] < rows["high"]).any()  # labels x are predicted as human ones are: no change at all


def test_human_reads_conditioning_and_is_judged_by_reference_votes(table, judges):
    known = judges.conditioning.sum(axis=-1) > 0
    p = np.where(known[..., None], judges.conditioning, 1)
    losses = _nll(p / p.sum(axis=-1, keepdims=True), judges.reference)
    by_utterance = [losses[known[:, u], u].mean() for u in range(60) if known[:, u].any()]
    row = _row(table, ("none", "human", "none"), "nll")
    assert row["estimate"] == pytest.approx(np.mean(by_utterance))
    assert row["n"] == 59  # the utterance with one vote has none to spare
    assert _row(table, ("none", "human-smoothed", "none"), "nll")["n"] == 60


def test_ceilings_have_no_divergence_from_few_votes(table):
    rows = table[(table["model"] == "none") & table["labels"].isin(["human", "human-smoothed", "majority"])]
    assert set(rows.loc[rows["reference"] == "human", "metric"]) == {"nll", "brier"}
    assert "jsd_bits" in set(rows.loc[rows["reference"] == "truth", "metric"])


def test_order_of_predictors(table):
    def nll(condition):
        return _row(table, condition, "nll", reference="truth")["estimate"]

    assert nll(TRUE) < nll(FLAT) < nll(("none", "uniform", "none")) + 1e-9
    assert nll(("none", "human-smoothed", "none")) < nll(("none", "human", "none"))
    assert nll(("none", "uniform", "none")) == pytest.approx(np.log(3))


def test_differences_are_paired(table):
    row = _row(table, FLAT, "nll_minus_human")
    both = [_row(table, condition, "nll") for condition in (FLAT, TRUE)]
    assert row["estimate"] == pytest.approx(both[0]["estimate"] - both[1]["estimate"])
    assert row["high"] - row["low"] < both[0]["high"] - both[0]["low"] + both[1]["high"] - both[1]["low"]
    same = _row(table, ("tiny", "x", "none"), "nll_minus_human")
    assert (same["estimate"], same["low"], same["high"], same["p"]) == (0, 0, 0, 1)
    plain = _row(table, ("tiny", "human", "dime"), "nll_minus_plain", "low")
    levels = [_row(table, ("tiny", "human", a), "nll", "low")["estimate"] for a in ("dime", "none")]
    assert plain["estimate"] == pytest.approx(levels[0] - levels[1])


def test_families_of_p(table):
    rows = table[(table["metric"] == "nll_minus_human") & (table["augmentation"] == "none")]
    for overall in (True, False):
        family = rows[(rows["stratum"] == "all") == overall]
        assert len(family) == (2 if overall else 6)
        np.testing.assert_allclose(family["p_adjusted"], adjust(family["p"]))
    scaled = table[(table["metric"] == "nll_scaled_minus_human") & (table["augmentation"] == "none")]
    assert len(scaled) == 2 and (scaled["stratum"] == "all").all()  # a family of its own
    np.testing.assert_allclose(scaled["p_adjusted"], adjust(scaled["p"]))
    assert table.loc[~table["metric"].str.contains("_minus_"), "p"].isna().all()


def test_seeds_are_listed(table, predictions, judges):
    rows = table[(table["method"] == "seed") & (table["labels"] == "human") & (table["augmentation"] == "none")]
    np.testing.assert_allclose(rows["estimate"], [_nll(p, judges.counts).mean() for p in predictions[TRUE]])
    assert rows["votes"].tolist() == [0, 1]


def test_references(table):
    assert set(table["reference"]) == {"human", "own", "truth"}
    own = _row(table, FLAT, "jsd_bits", reference="own")
    assert own["estimate"] < _row(table, FLAT, "jsd_bits")["estimate"]
    assert not ((table["labels"] == "x") & (table["reference"] == "own")).any()


@pytest.mark.ci
def test_same_seed_same_table(world, judges, predictions, table):
    def again(seed):
        return evaluation_table(
            predictions, {}, judges, None, corpus="demo", protocol="fair", options=world.options, seed=seed
        )

    pd.testing.assert_frame_equal(again(1), again(1))
    assert "truth" not in set(again(1)["reference"])
    assert not again(1)["low"].equals(again(2)["low"])


def test_from_five_seeds_on_the_variance_between_them_is_estimated(world, judges, predictions):
    many = np.stack([share * world.truth + (1 - share) / 3 for share in (0.2, 0.4, 0.6, 0.8, 0.95)])
    frame = evaluation_table(
        {TRUE: many, FLAT: predictions[FLAT]},
        {},
        judges,
        None,
        corpus="demo",
        protocol="fair",
        options=world.options,
        seed=1,
    )
    found = frame[frame["metric"] == "nll_seed_variance"]
    assert found["labels"].tolist() == ["human"] and found["estimate"].iloc[0] > 0


def test_scores_that_are_no_means_have_intervals(table):
    for metric in ("macro_f1", "weighted_f1", "uar", "ece"):
        row = _row(table, TRUE, metric)
        assert row["low"] <= row["estimate"] <= row["high"] or metric == "ece"
        assert row["low"] < row["high"]
