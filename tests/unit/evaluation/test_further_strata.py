"""The balanced split, classes and factors: judged by the right votes of the right deal, beside rows that stay."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

from scaling_ambiguity.augmentation.evaluation_split import balance, effective_size
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.evaluation.further_strata import balanced_strata, conflict_strata, factor_strata
from scaling_ambiguity.evaluation.strata import weighted_over_deals
from scaling_ambiguity.evaluation.table import evaluation_table
from scaling_ambiguity.inference.adjust import adjust
from scaling_ambiguity.metrics.arrays import modes

MODEL, OTHER = ("tiny", "human", "none"), ("tiny", "combined-a-equal", "none")


@pytest.fixture(scope="module")
def split(world, judges):
    """Return the balanced split of the world, from its level votes alone."""
    level_votes = np.where(judges.level[..., None] >= 0, judges.counts - judges.fair, 0.0)
    return balance(level_votes, judges.level, judges.names, world.classes, by="class", least=2, seed=3)


@pytest.fixture(scope="module")
def balanced(judges, split):
    """Return its table as balance_evaluation writes it, rows in another order."""
    columns = {"utterance": judges.names}
    for prefix, values in (("bin_", split.bin), ("weight_", split.weight), ("kept_", split.kept.astype(int))):
        columns |= {f"{prefix}{deal:02d}": row for deal, row in enumerate(values)}
    return pd.DataFrame(columns).iloc[::-1]


@pytest.fixture(scope="module")
def group():
    return np.array(["", *["deep"] * 29, *["high"] * 30], dtype=object)


@pytest.fixture(scope="module")
def predictions(world):
    random = np.random.default_rng(5)
    near = np.stack([0.8 * world.truth + 0.2 * random.dirichlet(np.ones(3), 60) for _ in range(2)])
    return {MODEL: near, OTHER: 0.5 * near + 0.5 / 3, ("tiny", "curve-a-h1m0", "none"): 0.7 * near + 0.1}


@pytest.fixture(scope="module")
def tables(world, judges, balanced, group, predictions):
    """Return the evaluation without and with the further strata."""
    strata = balanced_strata(balanced, judges.names, 5, world.classes, "b.parquet") + factor_strata({"group": group}, 5)
    about = {"corpus": "demo", "protocol": "fair", "options": world.options, "seed": 1}
    return [
        evaluation_table(predictions, {}, one, world.truth, **about)
        for one in (judges, replace(judges, strata=tuple(strata)))
    ]


def _row(table, labels, stratum, metric="nll", reference="human", model="tiny"):
    found = table[
        (table["labels"] == labels) & (table["stratum"] == stratum) & (table["metric"] == metric)
        & (table["reference"] == reference) & (table["model"] == model) & (table["method"] != "seed")
    ]  # fmt: skip
    assert len(found) == 1
    return found.iloc[0]


def _nll(p, votes):
    p = np.maximum(p, 0.001)
    return float(-(votes / votes.sum() * np.log(p / p.sum())).sum())


@pytest.mark.ci
def test_weights_meet_the_reference_votes_of_their_own_deal(tables, judges, split, predictions):
    for stratum, weights in (("balanced", split.weight), ("balanced_subsample", split.kept * 1.0)):
        total = mass = 0.0
        for deal, u in np.argwhere(weights > 0):
            losses = [_nll(p[u], judges.reference[deal, u]) for p in predictions[MODEL]]
            total += weights[deal, u] * np.mean(losses)
            mass += weights[deal, u]
        row = _row(tables[1], "human", stratum)
        assert row["estimate"] == pytest.approx(total / mass)
        assert row["n"] == round(effective_size(weights).mean()) < 60
        assert row["n_clusters"] == 6 and row["low"] < row["estimate"] < row["high"]


def test_human_readers_stand_in_the_balanced_split_beside_models(tables, judges, split):
    total = mass = 0.0
    for deal, u in np.argwhere(split.weight > 0):
        given = judges.conditioning[deal, u]
        total += split.weight[deal, u] * _nll(given / given.sum(), judges.reference[deal, u])
        mass += split.weight[deal, u]
    assert _row(tables[1], "human", "balanced", model="none")["estimate"] == pytest.approx(total / mass)


def test_classes_are_judged_by_the_votes_that_did_not_decide_them(tables, judges, split, world, predictions):
    for place, label in enumerate(world.classes):
        pairs = np.argwhere((split.bin >= 0) & (split.bin // 3 == place))
        expected = [np.mean([_nll(p[u], judges.fair[d, u]) for p in predictions[MODEL]]) for d, u in pairs]
        row = _row(tables[1], "human", f"class={label}")
        assert row["estimate"] == pytest.approx(np.mean(expected))
        assert row["n"] == round(len(pairs) / len(split.bin)) < len(set(pairs[:, 1]))  # per deal, not in any


def test_factors_are_judged_by_all_votes_and_what_is_not_known_is_left_out(tables, judges, predictions, group):
    for level in ("deep", "high"):
        rows = np.flatnonzero(group == level)
        expected = np.mean([_nll(p[u], judges.counts[u]) for p in predictions[MODEL] for u in rows])
        row = _row(tables[1], "human", f"group={level}")
        assert row["estimate"] == pytest.approx(expected) and row["n"] == len(rows)
    assert not (tables[1]["stratum"] == "group=").any()


@pytest.mark.parametrize("stratum", ["balanced", "balanced_subsample", "class", "group=deep"])
def test_recall_and_f1_of_the_top_class_are_those_of_scikit_learn(
    tables, judges, split, predictions, group, world, stratum
):
    """Every utterance of every deal as a sample, once for each class that shares the most votes, by its weight."""
    if stratum == "class":
        stratum, weights, votes = f"class={world.classes[0]}", (split.bin >= 0) & (split.bin // 3 == 0), judges.fair
    elif stratum == "group=deep":
        weights, votes = (group == "deep")[None], judges.counts[None]
    else:
        weights = split.weight if stratum == "balanced" else split.kept
        votes = judges.reference
    for labels, p in (("human", predictions[MODEL]), ("prior", judges.prior[None])):
        true, said, weight = [], [], []
        for deal, u in np.argwhere(weights > 0):
            for actual, share in enumerate(modes(votes[deal, u])):
                for seed in p:
                    for guess, part in enumerate(modes(seed[u])):
                        true.append(actual)
                        said.append(guess)
                        weight.append(float(weights[deal, u]) * share * part)
        used = np.array(weight) > 0
        true, said, weight = (np.array(values)[used] for values in (true, said, weight))
        model = "none" if labels == "prior" else "tiny"
        found = _row(tables[1], labels, stratum, "uar", model=model)
        assert found["estimate"] == pytest.approx(balanced_accuracy_score(true, said, sample_weight=weight))
        assert labels == "prior" or found["low"] <= found["estimate"] <= found["high"] > found["low"]
        assert found["n"] == _row(tables[1], labels, stratum, model=model)["n"] and np.isnan(found["p"])
        expected = f1_score(
            true, said, sample_weight=weight, average="macro", labels=sorted(set(true)), zero_division=0
        )
        assert _row(tables[1], labels, stratum, "macro_f1", model=model)["estimate"] == pytest.approx(expected)


def test_truth_is_a_reference_there_too(tables, world, predictions, group):
    rows = np.flatnonzero(group == "deep")
    expected = np.mean([_nll(p[u], world.truth[u]) for p in predictions[MODEL] for u in rows])
    assert _row(tables[1], "human", "group=deep", reference="truth")["estimate"] == pytest.approx(expected)


def test_nothing_else_in_the_table_changes(tables):
    plain, more = tables
    further = more["stratum"].str.contains("balanced|=")
    assert further.any()
    pd.testing.assert_frame_equal(more[~further].reset_index(drop=True), plain)


def test_families_of_p_do_not_mix(tables):
    rows = tables[1][(tables[1]["metric"] == "nll_minus_human") & (tables[1]["labels"] == OTHER[1])]
    for family in (r"balanced", r"class=", r"group="):
        own = rows[rows["stratum"].str.startswith(family)]
        assert len(own) > 1
        np.testing.assert_allclose(own["p_adjusted"], adjust(own["p"].to_numpy()))


def test_learning_curves_do_not_weaken_the_other_arms(tables):
    both = tables[1][(tables[1]["metric"] == "nll_minus_human") & (tables[1]["stratum"] == "all")]
    assert len(both) == 2
    np.testing.assert_array_equal(both["p_adjusted"], both["p"])


def test_weighted_over_deals():
    mean, weight = weighted_over_deals(np.array([[1.0, 5.0], [4.0, 7.0]]), np.array([[2.0, 0.0], [1.0, 0.0]]))
    np.testing.assert_allclose(mean, [2, 0])
    np.testing.assert_allclose(weight, [1.5, 0])


def test_a_split_of_other_utterances_deals_or_classes_is_refused(balanced, judges, world):
    with pytest.raises(UserError, match=r"b\.parquet: not the tested utterances \(see w_59\)"):
        balanced_strata(balanced.iloc[1:], judges.names, 5, world.classes, "b.parquet")
    with pytest.raises(UserError, match="5 deals, the roles have 4"):
        balanced_strata(balanced, judges.names, 4, world.classes, "b.parquet")
    with pytest.raises(UserError, match="no class of"):
        balanced_strata(balanced, judges.names, 5, ["neutral"], "b.parquet")


def test_what_could_not_be_balanced_is_no_stratum(balanced, judges, world):
    nothing = balanced.copy()
    nothing[[name for name in balanced if name.startswith(("weight_", "kept_"))]] = 0
    found = balanced_strata(nothing, judges.names, 5, world.classes, "b.parquet")
    assert [stratum.name for stratum in found] == [f"class={label}" for label in world.classes]


def test_a_group_of_three_speakers_has_scores_but_no_interval_no_p_and_no_place_in_a_family(world, judges, predictions):
    halves = np.array(["first" if i % 6 < 3 else "second" for i in range(60)], dtype=object)
    about = {"corpus": "demo", "protocol": "fair", "options": world.options, "seed": 1}
    strata = tuple(factor_strata({"half": halves}, 5))
    table = evaluation_table(predictions, {}, replace(judges, strata=strata), world.truth, **about)
    groups = table["stratum"].str.startswith("half=")
    few = table[groups]
    assert len(few) and set(few["n_clusters"]) == {3} and set(few["method"]) == {"few_clusters"}
    assert few[["low", "high", "p", "p_adjusted"]].isna().all(axis=None) and few["estimate"].notna().all()
    assert {"nll", "uar", "macro_f1", "nll_minus_human"} <= set(few["metric"])
    without = evaluation_table(predictions, {}, judges, world.truth, **about)
    pd.testing.assert_frame_equal(table[~groups].reset_index(drop=True), without.reset_index(drop=True))


@pytest.fixture(scope="module")
def conflict(judges, predictions):
    """Return thirds of a conflict, -1 for the first utterance, and predictions of three models."""
    places = np.random.default_rng(2).integers(0, 3, judges.level.shape)
    places[:, 0] = -1
    near = predictions[MODEL]
    systems = {"fused": near, "speech": 0.7 * near + 0.1, "tiny": 0.4 * near + 0.2}
    return places, {(name, "human", "none"): p for name, p in systems.items()}


def test_conflict_is_judged_by_the_votes_that_did_not_decide_it(world, judges, conflict):
    """Each third: difference from the reference model, paired, on votes in the roles conditioning and reference."""
    places, systems = conflict
    about = {"corpus": "demo", "protocol": "fair", "options": world.options | {"against": "speech"}, "seed": 1}
    strata = conflict_strata(places)
    assert [one.name for one in strata] == ["conflict=low", "conflict=medium", "conflict=high"]
    table = evaluation_table(systems, {}, replace(judges, strata=tuple(strata)), None, **about)
    found = {}
    for third, stratum in enumerate(strata):
        pairs = [(d, u) for d, u in np.argwhere(places == third) if judges.fair[d, u].sum()]
        for model in ("fused", "tiny"):
            losses = [
                np.mean([_nll(p[u], judges.fair[d, u]) for p in systems[name, "human", "none"]])
                for name in (model, "speech")
                for d, u in pairs
            ]
            expected = np.mean(losses[: len(pairs)]) - np.mean(losses[len(pairs) :])
            row = _row(table, "human", stratum.name, "nll_minus_model", model=model)
            assert row["estimate"] == pytest.approx(expected) and row["low"] < row["estimate"] < row["high"]
            found[model, third] = expected
    differences = table[table["metric"] == "nll_minus_model"]
    assert set(differences["model"]) == {"fused", "tiny"} and differences["p_adjusted"].notna().all()
    rise = _row(table, "human", "conflict", "nll_minus_model_rise", model="tiny")
    assert rise["estimate"] == pytest.approx(found["tiny", 2] - found["tiny", 0])
    both = _row(table, "human", "all", "nll_minus_model", model="tiny")["estimate"]
    assert both == pytest.approx(
        _row(table, "human", "all", model="tiny")["estimate"] - _row(table, "human", "all", model="speech")["estimate"]
    )


def test_without_a_conflict_the_table_keeps_every_row(world, judges, conflict):
    places, systems = conflict
    about = {"corpus": "demo", "protocol": "fair", "seed": 1}
    plain = evaluation_table(systems, {}, judges, None, options=world.options, **about)
    strata = tuple(conflict_strata(places))
    options = world.options | {"against": "speech"}
    more = evaluation_table(systems, {}, replace(judges, strata=strata), None, options=options, **about)
    new = more["stratum"].str.startswith("conflict") | more["metric"].str.contains("_minus_model")
    pd.testing.assert_frame_equal(more[~new].reset_index(drop=True), plain)


def test_a_third_without_an_utterance_is_no_stratum(conflict):
    places, _ = conflict
    assert [one.name for one in conflict_strata(np.where(places == 1, 2, places))] == ["conflict=low", "conflict=high"]
