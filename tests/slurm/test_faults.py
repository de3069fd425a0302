"""What can go wrong on a cluster, one fault a test: the right files or a clear failure, never a hang.

The profile is the project's own; the workflow is a small one, so that a fault can be timed.
"""

import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from daemons import wait_until
from submission import REPOSITORY, Submission, jobs_in

pytestmark = pytest.mark.ci

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
def test_a_signal_before_the_limit_saves_the_state_and_the_same_job_goes_on(healed, tmp_path, fault):
    """Nothing but the signal makes this work keep its state."""
    words = ("parts=1", "steps=130", "minutes=2", "signal=15", "keep=asked")
    run = Submission.small(healed, tmp_path / "run", "--config", *words).start()
    assert run.finish(590) == 0, run.text()[-4000:]
    check_files(run.folder, 1)
    rows = [int(done) for _, done, _ in starts(run.folder)]
    assert rows[0] == 0 and len(rows) >= 2 and rows == sorted(set(rows)), f"each start goes on where one ended: {rows}"
    _, numbers = jobs_in(run.text())
    submitted = run.text().count("has been submitted with SLURM jobid")
    assert submitted == 2 and len(numbers) == 2, "no retry of Snakemake was spent"
    restarts = [int(healed.job(number)["Restarts"]) for number in numbers.values()]
    assert sorted(restarts) == [0, len(rows) - 1]
    outcome = f"state saved at the signal, the same job queued again {len(rows) - 1} times, finished"
    fault("a job of 130 s under a limit of 2 minutes, a signal 15 s before", outcome, run.seconds())


@pytest.mark.slow
def test_preempted_by_a_more_urgent_job(healed, tmp_path, fault):
    words = ("parts=1", "steps=40", "partition=spare", "keep=asked", "memory=8000")
    run = Submission.small(healed, tmp_path / "run", "--config", *words).start()
    job = working(run)
    time.sleep(5)
    urgent = ("--parsable", "-p", "urgent", "-w", job["node"], "-D", "/", "-o", "/dev/null", "--mem=8000")
    number = healed.call("sbatch", *urgent, "--wrap", "sleep 20").strip()
    run.wait_for(lambda: healed.job(number)["JobState"] == "RUNNING", 60, "the urgent job")
    assert run.finish(540) == 0, run.text()[-4000:]
    check_files(run.folder, 1)
    rows = [int(done) for _, done, _ in starts(run.folder)]
    assert len(rows) == 2 and rows[1] >= 4, f"the state was saved in the time of grace: {rows}"
    assert healed.job(job["id"])["Restarts"] == "1" and "SLURM jobid" in run.text()
    assert run.text().count("has been submitted with SLURM jobid") == 2, "no retry of Snakemake was spent"
    fault("preempted by a job of a partition with precedence", "state saved, waited 2 min, finished", run.seconds())


@pytest.mark.slow
def test_interrupted_driver_leaves_nothing_in_the_queue(healed, tmp_path, fault):
    """Cancelled jobs save their state too, and do not queue themselves again."""
    run = Submission.small(healed, tmp_path / "run", "--config", "parts=3", "steps=60", "keep=asked").start()
    working(run)
    time.sleep(5)
    begun = time.monotonic()
    run.process.send_signal(signal.SIGINT)
    assert run.finish(200) != 0
    wait_until(lambda: not healed.queue(), 30, "jobs are left in the queue")
    seconds = time.monotonic() - begun
    time.sleep(5)
    assert not healed.queue(), "and none comes back"
    numbers = jobs_in(run.text())[1].values()
    assert {healed.job(number)["JobState"] for number in numbers} == {"CANCELLED"}
    assert list((run.folder / "state").glob("[0-9]")), "what was cancelled saved its state"
    fault("Ctrl-C", "jobs cancelled, none comes back", seconds)


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
    program = shlex.join([sys.executable, str(Path(__file__).parent / "small" / "work.py")])
    begun = time.monotonic()
    for _ in range(2):
        healed.call(
            "sbatch",
            "-D",
            str(tmp_path),
            f"--export=ALL,SA_TEST_LIBRARY={REPOSITORY / 'workflow' / 'scripts'}",
            "--wrap",
            f"for i in 1 2 3 4 5 6; do {program} --part 0 --steps 0 --output out/0.txt; done",
        )
    seen = 0
    deadline = time.monotonic() + 90
    while healed.queue() and time.monotonic() < deadline:
        if (tmp_path / "out" / "0.txt").exists():
            assert (tmp_path / "out" / "0.txt").read_text() == part(0)
            seen += 1
    assert seen and [path.name for path in (tmp_path / "out").iterdir()] == ["0.txt"]
    fault("two copies of one job write one file", f"whole in each of {seen} looks", time.monotonic() - begun)
