"""One source for pip and conda; the lock is complete, torch first."""

import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]


def test_conda_environments_are_in_step_with_the_lock():
    command = [sys.executable, str(REPOSITORY / "envs" / "write_envs.py"), "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def pins():
    lines = (REPOSITORY / "requirements.txt").read_text().splitlines()
    return [line.split("==") for line in lines if line and not line.startswith("#")]


def test_torch_comes_first_and_every_line_is_an_exact_pin():
    assert pins()[0][0] == "torch"
    assert all(len(pin) == 2 for pin in pins())


def test_every_chosen_package_is_locked():
    locked = {name.lower().replace("_", "-") for name, _ in pins()}
    chosen = (REPOSITORY / "requirements.in").read_text().splitlines()
    chosen = {line.split("=")[0].split("~")[0].strip().lower() for line in chosen if line and not line.startswith("#")}
    assert chosen <= locked


def test_the_lock_is_what_is_installed():
    installed = {d.metadata["Name"].lower().replace("_", "-"): d.version.split("+")[0] for d in distributions()}
    wrong = {
        name: (version, installed.get(name.lower().replace("_", "-")))
        for name, version in pins()
        if installed.get(name.lower().replace("_", "-")) != version
    }
    assert not wrong, f"locked, installed: {wrong}"
