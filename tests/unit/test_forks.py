"""Jobs as forks: a program cannot be told from one that an interpreter was started for, but by what is loaded."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from scaling_ambiguity import forks

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="Linux alone has descriptors of processes")
STATE = """
import json, os, sys
print(json.dumps({"words": sys.argv, "folder": os.getcwd(), "x": os.environ.get("X"), "name": __name__,
                  "descriptors": len(os.listdir("/proc/self/fd")) < 8}))
print("on the other stream", file=sys.stderr)
"""
ENDS = {
    "": 0,
    "import sys; sys.exit(7)": 7,
    "import sys; sys.exit('remedy')": 1,
    "raise ValueError('why')": 1,
    "import os, signal; os.kill(os.getpid(), signal.SIGKILL)": -signal.SIGKILL,
}
WAITING = """
import os, signal, sys, time
def end(number, frame):
    os.write(1, b"saved\\n")  # print may be at work
    os._exit(5)
signal.signal(signal.SIGTERM, end)
os.write(1, b"%d\\n" % os.getpid())
time.sleep(300)
"""


def runs(process):
    """Return whether a process runs: one that has ended may stay listed until its parent asks for its status."""
    stat = Path(f"/proc/{process}/stat")
    return stat.exists() and stat.read_text().rpartition(") ")[2].split()[0] not in "ZX"


def wait_until(holds):
    limit = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < limit
        time.sleep(0.05)


@pytest.fixture(scope="module")
def python():
    stand_in, held = forks.start(anywhere=True)
    yield stand_in
    os.close(held)
    wait_until(lambda: not stand_in.parent.exists())


@pytest.fixture
def program(tmp_path):
    """Return a function of a source: a program next to a library, as those of the workflow are."""
    (tmp_path / "a hoüse" / "scaling_ambiguity").mkdir(parents=True)

    def write(source: str) -> str:
        path = tmp_path / "a hoüse" / "program.py"
        path.write_text(source, encoding="utf-8")
        return str(path)

    return write


def call(python, words, folder, threads="1"):
    environment = os.environ | {"X": "ä b", "OMP_NUM_THREADS": threads}
    return subprocess.run([python, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_words_folder_environment_and_streams_are_those_of_the_command(python, program, tmp_path):
    words = [program(STATE), "--job", '{"a": "b c"}', "ö"]
    fork, started = call(python, words, tmp_path), call(sys.executable, words, tmp_path)
    assert (fork.stdout, fork.stderr, fork.returncode) == (started.stdout, started.stderr, 0)
    assert '"descriptors": true' in fork.stdout


@pytest.mark.parametrize("source", ENDS)
def test_status_is_that_of_the_program(python, program, tmp_path, source):
    result = call(python, [program(source)], tmp_path)
    assert result.returncode == ENDS[source]
    assert ("remedy" in result.stderr) == ("remedy" in source) and ("ValueError" in result.stderr) == ("why" in source)


@pytest.mark.parametrize("threads", ["1", "2"])
def test_more_threads_than_one_take_an_interpreter(python, program, tmp_path, threads):
    loaded = call(python, [program("import sys; print('pandas' in sys.modules)")], tmp_path, threads).stdout.strip()
    assert loaded == str(threads == "1")


def test_what_is_no_program_of_the_workflow_takes_an_interpreter(python, tmp_path):
    assert call(python, ["-c", "import sys; print('pandas' in sys.modules)"], tmp_path).stdout.strip() == "False"


def test_a_signal_reaches_the_program(python, program, tmp_path):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen([python, program(WAITING)], env=environment, stdout=subprocess.PIPE, text=True) as job:
        fork = int(job.stdout.readline())
        assert fork != job.pid
        job.send_signal(signal.SIGTERM)
        assert job.stdout.readline() == "saved\n" and job.wait(20) == 5


def test_a_signal_before_the_program_begins_is_not_lost(python, program):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    for delay in (0.0, 0.02, 0.04, 0.06, 0.1, 0.2):
        with subprocess.Popen([python, program(WAITING)], env=environment, stdout=subprocess.DEVNULL) as job:
            time.sleep(delay)
            job.send_signal(signal.SIGTERM)
            assert job.wait(20) in (5, -signal.SIGTERM)


def test_a_killed_job_leaves_no_fork(python, program, tmp_path):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen([python, program(WAITING)], env=environment, stdout=subprocess.PIPE, text=True) as job:
        fork = int(job.stdout.readline())
        job.kill()
    wait_until(lambda: not runs(fork))
    assert call(python, [program("")], tmp_path).returncode == 0  # the others go on


def test_a_job_whose_snakemake_was_killed_goes_on(program):
    stand_in, held = forks.start(anywhere=True)
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen([stand_in, program(WAITING)], env=environment, stdout=subprocess.PIPE, text=True) as job:
        job.stdout.readline()
        os.close(held)
        wait_until(lambda: not stand_in.parent.exists())
        job.send_signal(signal.SIGTERM)
        assert job.stdout.readline() == "saved\n" and job.wait(20) == 5


def test_jobs_run_at_the_same_time(python, program, tmp_path):
    source, environment = program("print(1, flush=True); input()"), os.environ | {"OMP_NUM_THREADS": "1"}
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    jobs = [subprocess.Popen([python, source], env=environment, text=True, **streams) for _ in range(3)]
    assert [job.stdout.readline() for job in jobs] == ["1\n"] * 3  # none of them has ended
    assert all(job.communicate("\n") and job.returncode == 0 for job in jobs)


def test_what_the_system_lacks_is_said_and_leaves_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr(os, "access", lambda path, mode: False)
        with pytest.raises(OSError, match="nothing be executed"):
            forks.start()
    (tmp_path / ("long" * 30)).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / ("long" * 30)))
    with pytest.raises(OSError, match="too long"):
        forks.start()
    assert not list(tmp_path.rglob("forks-*"))


def test_no_fork_outlives_the_process(program):
    stand_in, held = forks.start(anywhere=True)
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([stand_in, program(WAITING)], env=environment, **streams) as job:
        fork = int(job.stdout.readline())
        server = int(Path(f"/proc/{fork}/stat").read_text().split(") ")[1].split()[1])
        os.kill(server, signal.SIGTERM)  # of a time limit, which all processes get
        assert runs(fork)
        os.kill(server, signal.SIGKILL)
        wait_until(lambda: not runs(fork))
        assert job.wait(20) == 1 and "the process that forks jobs has ended" in job.stderr.read()
    # what comes later takes an interpreter
    assert call(stand_in, [program("import sys; print('pandas' in sys.modules)")], "/").stdout == "False\n"
    os.close(held)
    shutil.rmtree(stand_in.parent)


def test_a_request_that_no_socket_takes_runs_in_an_interpreter(python, program, tmp_path):
    words = [program("import sys; print(len(sys.argv), 'pandas' in sys.modules)"), *["x" * 100_000] * 10]
    assert call(python, words, tmp_path).stdout == "11 False\n"


def test_a_copy_of_the_workflow_runs_on_its_own_library(program, tmp_path):
    stand_in, held = forks.start()
    assert call(stand_in, [program("import sys; print('pandas' in sys.modules)")], tmp_path).stdout == "False\n"
    os.close(held)


def test_output_that_cannot_be_written_is_no_success(python, program):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    environment["OMP_NUM_THREADS"] = "1"
    with Path("/dev/full").open("w") as full:
        for interpreter in (python, sys.executable):
            result = subprocess.run([interpreter, program("print(1)")], env=environment, stdout=full, check=False)
            assert result.returncode == 120


def test_without_forks_it_is_said_and_snakemake_runs(tmp_path):
    command = [sys.executable, str(forks.SCRIPTS / "fork_jobs.py"), "--version"]
    environment = os.environ | {"TMPDIR": str(tmp_path / ("long" * 30))}
    Path(environment["TMPDIR"]).mkdir()
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0 and result.stdout.startswith("9.")
    assert "each job starts an interpreter (AF_UNIX path too long)" in result.stderr
