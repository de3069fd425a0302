"""Changed transcripts: how much changes, and that it is recorded."""

import pytest

from scaling_ambiguity.augmentation.text_changes import TextChange, mask_words, swap_words
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.seeds import generator

TEXT = "one two three four five six seven eight nine ten"


def test_masks_and_swaps():
    masked, count = mask_words(TEXT, 0.3, generator(1))
    assert count == 3 and masked.split().count("...") == 3
    assert mask_words("one", 0.9, generator(1)) == ("one", 0)  # never all of it
    swapped, count = swap_words(TEXT, 0.2, generator(1))
    assert count == 2 and sorted(swapped.split()) == sorted(TEXT.split()) and swapped != TEXT


def test_default_changes_nothing():
    assert TextChange(None, "x").change("a", TEXT, generator(1)) == (TEXT, {})
    assert TextChange({"kind": "mask"}, "x").change("a", None, generator(1)) == (None, {})


def test_what_was_done_is_recorded(tmp_path):
    assert TextChange({"kind": "mask", "share": 0.5}, "x").change("a", TEXT, generator(1))[1] == {"words_masked": 5}
    table = tmp_path / "p.csv"
    table.write_text("utterance,text\na,First way\na,Second way\n")
    change = TextChange({"kind": "paraphrase", "table": str(table)}, "x")
    text, done = change.change("a", TEXT, generator(1))
    assert text == ["First way", "Second way"][done["paraphrase"]]
    assert change.change("b", TEXT, generator(1)) == (TEXT, {})


def test_faults(tmp_path):
    broken = tmp_path / "p.csv"
    broken.write_text("utterance,words\na,b\n")
    for options in (
        {"kind": "rhyme"},
        {"share": 2},
        {"kind": "paraphrase"},
        {"kind": "paraphrase", "table": str(broken)},
    ):
        with pytest.raises(UserError):
            TextChange(options, "augmentations.x")
    with pytest.raises(UserError, match="not readable"):
        TextChange({"kind": "paraphrase", "table": str(tmp_path / "none.csv")}, "x")
