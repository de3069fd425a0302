"""The jobs of a dry run of Snakemake, parsed from its output."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from scaling_ambiguity.errors import UserError

_START = re.compile(r"(?:local)?(?:rule|checkpoint) (\w+):$")
_FIELD = re.compile(r"    (\w+): (.*)$")
# Suffix of the name of a file that is stored elsewhere, or is temporary.
_REMARK = re.compile(r" \([^()]*\)$")


@dataclass
class Planned:
    """A job that would be run.

    Attributes:
        rule: Its rule.
        inputs: Files that it reads.
        outputs: Files that it makes.
        benchmark: Where its time and memory would be noted; empty for a target without work.
        wildcards: Wildcards of its rule.
        threads: Processors.
        resources: As requested; those that depend on files not yet present are left out.
    """

    rule: str
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    benchmark: str = ""
    wildcards: dict[str, str] = field(default_factory=dict)
    threads: int = 1
    resources: dict[str, float] = field(default_factory=dict)


def read_dry_run(text: str) -> list[Planned]:
    """Return the jobs that ``snakemake --dry-run`` printed, targets without work included, in its order.

    Raises:
        UserError: The counts that Snakemake prints at its end do not match: its output has another format.
    """
    jobs: list[Planned] = []
    for line in text.splitlines():
        if start := _START.match(line):
            jobs.append(Planned(start[1]))
        elif jobs and (counts := _FIELD.match(line)):
            _take(jobs[-1], counts[1], counts[2])
    told = re.search(r"^total +(\d+)$", text, flags=re.MULTILINE)
    if int(told[1] if told else 0) != len(jobs):
        raise UserError(
            f"the dry run tells of {told[1] if told else 'no'} jobs and prints {len(jobs)}: this version of Snakemake "
            "prints in another way. Use the one of requirements.txt."
        )
    return jobs


def _take(job: Planned, key: str, value: str) -> None:
    if key in ("input", "output"):
        setattr(job, f"{key}s", tuple(_REMARK.sub("", name) for name in value.split(", ")))
    elif key == "benchmark":
        job.benchmark = value
    elif key == "threads":
        job.threads = int(value)
    elif key == "wildcards":
        job.wildcards = dict(pair.split("=", 1) for pair in value.split(", "))
    elif key == "resources":
        pairs = (pair.partition("=") for pair in value.split(", "))
        job.resources = {name: float(number) for name, _, number in pairs if re.fullmatch(r"\d+(\.\d+)?", number)}


def levels(jobs: list[Planned]) -> list[int]:
    """Return for each job its level: 0 if it waits for no other, else one more than the highest it waits for.

    A file below a folder that a job makes comes from that job.
    """
    maker = {output: place for place, job in enumerate(jobs) for output in job.outputs}
    waits = [{m for name in job.inputs if (m := _maker(name, maker)) not in (None, p)} for p, job in enumerate(jobs)]
    counts: dict[int, int] = {}
    while len(counts) < len(jobs):
        ready = [place for place in range(len(jobs)) if place not in counts and waits[place] <= counts.keys()]
        if not ready:
            raise UserError("the dry run prints jobs that wait for each other.")
        counts |= {place: 1 + max((counts[other] for other in waits[place]), default=-1) for place in ready}
    return [counts[place] for place in range(len(jobs))]


def _maker(name: str, maker: dict[str, int]) -> int | None:
    candidates = (name, *map(str, Path(name).parents))
    return next((maker[candidate] for candidate in candidates if candidate in maker), None)


def stages(rule_files: Iterable[str | Path]) -> dict[str, str]:
    """Return rule -> stage, the name of the file that defines it; a rule made in a loop is matched by its prefix."""
    named = re.compile(r"^ *(?:rule|checkpoint) (\w+):|^ +f\"(\w+)_\{\w+\}\"", flags=re.MULTILINE)
    return {
        rule or start: Path(path).stem
        for path in rule_files
        for rule, start in named.findall(Path(path).read_text(encoding="utf-8"))
    }


def local_rules(workflow_files: Iterable[str | Path]) -> set[str]:
    """Return the rules that run where Snakemake does, also on a cluster; a dry run does not mark them."""
    listed = re.compile(r"^localrules:\n((?: +\w+,?\n)+)", flags=re.MULTILINE)
    blocks = (block for path in workflow_files for block in listed.findall(Path(path).read_text(encoding="utf-8")))
    return {name for block in blocks for name in re.findall(r"\w+", block)}
