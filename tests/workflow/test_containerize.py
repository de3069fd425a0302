"""`snakemake --containerize` describes a container with every environment of the rules.

It only asks conda who it is. No conda was at hand: a program in its place answers its three questions, all else
is Snakemake's own. The container itself was never built.
"""

import json
import os
import re

import pytest
from checkout import REPOSITORY, Checkout

ANSWERS = {
    "info": {"conda_version": "24.11.0", "conda_prefix": "/opt/conda", "root_prefix": "/opt/conda"}
    | {"platform": "linux-64", "conda_shlvl": 0, "envs": [], "pkgs_dirs": []},
    "config": {"get": {"channel_priority": "strict"}, "warnings": []},
}
RULES = [REPOSITORY / "Snakefile", *sorted((REPOSITORY / "workflow" / "rules").rglob("*.smk"))]
USED = {name for path in RULES for name in re.findall(r"envs/([a-z]+)\.yaml", path.read_text())}


@pytest.fixture
def place(tmp_path):
    return Checkout.make(tmp_path / "run")


def test_the_container_holds_every_environment_of_the_rules(place, tmp_path, monkeypatch):
    answers = "".join(f"{word}) echo '{json.dumps(answer)}';;\n" for word, answer in ANSWERS.items())
    program = tmp_path / "bin" / "conda"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\ncase "$1" in\n{answers}--version) echo conda 24.11.0;;\n*) exit 1;;\nesac\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    told = place.snakemake("--containerize")
    assert re.search(r"^FROM \S+", told, flags=re.MULTILINE)
    for name in USED:
        environment = "".join(f"#   {line}\n" for line in (place.root / f"envs/{name}.yaml").read_text().splitlines())
        assert f"#   source: envs/{name}.yaml\n" in told and environment in told, "to the last pin"
    assert {"driver", "audio", "torch", "analysis", "notebook", "latex"} <= USED
    assert set(re.findall(r"^COPY envs/([a-z]+)\.yaml", told, flags=re.MULTILINE)) == USED
    assert told.count("conda env create") == len(USED)


def test_without_conda_it_says_so(place, monkeypatch):
    monkeypatch.setenv("PATH", os.pathsep.join(["/usr/bin", "/bin"]))
    told = place.snakemake("--containerize", check=False)
    assert "Is conda installed" in told
