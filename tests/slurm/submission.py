"""Snakemake on the cluster of the tests: started, watched, interrupted, and what its log says of every job."""

import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cluster import Cluster

REPOSITORY = Path(__file__).resolve().parents[2]


def heed_interrupts() -> None:
    """Undo what the children of a shell's background job inherit: SIGINT ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass
class Submission:
    """``snakemake --profile slurm`` in ``folder``; what it prints goes to a file there."""

    cluster: Cluster
    folder: Path
    arguments: tuple[str, ...] = ()
    targets: tuple[str, ...] = ("all",)
    process: subprocess.Popen | None = field(default=None, repr=False)
    started: float = 0.0

    @classmethod
    def small(cls, cluster: Cluster, folder: Path, *arguments: str, workflow: str = "small") -> "Submission":
        """Prepare a workflow of this folder with the project's profiles."""
        shutil.copytree(Path(__file__).parent / workflow, folder, dirs_exist_ok=True)
        for name in ("slurm", "profiles"):
            shutil.copytree(REPOSITORY / name, folder / name, dirs_exist_ok=True)
        return cls(cluster, folder, arguments)

    @property
    def log(self) -> Path:
        return self.folder / "driver.log"

    def start(self, variables: dict[str, str] | None = None) -> "Submission":
        """Start Snakemake, with more environment variables if given."""
        environment = self.cluster.environment | {
            "SA_TEST_LIBRARY": str(REPOSITORY / "workflow" / "scripts"),
            "PYTHONDONTWRITEBYTECODE": "1",
            **(variables or {}),
        }
        command = [self.cluster.python, "-m", "snakemake", "--profile", "slurm", *self.targets, *self.arguments]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=heed_interrupts,
            )
        self.started = time.monotonic()
        return self

    def wait_for(self, condition: Callable[[], object], seconds: float, what: str) -> object:
        """Wait for a condition while Snakemake lives; return its value."""
        deadline = time.monotonic() + seconds
        while True:
            if value := condition():
                return value
            assert self.process.poll() is None, f"ended before {what}:\n{self.text()[-4000:]}"
            assert time.monotonic() < deadline, f"{seconds} s without {what}:\n{self.text()[-4000:]}"
            time.sleep(0.2)

    def finish(self, seconds: float) -> int:
        """Wait for the end; a run that hangs is interrupted, then killed, and fails the test."""
        try:
            return self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                self.kill()
            raise AssertionError(f"hangs: no end within {seconds} s\n{self.text()[-6000:]}") from None

    def kill(self) -> None:
        """Kill Snakemake as the kernel would: no handler runs."""
        self.process.kill()
        self.process.wait()

    def seconds(self) -> float:
        return time.monotonic() - self.started

    def text(self) -> str:
        return self.log.read_text()


def jobs_in(log: str) -> tuple[dict[str, dict], dict[str, str]]:
    """Return what each rule asked for, by Snakemake's job id, and the Slurm number of each submitted job.

    Later blocks of a job, retries that is, replace earlier ones; so do their numbers.
    """
    asked: dict[str, dict] = {}
    numbers: dict[str, str] = {}
    current: dict = {}
    for line in log.splitlines():
        if match := re.match(r"(local)?rule (\w+):$", line):
            current = {"rule": match[2], "local": bool(match[1]), "threads": 1, "resources": {}}
        elif match := re.match(r" {4}jobid: (\d+)$", line):
            asked[match[1]] = current
        elif match := re.match(r" {4}threads: (\d+)$", line):
            current["threads"] = int(match[1])
        elif line.startswith("    resources: "):
            pairs = (pair.partition("=") for pair in line.removeprefix("    resources: ").split(", "))
            current["resources"] = {key: value for key, _, value in pairs}
        elif match := re.match(r"Job (\d+) has been submitted with SLURM jobid (\d+)", line):
            numbers[match[1]] = match[2]
    return asked, numbers
