"""What can go wrong on a cluster, one fault a test: the right files or a clear failure, never a hang.

The profile is the project's own; the workflow is a small one, so that a fault can be timed.
"""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from submission import REPOSITORY, Submission, jobs_in

CLEAN = REPOSITORY / "workflow" / "scripts" / "cluster_clean.py"


def part(number: int) -> str:
    return "".join(f"part {number}, line {line}\n" for line in range(20000))


def check_files(folder: Path, parts: int = 6) -> None:
    """Every file is there and whole, and nothing temporary is left."""
    assert (folder / "joined.txt").read_text() == "".join(part(number) for number in range(parts))
    assert sorted(path.name for path in (folder / "parts").iterdir()) == [f"{number}.txt" for number in range(parts)]


def starts(folder: Path) -> list[list[str]]:
    """Part, steps found done, and visible GPUs of every start of the work."""
    path = folder / "attempts.txt"
    return [line.split(" ") for line in path.read_text().splitlines()] if path.exists() else []


def working(run: Submission) -> dict[str, str]:
    """Return the job of Slurm of a part whose work has begun."""

    def found() -> dict[str, str] | None:
        begun = {f"make_part_wildcards_{row[0]}" for row in starts(run.folder)}
        return next((job for name in begun if (job := run.cluster.running(name))), None)

    return run.wait_for(found, 120, "a running part")


def test_undisturbed_and_a_gpu_job_gets_its_gpu_and_partition(healed, tmp_path, fault):
    run = Submission.small(healed, tmp_path / "run", "--config", "gpus=1", "parts=3").start()
    assert run.finish(200) == 0, run.text()[-4000:]
    check_files(run.folder, 3)
    asked, numbers = jobs_in(run.text())
    for key, entry in asked.items():
        if not entry["local"]:
            job = healed.job(numbers[key])
            assert job["Partition"] == ("gpu" if entry["rule"] == "make_part" else "cpu")
            assert job.get("TresPerJob", "") == ("gres:gpu:1" if entry["rule"] == "make_part" else ""), job
    assert all(gpus in ("0", "1") for _, _, gpus in starts(run.folder)), "a GPU job sees its GPU"
    fault("none, three GPU jobs and one without", "finished", run.seconds())


@pytest.mark.slow
def test_cancelled_job_is_submitted_again(healed, tmp_path, fault):
    run = Submission.small(healed, tmp_path / "run").start()
    healed.call("scancel", working(run)["id"])
    assert run.finish(240) == 0, run.text()[-4000:]
    check_files(run.folder)
    assert len(starts(run.folder)) == 7, "six parts and one repeated"
    fault("one job cancelled (scancel)", "submitted again, finished", run.seconds())


@pytest.mark.slow
def test_drained_node_gets_no_new_job(healed, tmp_path, fault):
    run = Submission.small(healed, tmp_path / "run", "--config", "parts=9").start()
    node = working(run)["node"]
    healed.call("scontrol", "update", f"NodeName={node}", "State=DRAIN", "Reason=test")
    before = {job["id"] for job in healed.queue() if job["node"] == node}
    assert run.finish(240) == 0, run.text()[-4000:]
    check_files(run.folder, 9)
    _, numbers = jobs_in(run.text())
    assert {n for n in numbers.values() if healed.job(n)["NodeList"] == node} <= before
    fault("a node drained", "its jobs ended there, the others ran elsewhere, finished", run.seconds())


@pytest.mark.slow
def test_controller_down_for_thirty_seconds(healed, tmp_path, fault):
    run = Submission.small(healed, tmp_path / "run", "--config", "steps=15").start()
    working(run)
    healed.stop_controller()
    time.sleep(30)
    healed.start_controller()
    assert run.finish(300) == 0, run.text()[-4000:]
    check_files(run.folder)
    fault("slurmctld down for 30 s", "waited, finished", run.seconds())


def test_impossible_request_fails_fast_and_is_named(healed, tmp_path, fault):
    run = Submission.small(healed, tmp_path / "run", "--config", "memory=900000", "parts=1").start()
    assert run.finish(60) != 0
    assert "Traceback" not in run.text()
    assert "make_part" in run.text() and "sbatch: error" in run.text(), run.text()[-3000:]
    assert not healed.queue() and not starts(run.folder)
    fault("more memory than any node has", "refused by sbatch, named, no job waits", run.seconds())


@pytest.mark.slow
def test_snakemake_killed_cleaned_and_started_again(healed, tmp_path, fault):
    run = Submission.small(healed, tmp_path / "run", "--config", "steps=20").start()
    working(run)
    stranger = healed.call("sbatch", "--parsable", "-J", "scaling_ambiguity_other", "-D", "/", "--wrap", "sleep 60")
    command = [sys.executable, str(CLEAN), "--directory", str(run.folder)]
    refused = subprocess.run(command, env=healed.environment, capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode == 1 and "Snakemake is at work" in refused.stderr, "a living run is left alone"
    run.kill()
    assert healed.running("make_part"), "the jobs of a killed Snakemake go on"
    cleaned = subprocess.run(command, env=healed.environment, capture_output=True, text=True, timeout=120, check=False)
    assert cleaned.returncode == 0, cleaned.stdout + cleaned.stderr
    left = healed.queue()
    assert [job["id"] for job in left] == [stranger.strip()], "all of this run's are gone, another's is not"
    healed.call("scancel", stranger.strip())
    done = {path.name: int(path.read_text()) for path in (run.folder / "state").glob("[0-9]")}
    begun = len(starts(run.folder))
    seconds = run.seconds()
    run.start()
    assert run.finish(240) == 0, run.text()[-4000:]
    check_files(run.folder)
    resumed = {name: int(steps) for name, steps, _ in starts(run.folder)[begun:]}
    assert all(resumed[name] == steps for name, steps in done.items() if name in resumed), "kept state is used"
    fault(
        "Snakemake killed -9, cluster_clean, started again", "no job twice, resumed, finished", seconds + run.seconds()
    )


@pytest.mark.slow
def test_job_over_its_time_limit_resumes(healed, tmp_path, fault):
    run = Submission.small(healed, tmp_path / "run", "--config", "parts=1", "steps=80", "minutes=1").start()
    assert run.finish(420) == 0, run.text()[-4000:]
    check_files(run.folder, 1)
    rows = starts(run.folder)
    assert len(rows) >= 2 and int(rows[1][1]) > 30, f"the second start resumes: {rows}"
    fault("a job over its time limit of 1 minute, work of 80 s", "ended by Slurm, resumed, finished", run.seconds())


@pytest.mark.slow
def test_requeued_job_runs_again(healed, tmp_path, fault):
    run = Submission.small(healed, tmp_path / "run", "--config", "parts=2", "steps=10").start()
    number = working(run)["id"]
    healed.call("scontrol", "requeue", number)
    assert run.finish(420) == 0, run.text()[-4000:]
    check_files(run.folder, 2)
    assert healed.job(number)["Restarts"] == "1"
    fault("a job requeued (scontrol requeue, as preemption does)", "waited 2 min (Slurm's), finished", run.seconds())


@pytest.mark.slow
def test_killed_node_daemon(healed, tmp_path, fault):
    """The orphaned work on the lost node may still write: the file is whole all the same."""
    run = Submission.small(healed, tmp_path / "run", "--config", "parts=3", "steps=60").start()
    job = working(run)
    healed.kill_node(job["node"])
    assert run.finish(540) == 0, run.text()[-4000:]
    check_files(run.folder, 3)
    fault("slurmd killed -9 under its job", "node down, requeued by Slurm, finished", run.seconds())


def test_two_copies_of_a_job_leave_a_whole_file(healed, tmp_path, fault):
    """Both copies write the same output; whoever looks at any moment sees none or a whole one."""
    work = Path(__file__).parent / "small" / "work.py"
    begun = time.monotonic()
    for _ in range(2):
        healed.call(
            "sbatch",
            "-D",
            str(tmp_path),
            f"--export=ALL,SA_TEST_LIBRARY={REPOSITORY / 'workflow' / 'scripts'}",
            "--wrap",
            f"for i in 1 2 3 4 5 6; do {sys.executable} {work} --part 0 --steps 0 --output out/0.txt; done",
        )
    seen = 0
    deadline = time.monotonic() + 90
    while healed.queue() and time.monotonic() < deadline:
        if (tmp_path / "out" / "0.txt").exists():
            assert (tmp_path / "out" / "0.txt").read_text() == part(0)
            seen += 1
    assert seen and [path.name for path in (tmp_path / "out").iterdir()] == ["0.txt"]
    fault("two copies of one job write one file", f"whole in each of {seen} looks", time.monotonic() - begun)
