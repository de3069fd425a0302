"""The literal `snakemake --profile slurm all`, tiny preset, on a real Slurm: to the PDF, as asked, the same bytes."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from accounting import against_plan, in_print, usage
from checkout import TINY, Checkout
from cluster import Cluster
from submission import Submission, jobs_in

# Not the same bytes in two runs: Snakemake's stamps, and the seconds and versions of a training.
EXEMPT = ("results/report.zip", "results/run-name.txt", "*/run.json", ".snakemake_timestamp")
# The ALM of the preset fits a CPU; here its rules ask for a GPU all the same, to see where Slurm puts them. The GPUs of
# the tests are pretended: torch would not see one, so the look at the node is left out; the local run asks for none.
WITH_GPU = "alms: {tiny: {gpus: 1}}\n"
GPU_RULES = {"encode_audio", "annotate_shard", "finetune", "read_out_shard"}
LOCAL_RULES = {"all", "build_report"}


def minutes(text: str) -> int:
    """Return Slurm's [days-]hours:minutes:seconds in minutes."""
    days, _, clock = text.rpartition("-")
    hours, mins, _ = map(int, clock.split(":"))
    return int(days or 0) * 1440 + hours * 60 + mins


def differences(asked: dict, job: dict[str, str]) -> list[str]:
    """Return in what a job of Slurm is not what its rule asked for."""
    resources = asked["resources"]
    gpus = int(resources.get("gpu", 0))
    wanted = {
        "Partition": "gpu" if gpus else "cpu",
        "TresPerJob": f"gres:gpu:{gpus}" if gpus else "",
        "memory": f"{resources['mem_mb']}M",
        "minutes": int(resources["runtime"]),
        "NumCPUs": str(asked["threads"]),
        "JobState": "COMPLETED",
    }
    memory = re.search(r"mem=([^,]+)", job["TRES"])[1]
    memory = f"{int(float(memory[:-1]) * 1024)}M" if memory.endswith("G") else memory
    found = {"TresPerJob": "", **job, "memory": memory, "minutes": minutes(job["TimeLimit"])}
    return [
        f"{asked['rule']}: {key} is {found[key]}, asked {value}" for key, value in wanted.items() if found[key] != value
    ]


def check_accounting(cluster, log: str) -> int:
    """Compare every job of a run with what Slurm allocated; return how many were submitted."""
    asked, numbers = jobs_in(log)
    assert {entry["rule"] for entry in asked.values() if entry["local"]} == LOCAL_RULES
    assert set(numbers) == {key for key, entry in asked.items() if not entry["local"]}
    found = [line for key, number in numbers.items() for line in differences(asked[key], cluster.job(number))]
    assert not found, "\n".join(found)
    on_gpu = {asked[key]["rule"] for key, number in numbers.items() if cluster.job(number)["Partition"] == "gpu"}
    assert {re.sub(r"_seeds_.*", "", rule) for rule in on_gpu} == GPU_RULES
    return len(numbers)


def files(folder: Path) -> dict[str, bytes]:
    """Return every result of a run that is the same in two runs, and the text of the paper."""
    found = {}
    for path in sorted([*folder.glob("results/**/*"), *folder.glob("paper/**/*")]):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not any(path.match(pattern) for pattern in EXEMPT):
            found[name] = path.read_bytes()
    return found


def check_same_bytes(one: Path, other: Path) -> int:
    """Compare the results of two runs byte for byte; return how many files."""
    first, second = files(one), files(other)
    assert first and set(first) == set(second), sorted(set(first) ^ set(second))[:10]
    differing = [name for name in first if first[name] != second[name]]
    assert not differing, f"{len(differing)} of {len(first)} files differ: {differing[:10]}"
    return len(first)


def planned(root: Path, logs: Path | None = None) -> pd.DataFrame:
    """Return ``snakemake plan`` of an untouched checkout, with the benchmarks of a run if given."""
    place = Checkout.make(root)
    if logs:
        shutil.copytree(logs, root / "runs" / "tiny" / "logs")
    place.snakemake("-c1", "plan", *TINY)
    return pd.read_csv(root / "runs" / "tiny" / "results" / "plan.csv")


def check_plan(cluster: Cluster, log: str, before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Compare the plan with what Slurm counted; every job stayed in what it asked for."""
    asked, numbers = jobs_in(log)
    rules = {number: asked[key] for key, number in numbers.items()}
    used = usage(cluster.call)
    used = used[used["job"].isin(rules)]
    assert len(used) == len(rules)
    used = used.assign(
        rule=[re.sub(r"_seeds_.*", "", rules[number]["rule"]) for number in used["job"]],
        asked=[float(rules[number]["resources"]["mem_mb"]) for number in used["job"]],
    )
    assert (used["memory"] <= used["asked"]).all(), used[used["memory"] > used["asked"]]
    assert before["basis"].eq("limit").all()
    submitted = before.groupby("rule")["submitted"].sum()
    assert used.groupby("rule").size().to_dict() == submitted[submitted > 0].to_dict()
    table = against_plan(before, after, used)
    assert (table["used"] > 0).all() and (table["allocated"] <= table["limit"]).all()
    return table


@pytest.mark.slow
def test_tiny_preset_to_the_pdf_as_asked_and_with_the_bytes_of_a_local_run(accounted, tmp_path, fault, shown):
    cluster, before = accounted, planned(tmp_path / "planned")
    made = Checkout.make(tmp_path / "on slurm")
    (made.root / "gpu.yaml").write_text(WITH_GPU)
    run = Submission(cluster, made.root, (*TINY, "gpu.yaml")).start({"SA_CHECK_GPU": "off"})
    assert run.finish(1800) == 0, run.text()[-6000:]
    seconds = run.seconds()
    folder = made.root / "runs" / "tiny"
    assert (folder / "paper" / "main.pdf").read_bytes().startswith(b"%PDF")
    assert not (folder / "runs").exists(), "the folder of the run is entered once"
    jobs = check_accounting(cluster, run.text())
    if cluster.database:
        after = planned(tmp_path / "planned again", folder / "logs")
        table = check_plan(cluster, run.text(), before, after)
        shown("the plan against Slurm's accounting: CPU-seconds, MB", in_print(table))
    again = subprocess.run(
        [sys.executable, "-m", "snakemake", "-n", "all", *TINY, "gpu.yaml"],
        cwd=made.root,
        env=os.environ | {"SA_CHECK_GPU": "off"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "Nothing to be done" in again.stdout + again.stderr, "a local run finds nothing left to do"
    local = Checkout.make(tmp_path / "local")
    local.snakemake("-c2", "all", *TINY, timeout=1800)
    compared = check_same_bytes(folder, local.root / "runs" / "tiny")
    fault(f"none: the tiny preset, {jobs} jobs", f"PDF; {compared} files with the bytes of a local run", seconds)
