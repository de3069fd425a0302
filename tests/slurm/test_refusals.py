"""Requests that no node can meet end the real workflow within seconds, with what to do about it."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from checkout import REPOSITORY, TINY, Checkout
from submission import Submission

pytestmark = pytest.mark.ci

REMEDIES = yaml.safe_load((REPOSITORY / "slurm" / "remedies.yaml").read_text())


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return Checkout.make(tmp_path_factory.mktemp("refused run"))


@pytest.mark.parametrize(
    ("what", "arguments", "variables", "sign"),
    [
        ("memory", ("validate_cell:mem_mb=900000",), {}, "Memory specification can not be satisfied"),
        ("time", ("validate_cell:runtime=99999",), {}, "Requested time limit is invalid"),
        ("partition", (), {"SA_PARTITION": "nowhere"}, "invalid partition specified"),
    ],
)
def test_an_impossible_request_ends_with_a_remedy(healed, checkout, fault, what, arguments, variables, sign):
    more = ("--set-resources", *arguments) if arguments else ()
    run = Submission(healed, checkout.root, (*TINY, "--until", "validate_cell", *more))
    run.log.unlink(missing_ok=True)
    run.start(variables)
    begun = time.monotonic()
    assert run.finish(60) != 0
    seconds = time.monotonic() - begun
    told = run.text()
    assert f"remedy: {sign}" in told and REMEDIES[sign].split(".")[0] in told, told[-3000:]
    assert not healed.queue()
    assert not re.search(r"^remedy: (?!" + re.escape(sign) + ")(?!Requested node)", told, flags=re.MULTILINE)
    fault(f"impossible request: {what}", "refused by sbatch, ended with a remedy", seconds)


def test_an_interpreter_that_the_executor_cannot_name_is_refused_with_the_remedy(healed, checkout, tmp_path):
    link = tmp_path / "with a blank"
    link.symlink_to(Path(sys.executable).parents[1])
    command = [link / "bin" / "python", "-m", "snakemake", "--profile", "slurm", *TINY, "--until", "validate_cell"]
    ended = subprocess.run(
        command, cwd=checkout.root, env=healed.environment, capture_output=True, text=True, timeout=120, check=False
    )
    printed = ended.stdout + ended.stderr
    assert ended.returncode != 0 and f"ln -s '{link}' ~/sa-venv" in printed, printed[-3000:]
    assert not healed.queue()
