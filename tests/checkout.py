"""Throw-away checkouts: the workflow is tested in a copy, never in the repository's own results."""

import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from scaling_ambiguity import forks

REPOSITORY = Path(__file__).resolve().parents[1]
TINY = ("--configfile", "workflow/presets/tiny.yaml")
PLANNING = {"-n", "--list-target-rules", "--lint"}  # options with which Snakemake runs no job


def source_files() -> list[str]:
    """Return what git tracks and what it would, relative to the repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.split("\0") if name and (REPOSITORY / name).is_file()]


def run_programs(commands: list[list[str]], folder: Path) -> None:
    """Run programs, each a list of words after ``python``, in forks of one process that has imported the library."""
    environment = compiling() | {"OMP_NUM_THREADS": "1"}
    for words in commands:
        result = subprocess.run(
            [stand_in(), *words],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
            check=False,
        )
        assert result.returncode == 0, result.stdout[-8000:]


def compiling() -> dict[str, str]:
    """Return an environment in which a copy keeps its compiled modules: every job would compile hundreds of them."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@functools.cache
def warm_snakemake() -> subprocess.Popen:
    """Start the process whose forks plan, once per test process; it ends with this one, whose pipe it reads."""
    command = [sys.executable, str(REPOSITORY / "tests" / "workflow" / "warm_snakemake.py")]
    return subprocess.Popen(command, env=compiling(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@functools.cache
def stand_in() -> Path:
    """Start the process whose forks are the jobs; return the stand-in for ``python`` that sends them there."""
    return forks.start(anywhere=True)[0]  # the process ends with this one, which holds the descriptor


def call_warm(words: tuple[str, ...], folder: Path, timeout: int, **variables: str) -> tuple[int, str]:
    """Run Snakemake in a fork; return its exit status and what it printed."""
    process = warm_snakemake()
    with tempfile.NamedTemporaryFile() as output:
        request = {"words": words, "folder": str(folder), "environment": compiling() | variables}
        print(json.dumps(request | {"output": output.name, "timeout": timeout}), file=process.stdin, flush=True)
        status = int(process.stdout.readline())
        return status, Path(output.name).read_text()


@dataclass(frozen=True)
class Checkout:
    """A copy of the repository's sources."""

    root: Path

    @classmethod
    def make(cls, root: Path) -> "Checkout":
        for name in source_files():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, root / name)
        return cls(root)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "snakemake", *arguments]

    def snakemake(self, *arguments: str, timeout: int = 600, check: bool = True) -> str:
        """Run Snakemake in the checkout, plans in a fork, the rest as a user does; return what it printed."""
        if set(arguments) & PLANNING:
            status, printed = call_warm(arguments, self.root, timeout)
        else:
            result = subprocess.run(
                self.command(*arguments),
                cwd=self.root,
                env=compiling(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=timeout,
                check=False,
            )
            status, printed = result.returncode, result.stdout
        if check:
            assert status == 0, printed[-8000:]
        else:
            assert status != 0, f"expected a failure:\n{printed[-4000:]}"
        return printed

    def warm(self, *arguments: str, timeout: int = 900) -> str:
        """Run Snakemake in the checkout, its jobs in forks of one process: a quarter of the time."""
        status, printed = call_warm(arguments, self.root, timeout, SA_PYTHON=str(stand_in()))
        assert status == 0, printed[-8000:]
        return printed

    def jobs(self, *arguments: str) -> list[dict]:
        """Return the jobs that a dry run would execute: rule, inputs and outputs."""
        found: list[dict] = []
        for line in self.snakemake("-n", *arguments).splitlines():
            key, _, value = line.strip().partition(":")
            if line.startswith(("rule ", "localrule ")):
                found.append({"rule": key.split()[1], "input": set(), "output": set()})
            elif key in ("input", "output") and line.startswith("    "):
                found[-1][key] = set(value.strip().split(", "))
        return found

    def planned(self, *arguments: str) -> set[str]:
        """Return the rules that a dry run would execute."""
        return {job["rule"] for job in self.jobs(*arguments)}
