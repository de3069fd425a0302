"""Throw-away checkouts: the workflow is tested in a copy, never in the repository's own results."""

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
TINY = ("--configfile", "workflow/presets/tiny.yaml")


def source_files() -> list[str]:
    """Return what git tracks and what it would, relative to the repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.split("\0") if name and (REPOSITORY / name).is_file()]


def run_planned(planned: str, folder: Path, timeout: int = 900) -> None:
    """Run the jobs that a dry run printed in ``folder``, in forks of one process."""
    command = [sys.executable, str(REPOSITORY / "tests" / "workflow" / "warm_jobs.py")]
    result = subprocess.run(
        command,
        cwd=folder,
        input=planned,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-8000:]


def run_programs(commands: list[list[str]], folder: Path) -> None:
    """Run programs, each a list of words after ``python``, in forks of one process that has imported the library."""
    lines = (
        f"Shell command: python {shlex.join(words)} > {shlex.quote(f'{place}.log')} 2>&1"
        for place, words in enumerate(commands)
    )
    run_planned("\n".join(lines), folder)


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
        """Run Snakemake in the checkout; return what it printed."""
        # a copy keeps its compiled modules, whatever the environment says: every job would compile hundreds of them
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        result = subprocess.run(
            self.command(*arguments),
            cwd=self.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )
        if check:
            assert result.returncode == 0, result.stdout[-8000:]
        else:
            assert result.returncode != 0, f"expected a failure:\n{result.stdout[-4000:]}"
        return result.stdout

    def warm(self, directory: str, *arguments: str, timeout: int = 900) -> None:
        """Run in ``directory`` what a dry run plans, in forks of one process (warm_jobs.py): a quarter of the time."""
        planned = self.snakemake("-n", "--printshellcmds", *arguments)
        (self.root / directory).mkdir(parents=True, exist_ok=True)
        run_planned(planned, self.root / directory, timeout)

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
