"""The balanced evaluation split: known weights and sizes, and that reference votes decide nothing."""

from argparse import Namespace
from runpy import run_path

import numpy as np
import pandas as pd
import pytest

from scaling_ambiguity.augmentation.balanced_table import BALANCED
from scaling_ambiguity.augmentation.evaluation_split import (
    balance,
    dominant_classes,
    effective_size,
    group_report,
    size_report,
)
from scaling_ambiguity.code_identity import SCRIPTS
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import file_sha256
from scaling_ambiguity.tables.base import by_deal
from scaling_ambiguity.tables.levels import LEVELS
from scaling_ambiguity.tables.roles import ROLES
from scaling_ambiguity.tables.splits import SPLITS
from scaling_ambiguity.tables.votes import VOTES

CLASSES = ["neutral", "happy"]


def _items(neutral=30, happy=10):
    counts = np.array([[3, 0]] * neutral + [[0, 3]] * happy, dtype=float)[None]
    return counts, np.zeros(counts.shape[:2], dtype=int), [f"u{i:03d}" for i in range(neutral + happy)]


def test_weights_subsample_and_effective_size_are_those_worked_out_by_hand():
    counts, level, names = _items()
    found = balance(counts, level, names, CLASSES, seed=1)
    np.testing.assert_allclose(found.weight[0], [40 / 60] * 30 + [2.0] * 10)
    assert found.weight.mean() == pytest.approx(1)
    # (30 * 2/3 + 10 * 2)^2 / (30 * 4/9 + 10 * 4) = 1600 / 53.33 = 30
    np.testing.assert_allclose(effective_size(found.weight), [30])
    assert found.kept[0, :30].sum() == found.kept[0, 30:].sum() == 10
    sizes = size_report(found).iloc[0]
    assert (sizes["used"], sizes["subsample"], sizes["tv_before"], sizes["tv_weighted"]) == (40, 20, 0.25, 0)
    groups = group_report(found).set_index("group")
    assert groups.at["neutral_low", "share_before"] == 0.75 and groups.at["happy_low", "share_weighted"] == 0.5


def test_effective_size_limits():
    np.testing.assert_allclose(effective_size(np.array([[1.0] * 5, [0, 0, 7, 0, 0], [0.0] * 5])), [5, 1, 0])


def test_small_groups_and_items_without_a_level_are_counted_and_weigh_nothing():
    counts, level, names = _items(30, 13)
    level[0, 40:] = 2  # three happy items of high ambiguity
    level[0, :2] = -1
    found = balance(counts, level, names, CLASSES, least=5, seed=1)
    sizes = size_report(found).iloc[0]
    assert (sizes["items"], sizes["without_level"], sizes["in_small_groups"], sizes["used"]) == (43, 2, 3, 38)
    assert not found.weight[0, 40:].any() and not found.kept[0, :2].any() and (found.bin[0, :2] == -1).all()


@pytest.mark.parametrize(("by", "groups"), [("class", 2), ("level", 2), ("bin", 4)])
def test_what_is_balanced(by, groups):
    counts, level, names = _items(30, 14)
    level[0, ::2] = 2
    found = balance(counts, level, names, CLASSES, by=by, seed=1)
    sums = np.bincount(found.group[0], found.weight[0])
    np.testing.assert_allclose(sums[sums > 0], 44 / groups)
    assert (sums > 0).sum() == groups


def test_ties_are_drawn_and_evenly():
    counts = np.ones((20, 100, 2))
    top = dominant_classes(counts, [f"u{i}" for i in range(100)], 1)
    assert abs(top.mean() - 0.5) < 0.05
    assert (dominant_classes(np.zeros((1, 1, 2)), ["u"], 1) == -1).all()


def test_an_item_is_drawn_alike_whoever_else_is_there():
    counts, level, names = _items()
    ties = np.ones_like(counts)
    all_items, half = dominant_classes(ties, names, 1), dominant_classes(ties[:, ::2], names[::2], 1)
    np.testing.assert_array_equal(all_items[:, ::2], half)
    whole = balance(counts, level, names, CLASSES, seed=1)
    reversed_ = balance(counts[:, ::-1], level, names[::-1], CLASSES, seed=1)
    np.testing.assert_array_equal(whole.kept, reversed_.kept[:, ::-1])


def test_weighting_recovers_the_mean_over_equally_frequent_groups():
    random = np.random.default_rng(0)
    counts, level, names = _items(3000, 300)
    score = np.concatenate([random.normal(1, 1, 3000), random.normal(3, 1, 300)])
    weight = balance(counts, level, names, CLASSES, seed=1).weight[0]
    assert score.mean() < 1.3
    assert np.average(score, weights=weight) == pytest.approx(2, abs=0.1)


def test_too_few_items_leave_nothing_balanced_and_an_unknown_split_is_refused():
    counts, level, names = _items(30, 3)
    found = balance(counts, level, names, CLASSES, seed=1)
    assert "1 groups of 5 test items" in found.lacking and not found.weight.any() and not found.kept.any()
    assert size_report(found)["used"].eq(0).all() and size_report(found)["tv_before"].isna().all()
    assert group_report(found)["share_weighted"].isna().all() and (found.bin >= 0).any()
    with pytest.raises(UserError, match="rank"):
        balance(counts, level, names, CLASSES, by="rank", seed=1)


@pytest.fixture
def tables(tmp_path):
    """Sixty utterances of seven votes, one deal: three level votes, two conditioning, two reference."""
    random = np.random.default_rng(5)
    names = [f"u{i:02d}" for i in range(60)]
    rows = [(name, f"r{rater}") for name in names for rater in range(7)]
    votes = pd.DataFrame(rows, columns=["utterance", "rater"])
    votes["label"] = np.where(random.random(len(rows)) < np.repeat(random.random(60), 7), "neutral", "happy")
    votes["label_raw"] = votes["label"]
    votes[["presentation", "kind", "role"]] = ["voice", "observer", "primary"]
    votes["rank"], votes["weight"], votes["raters_known"] = 0, 1.0, True
    roles = votes[["utterance", "rater"]].copy()
    roles["votes"], roles["level_votes"] = np.int16(7), np.int16(3)
    roles["position_00"] = np.concatenate([random.permutation(7) for _ in names]).astype(np.int16)
    splits = pd.DataFrame({"utterance": names, "fold": 0, "part": ["test"] * 50 + ["train"] * 8 + ["validation"] * 2})
    level = pd.DataFrame({"utterance": names, "votes": np.int16(3)})
    level["level_00"], level["agreement_00"] = (random.random(60) < 0.5).astype(np.int8), 0.5
    frames = {"votes": (VOTES, votes), "roles": (ROLES, roles), "splits": (SPLITS, splits), "levels": (LEVELS, level)}
    for name, (table, frame) in frames.items():
        table.write(frame, tmp_path / f"{name}.parquet")
    return tmp_path, votes, roles["position_00"].to_numpy()


def _program(folder, **changes):
    options = {name: str(folder / f"{name}.parquet") for name in ("votes", "roles", "splits", "levels", "output")}
    options |= {name: str(folder / f"{name}.csv") for name in ("summary", "sizes")}
    options |= {"classes": CLASSES, "options": {"by": "bin"}, "seed": 1}
    run_path(str(SCRIPTS / "balance_evaluation.py"))["main"](Namespace(**options | changes))


def test_reference_and_conditioning_votes_decide_nothing(tables):
    folder, votes, position = tables
    outputs = [folder / name for name in ("output.parquet", "summary.csv", "sizes.csv")]
    _program(folder)
    before = [file_sha256(path) for path in outputs]
    found = BALANCED.read(outputs[0])
    assert found["utterance"].tolist() == [f"u{i:02d}" for i in range(50)]  # real test items alone
    assert by_deal(found, "weight_", "out").shape == (1, 50)
    other = {"neutral": "happy", "happy": "neutral"}
    turned = votes["label"].map(other)
    VOTES.write(votes.assign(label=votes["label"].where(position < 3, turned)), folder / "votes.parquet")
    _program(folder)
    assert [file_sha256(path) for path in outputs] == before
    VOTES.write(votes.assign(label=votes["label"].where(position >= 3, turned)), folder / "votes.parquet")
    _program(folder)
    assert file_sha256(outputs[0]) != before[0]


def test_levels_of_all_votes_are_refused(tables):
    folder = tables[0]
    levels = LEVELS.read(folder / "levels.parquet")
    LEVELS.write(levels.assign(votes=np.int16(0)), folder / "levels.parquet")
    with pytest.raises(UserError, match="have their own votes"):
        _program(folder)
    with pytest.raises(UserError, match="size"):
        _program(folder, options={"size": 3})
