"""Formatting, style and types of the whole tree."""

import subprocess
import sys
from pathlib import Path

import pytest
from checkout import REPOSITORY

BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command",
    [
        [BIN / "ruff", "check", "."],
        [BIN / "ruff", "format", "--check", "."],
        [sys.executable, "-m", "mypy"],
        [BIN / "snakefmt", "--check", "Snakefile", "workflow/rules"],
    ],
    ids=["ruff check", "ruff format", "mypy", "snakefmt"],
)
def test_clean(command):
    result = subprocess.run(list(map(str, command)), cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_tracked_inputs_stay_small():
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout
    large = [
        name
        for name in listed.split("\0")
        if name and (REPOSITORY / name).exists() and (REPOSITORY / name).stat().st_size > 900_000
    ]
    assert not large
