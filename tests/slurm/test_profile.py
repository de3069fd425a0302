"""The profile says what its variables say, from the environment or the site's file. Needs no Slurm."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yte

PROFILE = Path(__file__).resolve().parents[2] / "slurm" / "config.yaml"
TEXT = PROFILE.read_text()
OWN = {"SA_SCONTROL", "SA_SRUN", "SA_SLURM_CONF", "SA_KEPT_CONFIG"}  # set by the profile for its wrappers
READ_BY_RULES = ("SA_GPU_PARTITION", "SA_GPU_TYPE", "SA_CHECK_GPU", "SA_SIGNAL_SECONDS")
VARIABLES = sorted(set(re.findall(r"\bSA_[A-Z_]+", TEXT)) - OWN)


def rendered(monkeypatch, folder: Path, **variables: str) -> dict:
    """Return the profile as Snakemake reads it, with these variables alone; the test's environment comes back."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("SA_")}
    monkeypatch.chdir(folder)
    monkeypatch.setattr(os, "environ", kept | variables)
    return yte.process_yaml(TEXT, require_use_yte=True)


def test_every_variable_is_explained_in_the_head_and_used():
    head, _, body = TEXT.partition("__use_yte__")
    for name in VARIABLES:
        assert name in head and (name in body or name in READ_BY_RULES), name


def test_without_any_variable_the_cluster_decides(monkeypatch, tmp_path):
    profile = rendered(monkeypatch, tmp_path, PATH="")
    assert profile["executor"] == "slurm" and profile["jobs"] == 100
    assert profile["default-resources"] == {"mem_mb": 2000, "runtime": 30}
    assert "software-deployment-method" not in profile and "conda-prefix" not in profile
    # What keeps a run from hanging.
    assert profile["slurm-status-command"] == "squeue" and profile["slurm-requeue"] is True
    assert profile["slurm-status-attempts"] >= 10000


@pytest.mark.parametrize(
    ("variable", "value", "path", "expected"),
    [
        ("SA_PARTITION", "short", ("default-resources", "slurm_partition"), "short"),
        ("SA_ACCOUNT", "lab", ("default-resources", "slurm_account"), "lab"),
        ("SA_SCRATCH", "/scratch", ("default-resources", "tmpdir"), "/scratch"),
        ("SA_JOBS", "7", ("jobs",), 7),
        ("SA_STATUS_SECONDS", "5", ("slurm-init-seconds-before-status-checks",), 5),
        ("SA_LATENCY_SECONDS", "9", ("latency-wait",), 9),
        ("SA_JOB_PREFIX", "mine", ("slurm-jobname-prefix",), "mine"),
    ],
)
def test_a_variable_sets_its_key_by_environment_or_file(monkeypatch, tmp_path, variable, value, path, expected):
    def at(profile):
        for key in path:
            profile = profile[key]
        return profile

    with monkeypatch.context() as patch:
        assert at(rendered(patch, tmp_path, **{variable: value})) == expected
    (tmp_path / "slurm").mkdir()
    (tmp_path / "slurm" / "site.yaml").write_text(f"{variable}: {value}\n")
    with monkeypatch.context() as patch:
        assert at(rendered(patch, tmp_path)) == expected
    other = "8" if isinstance(expected, int) else "other"
    with monkeypatch.context() as patch:
        assert str(at(rendered(patch, tmp_path, **{variable: other}))) == other, "the environment wins"


def test_conda_where_it_is_unless_switched_off(monkeypatch, tmp_path):
    conda = tmp_path / "conda"
    conda.write_text("#!/bin/sh\n")
    conda.chmod(0o755)
    with monkeypatch.context() as patch:
        profile = rendered(patch, tmp_path, PATH=str(tmp_path), SA_CONDA_PREFIX="/shared/envs")
    assert profile["software-deployment-method"] == ["conda"] and profile["conda-prefix"] == "/shared/envs"
    with monkeypatch.context() as patch:
        assert "software-deployment-method" not in rendered(patch, tmp_path, PATH=str(tmp_path), SA_CONDA="off")


def test_jobs_send_nothing_to_the_hub_unless_told_to(monkeypatch, tmp_path):
    for told, expected in (("", "1"), ("0", "0")):
        with monkeypatch.context() as patch:
            patch.delenv("HF_HUB_OFFLINE", raising=False)
            rendered(patch, tmp_path, **({"HF_HUB_OFFLINE": told} if told else {}))
            assert os.environ["HF_HUB_OFFLINE"] == expected


def test_gpu_names_in_the_file_reach_the_rules_through_the_environment(monkeypatch, tmp_path):
    (tmp_path / "mine.yaml").write_text("SA_GPU_PARTITION: a100\nSA_GPU_TYPE: a100\n")
    rendered(monkeypatch, tmp_path, SA_SITE="mine.yaml")
    assert os.environ["SA_GPU_PARTITION"] == "a100" and os.environ["SA_GPU_TYPE"] == "a100"


def programs(folder: Path, answer: str) -> Path:
    """Make a scontrol and an srun that print ``answer`` and SLURM_CONF; without an answer scontrol fails."""
    folder.mkdir(exist_ok=True)
    lines = {"scontrol": f"echo '{answer}'" if answer else "exit 1", "srun": 'echo "$SLURM_CONF"'}
    for name, line in lines.items():
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)
    return folder


def test_the_wrappers_keep_the_last_answer_and_the_place_of_the_cluster(monkeypatch, tmp_path):
    def call(*words: str) -> str:
        environment = {key: value for key, value in os.environ.items() if key != "SLURM_CONF"}
        done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=20, check=False)
        return done.stdout.strip()

    theirs = programs(tmp_path / "theirs", "MinJobAge = 300 sec")
    path = f"{theirs}{os.pathsep}/usr/bin{os.pathsep}/bin"
    ours = shutil.copytree(PROFILE.parent, tmp_path / "run" / "slurm") / "bin"
    rendered(monkeypatch, tmp_path / "run", PATH=path, SLURM_CONF="/etc/here.conf")
    assert os.environ["PATH"].split(os.pathsep)[0] == str(ours)
    scontrol, srun = (str(ours / name) for name in ("scontrol", "srun"))
    assert call(scontrol, "show", "config") == "MinJobAge = 300 sec"
    assert call(srun) == "/etc/here.conf"
    programs(theirs, "")
    assert call(scontrol, "show", "config") == "MinJobAge = 300 sec", "the controller is away"
    assert call(scontrol, "show", "job") == ""


@pytest.mark.parametrize(
    ("stopped", "status", "state", "requeued"),
    [
        (True, 1, "RUNNING", True),
        (True, 1, "COMPLETING", False),  # Slurm is ending the job: cancelled, preempted, out of time
        (True, 0, "RUNNING", False),  # it finished all the same
        (False, 1, "RUNNING", False),  # a plain failure
    ],
)
def test_only_work_that_was_stopped_on_request_goes_back_into_the_queue(tmp_path, stopped, status, state, requeued):
    """What the wrapper of srun calls, with programs in Slurm's place that note it."""
    mark = 'touch "$SA_STOPPED"' if stopped else ":"
    lines = {
        "srun": f"{mark}; exit {status}",
        "squeue": f"echo {state}",
        "scontrol": f'echo "$@" >> {tmp_path}/told',
        "sleep": ":",
    }
    for name, line in lines.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin",
        "SA_SRUN": str(tmp_path / "srun"),
        "SA_SCONTROL": str(tmp_path / "scontrol"),
        "SA_KEPT_CONFIG": str(tmp_path / "kept" / "slurm-config.txt"),
        "SLURM_JOB_ID": "17",
    }
    srun = PROFILE.parent / "bin" / "srun"
    done = subprocess.run([str(srun), "true"], env=environment, capture_output=True, timeout=20, check=False)
    assert done.returncode == status
    told = (tmp_path / "told").read_text() if (tmp_path / "told").exists() else ""
    assert told == ("requeue 17\n" if requeued else "")
    assert not (tmp_path / "kept" / "stopped-17").exists(), "the mark is taken away"
