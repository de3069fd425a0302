"""Parts are disjoint and complete; test labels stay in their file."""

import numpy as np
import pandas as pd
import pytest

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.tables.items import ITEMS
from scaling_ambiguity.tables.labels import LABELS


def _items(folder, parents, name="new_0"):
    row = {"utterance": name, "parents": parents, "alpha": 0.5, "transform": "dime", "path": "audio/new_0.wav"}
    items = pd.DataFrame([row | {"transcript": "It is late.", "p_neutral": 0.2, "p_happy": 0.3, "p_sad": 0.5}])
    ITEMS.write(items, folder / "items.parquet")
    return folder


def test_parts(gather):
    parts = gather()
    assert [len(part) for part in (parts.train, parts.validation, parts.test)] == [12, 4, 4]
    assert parts.test.targets is None
    assert parts.train.targets.shape == (12, 3)


def test_test_labels_may_be_absent(gather, corpus, tmp_path):
    table = LABELS.read(corpus / "labels.parquet")
    LABELS.write(table.iloc[:16], tmp_path / "labels.parquet")
    np.testing.assert_array_equal(gather(tmp_path / "labels.parquet").train.targets, gather().train.targets)


def test_absent_training_label(gather, corpus, tmp_path):
    LABELS.write(LABELS.read(corpus / "labels.parquet").iloc[1:], tmp_path / "labels.parquet")
    with pytest.raises(UserError, match="x_00"):
        gather(tmp_path / "labels.parquet")


def test_augmented_items_join_training_alone(gather, tmp_path):
    parts = gather(augmented=_items(tmp_path, "x_00|x_11"))
    assert parts.train.utterances[-1] == "new_0"
    assert parts.train.paths[-1] == tmp_path / "audio" / "new_0.wav"
    np.testing.assert_allclose(parts.train.targets[-1], [0.2, 0.3, 0.5])
    assert len(parts.validation) == len(parts.test) == 4


@pytest.mark.parametrize("parents", ["x_00|x_13", "x_19|x_00"])
def test_forged_parent(gather, tmp_path, parents):
    with pytest.raises(UserError, match="not in train"):
        gather(augmented=_items(tmp_path, parents))


def test_forged_name(gather, tmp_path):
    with pytest.raises(UserError, match="name of an utterance"):
        gather(augmented=_items(tmp_path, "x_00|x_01", name="x_03"))
