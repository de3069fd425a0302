"""DiME-Aug: counts, mixtures, bytes, and that nothing leaves the training part."""

import numpy as np
import pandas as pd
import pytest
import soundfile

from scaling_ambiguity.augmentation.dime import check_parents, plan_mixtures
from scaling_ambiguity.augmentation.mixing import mix_waveforms
from scaling_ambiguity.augmentation.published import augment
from scaling_ambiguity.augmentation.training_part import Part
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import file_sha256
from scaling_ambiguity.tables.items import ITEMS
from scaling_ambiguity.tables.labels import LABELS

OPTIONS = {"ratio": 0.7, "neighbours": 3}


def _fold(corpus, output="out", **changes):
    arguments = {
        "name": "dime",
        "utterances": corpus["utterances"],
        "root": corpus["root"],
        "labels": corpus["folder"] / "labels.parquet",
        "splits": corpus["splits"],
        "features": corpus["folder"] / "features.parquet",
        "fold": 0,
        "classes": corpus["classes"],
        "options": OPTIONS,
        "seed": 1,
    }
    augment(Part(**arguments | changes), corpus["folder"] / output)
    return corpus["folder"] / output


def _plan(labels, features, **changes):
    options = {"classes": ["neutral", "happy", "sad"], "ratio": 0.7, "neighbours": 3, "prefix": "dime0", "seed": 1}
    return plan_mixtures(labels, features, **options | changes)


def test_counts_and_mixtures(corpus):
    folder = _fold(corpus)
    items = ITEMS.read(folder / "items.parquet")
    summary = pd.read_csv(folder / "summary.csv").set_index("label")
    # floor(.7 x 6) = 4: happy 2 -> 4; sad has no item on top in training (the tie goes to happy).
    assert summary["before"].tolist() == [6, 2, 0]
    assert summary["after"].tolist() == [6, 4, 0]
    assert summary["target"].tolist() == [4, 4, 4]
    p = corpus["labels"].set_index("utterance")[["p_neutral", "p_happy", "p_sad"]]
    for item in items.itertuples():
        first, second = item.parents.split("|")
        assert first != second
        expected = item.alpha * p.loc[first] + (1 - item.alpha) * p.loc[second]
        np.testing.assert_allclose([item.p_neutral, item.p_happy, item.p_sad], expected)
        assert item.transcript == f"Sentence {first if item.alpha >= 0.5 else second}."
        audio, rate = soundfile.read(folder / item.path)
        one, two = (soundfile.read(corpus["root"] / f"audio/{parent}.wav")[0] for parent in (first, second))
        length = min(len(one), len(two))
        assert rate == 16000 and len(audio) == length
        np.testing.assert_allclose(audio, item.alpha * one[:length] + (1 - item.alpha) * two[:length], atol=1e-4)


def test_same_seed_same_bytes(corpus):
    first, second, other = _fold(corpus, "one"), _fold(corpus, "two"), _fold(corpus, "three", seed=2)
    files = sorted(path.relative_to(first) for path in first.rglob("*.*"))
    assert len(files) == 4
    assert [file_sha256(first / file) for file in files] == [file_sha256(second / file) for file in files]
    assert file_sha256(first / "items.parquet") != file_sha256(other / "items.parquet")


def test_labels_outside_training_are_never_read(corpus):
    before = file_sha256(_fold(corpus, "one") / "items.parquet")
    changed = corpus["labels"].copy()
    changed.loc[8:, ["p_neutral", "p_happy", "p_sad"]] = [0.0, 1.0, 0.0]
    LABELS.write(changed, corpus["folder"] / "labels.parquet")
    assert file_sha256(_fold(corpus, "two") / "items.parquet") == before
    LABELS.write(changed.iloc[:8], corpus["folder"] / "labels.parquet")
    assert file_sha256(_fold(corpus, "three") / "items.parquet") == before


def test_forged_label_table_with_a_test_parent(corpus):
    forged = corpus["labels"].assign(p_neutral=[1.0] * 6 + [0.0] * 4, p_happy=[0.0] * 6 + [1.0] * 4, p_sad=0.0)
    plan = _plan(forged, corpus["features"], ratio=1.0)
    outside = {"x_08", "x_09"}
    assert outside & (set(plan.items["first"]) | set(plan.items["second"]))
    with pytest.raises(UserError, match="not in train"):
        check_parents(plan.items, corpus["splits"], 0)


def test_a_parent_unknown_to_the_split_is_refused(corpus):
    items = pd.DataFrame({"utterance": ["a"], "first": ["x_00"], "second": ["other_corpus"]})
    with pytest.raises(UserError, match="other_corpus"):
        check_parents(items, corpus["splits"], 0)


def test_one_item_cannot_be_lifted_and_nothing_to_do(corpus):
    single = corpus["labels"].iloc[:7]
    plan = _plan(single, corpus["features"])
    assert plan.items.empty
    assert plan.summary["made"].tolist() == [0, 0, 0]
    folder = _fold(corpus, options={"ratio": 0.0, "neighbours": 3})
    assert ITEMS.read(folder / "items.parquet").empty


def test_order_of_rows_does_not_matter(corpus):
    train = corpus["labels"].iloc[:8]
    one = _plan(train, corpus["features"])
    two = _plan(train.iloc[::-1], corpus["features"].sample(frac=1, random_state=3))
    pd.testing.assert_frame_equal(one.items, two.items)


def test_missing_label_and_unknown_fold(corpus):
    LABELS.write(corpus["labels"].iloc[1:], corpus["folder"] / "labels.parquet")
    with pytest.raises(UserError, match="x_00"):
        _fold(corpus)
    with pytest.raises(UserError, match="fold 7"):
        _fold(corpus, fold=7)


@pytest.mark.parametrize("options", [{"ratio": 1.5}, {"neighbours": 1}])
def test_bad_options(corpus, options):
    with pytest.raises(UserError, match="DiME-Aug as published"):
        _plan(corpus["labels"].iloc[:8], corpus["features"], **options)


def test_mixture_extremes():
    a, b = np.ones(5, np.float32), np.zeros(3, np.float32)
    np.testing.assert_array_equal(mix_waveforms(a, b, 1.0), [1, 1, 1])
    np.testing.assert_array_equal(mix_waveforms(a, b, 0.0), [0, 0, 0])
