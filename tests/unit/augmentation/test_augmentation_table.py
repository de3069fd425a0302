"""The table of classes and bins before and after."""

import pandas as pd
import pytest

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.reporting.tables.augmentation import augmentation_table

CLASSES = ["neutral", "happy"]


def _frame(rows, **columns):
    frame = pd.DataFrame(rows, columns=["p_neutral", "p_happy"], dtype=float)
    return frame.assign(utterance=[f"u{i}" for i in range(len(rows))], **columns)


def test_counts_distances_and_parents():
    labels = _frame([[1, 0]] * 3 + [[0, 1]])
    arms = {"dime_x": _frame([[0, 1], [0.1, 0.9]], parents=["u3|u1", "u3"]), "mixup": _frame([], parents=[])}
    text, shown = augmentation_table(labels, arms, CLASSES)
    by = shown.set_index(["augmentation", "by", "value"])
    assert by.at[("none", "dominant class", "happy"), "items"] == 1
    assert by.at[("dime_x", "dominant class", "happy"), "items"] == 3
    # H([.1, .9]) = .469 bits: medium
    assert by.at[("dime_x", "bin", "happy_medium"), "items"] == by.at[("mixup", "bin", "happy_low"), "items"] == 1
    assert by.at[("none", "dominant class", "happy"), "distance"] == pytest.approx(0.25)
    assert by.at[("dime_x", "dominant class", "happy"), "distance"] == pytest.approx(0)
    assert r"happy & 1 & 3 & 1 \\" in text and r"different parents & 0 & 2 & 0 \\" in text
    assert "dime x" in text and r"of two parents & 0 & 1 & 0 \\" in text


def test_nothing_to_count():
    with pytest.raises(UserError, match="no training item"):
        augmentation_table(_frame([]), {}, CLASSES)
