"""Files are whole or absent, and their bytes depend on the data alone."""

import numpy as np
import pandas as pd
import pytest

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import atomic_path, read_json, read_parquet, write_json, write_parquet, write_text
from scaling_ambiguity.seeds import derive_seed, generator, uniform


def test_an_exception_leaves_the_old_file_and_no_temporary(tmp_path):
    path = tmp_path / "table.csv"
    write_text("old", path)
    with pytest.raises(RuntimeError), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_replaced_whole(tmp_path):
    for content in ("first", "second"):
        with atomic_path(tmp_path / "folder") as temporary:
            temporary.mkdir()
            (temporary / content).touch()
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["second"]
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_same_table_same_bytes(tmp_path):
    frame = pd.DataFrame({"a": np.arange(5) / 7, "b": list("abcde")})
    for name in "xy":
        write_parquet(frame.copy(), tmp_path / name)
    assert (tmp_path / "x").read_bytes() == (tmp_path / "y").read_bytes()
    pd.testing.assert_frame_equal(read_parquet(tmp_path / "x"), frame)


@pytest.mark.parametrize("reader", [read_json, read_parquet])
def test_a_broken_file_is_named_with_a_remedy(tmp_path, reader):
    path = tmp_path / "broken"
    path.write_text("{half")
    with pytest.raises(UserError, match=r"broken: not readable.*run again"):
        reader(path)


def test_nan_is_not_written_as_json(tmp_path):
    with pytest.raises(ValueError):
        write_json({"x": float("nan")}, tmp_path / "x.json")


def test_streams_depend_on_their_name_alone():
    assert derive_seed(1, "a", 2) == derive_seed("1", "a", "2")
    assert derive_seed("ab", "c") != derive_seed("a", "bc")
    assert np.array_equal(generator(1, "x").random(4), generator(1, "x").random(4))
    draws = np.array([uniform(7, i) for i in range(4000)])
    assert draws.min() >= 0 and draws.max() < 1
    assert abs(draws.mean() - 0.5) < 4 * np.sqrt(1 / 12 / 4000)
