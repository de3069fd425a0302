"""Files are whole or absent, and their bytes depend on the data alone."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scaling_ambiguity import io
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


def test_what_a_killed_job_left_is_swept_when_its_path_is_written_again(tmp_path):
    script = (
        "import os, signal, sys; from scaling_ambiguity.io import atomic_path\n"
        "with atomic_path(sys.argv[1]) as temporary:\n"
        "    temporary.mkdir() if sys.argv[2] == 'folder' else temporary.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(io.__file__).parents[1])}
    for kind in ("file", "folder"):
        path = tmp_path / kind / "fig_validity.pdf"
        done = subprocess.run([sys.executable, "-c", script, path, kind], env=environment, check=False)
        assert done.returncode == -signal.SIGKILL and len(list(path.parent.iterdir())) == 1
        with atomic_path(path) as temporary:
            temporary.write_text("whole")
            assert list(path.parent.iterdir()) == [temporary]
        assert list(path.parent.iterdir()) == [path] and path.read_text() == "whole"


def test_the_sweep_spares_the_living_the_young_and_what_only_looks_alike(tmp_path):
    path = tmp_path / "fig_validity.pdf"
    alike = [
        ".fig_validity_2.0123456789ab.pdf",
        ".fig_validity.svg",
        "fig_validity.0123456789ab.pdf",
        ".fig_validity.pdf",
    ]
    alike += [".fig_validity.0123456789ab.csv", ".fig_validity.notes.pdf"]
    old, young = ".fig_validity.aaaaaaaaaaaa.pdf", ".fig_validity.bbbbbbbbbbbb.pdf"  # of versions without an owner
    for name in (*alike, old, young):
        (tmp_path / name).touch()
    for name in (*alike, old):
        os.utime(tmp_path / name, (0, 0))
    with atomic_path(path) as first, atomic_path(path) as second:  # two copies of a job
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"
    assert {other.name for other in tmp_path.iterdir()} == {path.name, *alike, young}


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
