"""Clean up after a Snakemake on Slurm that was killed: cancel its jobs, wait until they are gone, unlock its folder.

A killed Snakemake leaves its jobs in the queue. Started again, it would submit them a second time, and two jobs would
write the same files. Jobs are identified by the prefix of their name and by their working folder, so that another
run of the same user is not affected.
"""

import argparse
import getpass
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from scaling_ambiguity import cli
from scaling_ambiguity.errors import UserError

PREFIX = "scaling_ambiguity"


@dataclass(frozen=True)
class QueuedJob:
    """A job in the queue: its number, name, state and working folder."""

    number: str
    name: str
    state: str
    folder: Path


def slurm(*command: str) -> str:
    """Run a program of Slurm and return what it prints; raise a UserError if it is absent, slow or fails."""
    if shutil.which(command[0]) is None:
        raise UserError(f"{command[0]} is not on PATH: run this on the submission host, with Slurm loaded.")
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        raise UserError(f"{command[0]} did not answer within 60 s: is slurmctld up? Try `scontrol ping`.") from None
    if result.returncode:
        raise UserError(f"{command[0]} failed: {result.stderr.strip()}. Try `scontrol ping`.")
    return result.stdout


def parse_queue(listed: str) -> list[QueuedJob]:
    """Return the jobs in the output of squeue with the format ``%i|%T|%j|%Z``."""
    fields = (line.split("|", 3) for line in listed.splitlines() if line.strip())
    return [QueuedJob(number, name, state, Path(folder)) for number, state, name, folder in fields]


def belongs(job: QueuedJob, prefix: str, directory: Path) -> bool:
    """Whether a job has the prefix and its working folder is ``directory`` or below it."""
    return job.name.startswith(f"{prefix}_") and job.folder.resolve().is_relative_to(directory.resolve())


def leftovers(prefix: str, directory: Path) -> list[QueuedJob]:
    """Return this user's queued and running jobs of the run in ``directory``."""
    listed = slurm("squeue", "-h", "-r", f"--user={getpass.getuser()}", "-o", "%i|%T|%j|%Z")
    return [job for job in parse_queue(listed) if belongs(job, prefix, directory)]


def living(directory: Path) -> list[int]:
    """Return processes of this machine that run Snakemake in ``directory`` or below it, by their ids."""
    processes = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            folder = (entry / "cwd").resolve()
        except OSError:
            continue
        program = any(Path(word.decode(errors="replace")).name == "snakemake" for word in words[:3])
        # A job also runs Snakemake, for one job of the driver.
        if program and (b"--mode", b"remote") not in pairwise(words) and folder.is_relative_to(directory.resolve()):
            processes.append(int(entry.name))
    return processes


def unlock(directory: Path) -> list[Path]:
    """Remove Snakemake's locks of every run in ``directory``; return them. The marks of unfinished files are kept."""
    locks = sorted([*directory.glob(".snakemake/locks/*.lock"), *directory.glob("runs/*/.snakemake/locks/*.lock")])
    for lock in locks:
        lock.unlink()
    return locks


def main(arguments: argparse.Namespace) -> None:
    """Cancel, wait, unlock."""
    directory = arguments.directory
    if not (directory / "Snakefile").is_file() and not (directory / ".snakemake").is_dir():
        raise UserError(f"{directory}: no Snakefile and no run here. Give the folder of the run as --directory.")
    alive = living(directory)
    if alive:
        raise UserError(
            f"Snakemake is at work in {directory} (process {', '.join(map(str, alive))}). Stop it with Ctrl-C, wait "
            "until it has cancelled its jobs, and clean only what is left."
        )
    jobs = leftovers(arguments.prefix, directory)
    for job in jobs:
        print(f"{job.number} {job.state.lower()} {job.name}")
    if arguments.dry_run:
        print(f"{len(jobs)} jobs of {directory.resolve()} would be cancelled")
        return
    if jobs:
        slurm("scancel", *[job.number for job in jobs])
    deadline = time.monotonic() + arguments.patience
    while left := leftovers(arguments.prefix, directory):
        if time.monotonic() > deadline:
            numbers = " ".join(job.number for job in left)
            raise UserError(
                f"after {arguments.patience:.0f} s jobs {numbers} are still there, and nothing was unlocked. Look at "
                f"`squeue -j {numbers.replace(' ', ',')}` and run this again."
            )
        time.sleep(1)
    locks = unlock(directory)
    print(f"{len(jobs)} jobs cancelled and gone, {len(locks)} locks removed; start Snakemake again", file=sys.stdout)


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--directory", type=Path, default=Path(), help="folder of the Snakefile or of one run")
    made.add_argument("--prefix", default=PREFIX, help="prefix of the jobs' names (SA_JOB_PREFIX)")
    made.add_argument("--patience", type=float, default=300, help="seconds to wait for cancelled jobs to end")
    made.add_argument("--dry-run", action="store_true", help="only list the jobs")
    return made


if __name__ == "__main__":
    cli.run(main, parser())
