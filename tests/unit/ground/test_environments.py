"""One source for pip and conda; the lock is complete, torch first."""

import re
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest
import yaml
from rattler import MatchSpec

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


ENVIRONMENTS = sorted(path for path in (REPOSITORY / "envs").glob("*.yaml") if path.name != "packages.yaml")
# conda-forge -> PyPI
PIP_NAMES = {"pytorch": "torch", "pysoundfile": "soundfile", "soxr-python": "soxr"}
PROGRAMS = {"python", "espeak-ng", "texlive-core", "latexmk"}


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_conda_reads_each_environment_as_the_exact_versions_of_the_lock(path):
    """Read by conda's own grammar (py-rattler): `==` is exact, where `=` would also take 2.4.6.1 for 2.4.6."""
    environment = yaml.safe_load(path.read_text())
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    locked = {name.lower(): version for name, version in pins()}
    specs = [MatchSpec(text, strict=True) for text in environment["dependencies"]]
    names = [spec.name.normalized for spec in specs]
    assert len(set(names)) == len(names) and names[0] == "python"
    for name, spec in zip(names, specs, strict=True):
        if name not in PROGRAMS:
            assert spec.version == f"=={locked[PIP_NAMES.get(name, name)]}", name


def test_every_rule_names_an_environment_that_is_there():
    rules = "".join(path.read_text() for path in (REPOSITORY / "workflow" / "rules").glob("*.smk"))
    named = set(re.findall(r'"\.\./\.\./envs/(\w+)\.yaml"', rules))
    assert named and named <= {path.stem for path in ENVIRONMENTS}
