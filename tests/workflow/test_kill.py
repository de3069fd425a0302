"""Killed at any moment, started again: it finishes, with the same tables, and asks nothing twice."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from checkout import TINY, Checkout

pytestmark = pytest.mark.ci

# Not the same bytes in two runs, and why.
EXEMPT = {
    "results/report.zip": "Snakemake stamps its report with the time",
    "*/run.json": "seconds and versions of a training",
    ".snakemake_timestamp": "Snakemake's own mark in a folder",
    "run-name.txt": "not a result",
}
EVALUATED = "results/statistics/evaluation-demo-fair.parquet"
# What a run makes before it asks its ALM.
BEFORE_VOTES = ("resources/corpora", "resources/models", "results/corpora", "results/encodings", "results/splits")
# A moment is a file that shows how far the run has come.
MOMENTS = {
    "training the ALM": "logs/train_tiny_alm/*.log",
    "annotating": "resources/answers/*/*.jsonl",
    "augmenting": "results/augmented/**/items.parquet",
    "fine-tuning": "resources/state/finetune/**/*",
    "evaluating": "results/statistics/evaluation-*",
}


def make(checkout, *arguments):
    return start(checkout, "make", "all", f"ARGS={' '.join(TINY)}", *arguments)


def evaluate(checkout):
    """Start the run up to the scores of its models; a lock of a killed run is taken off."""
    checkout.snakemake("--unlock", *TINY)
    return start(checkout, sys.executable, "-m", "snakemake", "-c2", EVALUATED, *TINY)


def start(checkout, *command):
    return subprocess.Popen(
        command,
        cwd=checkout.root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def with_environment(root: Path) -> Checkout:
    checkout = Checkout.make(root)
    (root / ".venv").symlink_to(sys.prefix)
    return checkout


def without_votes(root: Path, run: Checkout) -> Checkout:
    """Copy a finished run up to the moment before its ALM was asked."""
    checkout = with_environment(root)
    finished, begun = run.root / "runs" / "tiny", root / "runs" / "tiny"
    for name in (".snakemake", *BEFORE_VOTES):
        shutil.copytree(finished / name, begun / name)
    return checkout


def tables(folder: Path) -> dict[str, bytes]:
    found = {}
    for path in sorted([*folder.glob("results/**/*"), *folder.glob("paper/**/*")]):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not any(path.match(pattern) or name == pattern for pattern in EXEMPT):
            found[name] = path.read_bytes()
    return found


def kill_at(process, folder: Path, pattern: str, delay: float) -> bool:
    deadline = time.monotonic() + 300
    while process.poll() is None and time.monotonic() < deadline:
        if any(folder.glob(pattern)):
            time.sleep(delay)
            break
        time.sleep(0.05)
    alive = process.poll() is None
    if alive:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return alive


def check_killed_run(checkout, tiny_run, begin, moments, seed):
    """Kill the run that ``begin`` starts at each moment, let it end, and compare it with an undisturbed one."""
    draw = random.Random(seed)
    folder = checkout.root / "runs" / "tiny"
    killed = [kill_at(begin(checkout), folder, MOMENTS[moment], draw.uniform(0, 2)) for moment in moments]
    assert any(killed)
    process = begin(checkout)
    output = process.communicate(timeout=900)[0]
    assert process.returncode == 0, output[-6000:]
    undisturbed, disturbed = tables(tiny_run.root / "runs" / "tiny"), tables(folder)
    made = set(undisturbed) if begin is make else {EVALUATED}
    assert made <= set(disturbed) <= set(undisturbed)
    differing = [name for name in disturbed if undisturbed[name] != disturbed[name]]
    assert not differing, f"{len(differing)} files differ after {moments}: {differing[:10]}"
    keys = [
        json.loads(line)["key"]
        for path in folder.glob("resources/answers/**/*.jsonl")
        for line in path.read_text().splitlines()
        if line.endswith("}")
    ]
    assert len(keys) == len(set(keys)), "an answer was asked twice"


def test_killed_while_annotating_and_fine_tuning(tmp_path, tiny_run):
    begun = without_votes(tmp_path / "killed run", tiny_run)
    assert set(begun.planned(EVALUATED, *TINY)).isdisjoint({"synthesise_demo", "train_tiny_alm", "encode_audio"})
    check_killed_run(begun, tiny_run, evaluate, ["annotating", "fine-tuning"], seed=1)


@pytest.mark.slow
def test_killed_at_five_moments(tmp_path, tiny_run):
    check_killed_run(with_environment(tmp_path / "killed run"), tiny_run, make, list(MOMENTS), seed=2)


def test_a_second_live_make_is_refused(tmp_path):
    checkout = with_environment(tmp_path / "two at once")
    first = make(checkout)
    try:
        lock = checkout.root / ".snakemake" / "make.lock"
        deadline = time.monotonic() + 60
        while not lock.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)
        second = make(checkout)
        output = second.communicate(timeout=60)[0]
        assert second.returncode != 0
        assert "another 'make all' is running" in output
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.communicate()


def test_set_up_without_apt_stops_at_once_and_says_what_is_missing(tmp_path):
    """With an empty PATH but for the shell's own tools and python, espeak-ng and TeX are missing."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "dirname", "id", "env", "sha256sum", "cat", "grep", "python3"):
        found = next((Path(p) / name for p in os.get_exec_path() if (Path(p) / name).exists()), None)
        if found:
            (tools / name).symlink_to(found)
    checkout = Checkout.make(tmp_path / "checkout")
    start = time.monotonic()
    result = subprocess.run(
        [str(tools / "bash"), "envs/setup.sh"],
        cwd=checkout.root,
        env={"PATH": str(tools), "SA_APT": "off", "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert time.monotonic() - start < 10
    for word in ("espeak-ng", "latexmk", "conda create", "apt-get install"):
        assert word in result.stderr
    assert not (checkout.root / ".venv").exists()
