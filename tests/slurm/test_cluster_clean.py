"""Whose jobs are cancelled, what is unlocked, and what is said where it cannot be done. Needs no Slurm."""

import subprocess
import sys
from pathlib import Path

import pytest
from checkout import REPOSITORY
from cluster_clean import QueuedJob, belongs, living, parse_queue, unlock

SCRIPT = REPOSITORY / "workflow" / "scripts" / "cluster_clean.py"


def test_the_queue_is_read_with_folders_that_hold_the_separator():
    listed = "12|RUNNING|scaling_ambiguity_ab|/home/me/a|b\n13_4|PENDING|other|/tmp\n\n"
    assert parse_queue(listed) == [
        QueuedJob("12", "scaling_ambiguity_ab", "RUNNING", Path("/home/me/a|b")),
        QueuedJob("13_4", "other", "PENDING", Path("/tmp")),
    ]


@pytest.mark.parametrize(
    ("name", "folder", "expected"),
    [
        ("scaling_ambiguity_1", "run", True),
        ("scaling_ambiguity_1", "run/runs/tiny", True),
        ("scaling_ambiguity_1", "run2", False),
        ("scaling_ambiguity_1", ".", False),
        ("scaling_ambiguity", "run", False),
        ("scaling_ambiguityx_1", "run", False),
        ("mine", "run", False),
    ],
)
def test_only_jobs_of_this_run_belong(tmp_path, name, folder, expected):
    job = QueuedJob("1", name, "RUNNING", tmp_path / folder)
    assert belongs(job, "scaling_ambiguity", tmp_path / "run") is expected


def test_locks_go_and_marks_of_unfinished_files_stay(tmp_path):
    for folder in (tmp_path, tmp_path / "runs" / "tiny"):
        for name in ("locks/0.input.lock", "locks/0.output.lock", "incomplete/bWFyaw=="):
            path = folder / ".snakemake" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    assert len(unlock(tmp_path)) == 4
    assert not list(tmp_path.rglob("*.lock"))
    assert len(list(tmp_path.rglob("bWFyaw=="))) == 2
    assert unlock(tmp_path) == []


def test_nobody_is_at_work_in_an_empty_folder(tmp_path):
    assert living(tmp_path) == []


def clean(folder: Path, path: str) -> subprocess.CompletedProcess:
    command = [sys.executable, str(SCRIPT), "--directory", str(folder)]
    return subprocess.run(command, env={"PATH": path}, capture_output=True, text=True, timeout=60, check=False)


def test_without_slurm_or_in_a_wrong_folder_it_says_what_to_do(tmp_path):
    wrong = clean(tmp_path, "")
    assert wrong.returncode == 1 and "no Snakefile and no run here" in wrong.stderr
    (tmp_path / "Snakefile").touch()
    absent = clean(tmp_path, "")
    assert absent.returncode == 1 and "squeue is not on PATH" in absent.stderr
    assert "Traceback" not in wrong.stderr + absent.stderr


def test_a_controller_that_does_not_answer_is_named_and_nothing_is_unlocked(tmp_path):
    (tmp_path / "Snakefile").touch()
    lock = tmp_path / ".snakemake" / "locks" / "0.output.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    program = tmp_path / "bin" / "squeue"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho 'slurm_load_jobs error: Unable to contact slurm controller' >&2\nexit 1\n")
    program.chmod(0o755)
    result = clean(tmp_path, str(program.parent))
    assert result.returncode == 1 and "Unable to contact slurm controller" in result.stderr
    assert "scontrol ping" in result.stderr and lock.exists()
