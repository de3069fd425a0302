"""Vectors on disk: rows are those of the items, in whatever folders they lie; what is not whole is refused."""

import json

import numpy as np
import pytest

from scaling_ambiguity.encoders.encoding import encode_items
from scaling_ambiguity.encoders.kinds import NoVector
from scaling_ambiguity.encoders.store import Vectors
from scaling_ambiguity.errors import UserError


class Lengths:
    """An encoder of texts without weights: their length, twice their length, and so on."""

    dtype = "float16"

    def __init__(self, width=3):
        self.width, self.identity, self.encoded = width, {"kind": "lengths", "checkpoint": "none", "revision": "1"}, []

    def encode(self, item):
        """Refuse empty texts."""
        self.encoded.append(item)
        if not item:
            raise NoVector("empty.")
        return np.float32(len(item)) * np.arange(1, self.width + 1, dtype=np.float32)


TEXTS = {"a": "x", "b": None, "c": "xxx", "d": "", "e": "xxxxx"}


@pytest.fixture
def write(tmp_path):
    """Return a function that encodes texts into a folder."""

    def encode(name, texts, encoder=None):
        encode_items(encoder or Lengths(), list(texts), list(texts.values()), tmp_path / "state", tmp_path / name)
        return tmp_path / name

    return encode


def test_rows_are_those_of_the_items_whichever_folder_they_are_in(write):
    vectors = Vectors([write("one", TEXTS), write("two", {"f": "xx", "g": "xxxx"}), write("none", {})])
    rows = vectors.rows(["g", "a", "e", "f", "a"])
    assert vectors.take(rows)[:, 0].tolist() == [4, 1, 5, 2, 1] and len(vectors) == 7
    assert vectors.take(rows).dtype == np.float32 and vectors.take(rows).shape == (5, 3)
    assert vectors.hashes(vectors.rows(["b"])) == [None] and len(vectors.hashes(rows)[0]) == 64
    assert vectors.lacking(vectors.rows(list("abcd"))) == {"b": "it has nothing that the encoder reads.", "d": "empty."}
    assert vectors.take(vectors.rows([])).shape == (0, 3)


def test_the_same_text_has_the_same_hash_and_bytes(write):
    first, second = write("one", TEXTS), write("two", TEXTS)
    for name in ("x.npy", "ids.parquet", "meta.json"):
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_a_sentence_that_many_speakers_read_is_encoded_once(write):
    encoder = Lengths()
    texts = {f"speaker {place}": ("to be", "or not")[place % 2] for place in range(300)}
    vectors = Vectors([write("one", texts, encoder)])
    assert sorted(encoder.encoded) == ["or not", "to be"]
    assert vectors.take(vectors.rows(["speaker 298", "speaker 299"]))[:, 0].tolist() == [5, 6]


def test_what_is_not_whole_or_of_another_encoder_is_refused(write, tmp_path):
    folder = write("one", TEXTS)
    with pytest.raises(UserError, match="holds no vector of z"):
        Vectors([folder]).rows(["a", "z"])
    with pytest.raises(UserError, match="a has vectors in two folders"):
        Vectors([folder, write("again", {"a": "x"})])
    encoder = Lengths()
    encoder.identity = encoder.identity | {"revision": "2"}
    with pytest.raises(UserError, match=r"encoded by .*'2'.* by .*'1'"):
        Vectors([folder, write("other", {"f": "x"}, encoder)])
    (folder / "x.npy").write_bytes((folder / "x.npy").read_bytes()[:-3])
    with pytest.raises(UserError, match=r"x\.npy: not readable as vectors .*Remove the folder and run again"):
        Vectors([folder])
    with pytest.raises(UserError, match=r"absent/meta\.json: not readable .*run again"):
        Vectors([tmp_path / "absent"])


def test_values_that_the_type_cannot_hold_are_refused_with_the_item(write):
    with pytest.raises(UserError, match=r"c: .* values that float16 cannot"):
        write("one", TEXTS | {"c": "x" * 40_000})


@pytest.mark.parametrize("died_at", [1, 100, 200, 299])
def test_a_killed_job_goes_on_with_its_blocks_and_ends_with_the_same_bytes(write, tmp_path, died_at):
    texts = {f"i_{number:03d}": "x" * number * (number % 7 > 0) for number in range(300)}
    undisturbed = write("whole", texts)

    class Dying(Lengths):
        def encode(self, item):
            if len(self.encoded) == died_at:
                raise KeyboardInterrupt
            return super().encode(item)

    with pytest.raises(KeyboardInterrupt):
        write("again", texts, Dying())
    encoder = Lengths()
    again = write("again", texts, encoder)
    assert len(encoder.encoded) == 300 - died_at // 128 * 128
    assert {p.name: p.read_bytes() for p in again.iterdir()} == {p.name: p.read_bytes() for p in undisturbed.iterdir()}
    assert not (tmp_path / "state").exists()


def test_unfinished_work_of_other_items_or_weights_is_not_taken_up(write, tmp_path, capsys):
    texts = {f"i_{number:03d}": "x" * (number + 5) for number in range(200)}

    class Dying(Lengths):
        def encode(self, item):
            if len(self.encoded) == 150:
                raise KeyboardInterrupt
            return super().encode(item)

    with pytest.raises(KeyboardInterrupt):
        write("one", texts, Dying())
    encoder = Lengths()
    folder = write("one", texts | {"i_003": "xxx"}, encoder)
    assert len(encoder.encoded) == 200
    assert Vectors([folder]).take(np.array([3]))[0, 0] == 3
    assert json.loads((folder / "meta.json").read_text())["items"] == 200
