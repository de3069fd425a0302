"""A server is started when it is needed, and nothing of it is left, whoever is killed."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scaling_ambiguity.alms.processes import descendants, listens, started
from scaling_ambiguity.alms.serving import answers, free_port, program_of, read_recipe
from scaling_ambiguity.errors import UserError

HERE = Path(__file__).resolve().parent
PROGRAM = HERE.parents[2] / "workflow" / "scripts" / "serve_alm.py"
# An owner that does nothing but start a keeper, as a job does.
OWNER = """
import os, subprocess, sys, time
keeper = subprocess.Popen([sys.executable, *sys.argv[1:], "--owner", str(os.getpid())], start_new_session=True)
print(keeper.pid, flush=True)
time.sleep(600)
"""


def wait_for(condition, seconds=30.0):
    limit = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < limit, "not in time"
        time.sleep(0.05)
    return found


def entry(folder, *more, **serve):
    command = shlex.join([sys.executable, str(HERE / "breeding_server.py"), "{port}", str(folder / "pids"), *more])
    return {"engine": "openai", "gpus": 0, "checkpoint": "c", "serve": {"command": command, **serve}}


@pytest.fixture
def family(tmp_path):
    """Start owner, keeper, guard and a server with two more processes; end them whatever happens."""
    alm = entry(tmp_path, stop_timeout_s=1)
    arguments = ["--alm", json.dumps(alm), "--address", str(tmp_path / "address.json")]
    with (tmp_path / "log").open("w") as log:
        owner = subprocess.Popen(
            [sys.executable, "-c", OWNER, str(PROGRAM), *arguments], stdout=subprocess.PIPE, stderr=log, text=True
        )
    keeper = int(owner.stdout.readline())
    wait_for((tmp_path / "address.json").exists)
    served = json.loads((tmp_path / "address.json").read_text())
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    (guard,) = {pid for pid in descendants(keeper) if pid not in pids}
    found = {"owner": owner.pid, "keeper": keeper, "guard": guard, "server": pids[0]}
    yield found, pids, served
    for pid in [*found.values(), *pids]:
        if started(pid) is not None:
            os.kill(pid, signal.SIGKILL)
    owner.wait()
    owner.stdout.close()


def test_the_address_is_written_when_the_server_answers(family, tmp_path):
    _, pids, served = family
    assert served["pid"] == pids[0] and len({*pids}) == 3
    assert answers(served["port"], "/health") and not answers(served["port"], "/other")
    assert listens(served["port"], {pids[0]}) and not listens(served["port"], {os.getpid()})
    assert started(pids[2]) and descendants(family[0]["guard"]) >= {*pids}, "the detached one has a new parent"


@pytest.mark.parametrize(
    ("number", "whom"),
    [
        (signal.SIGTERM, ["keeper"]),
        (signal.SIGINT, ["keeper"]),
        (signal.SIGTERM, ["owner"]),
        (signal.SIGKILL, ["owner"]),
        (signal.SIGKILL, ["keeper"]),
        (signal.SIGKILL, ["guard"]),
        (signal.SIGKILL, ["server"]),
        (signal.SIGKILL, ["owner", "keeper"]),
        (signal.SIGKILL, ["owner", "guard"]),
    ],
)
def test_nothing_is_left_whoever_is_killed(family, number, whom):
    found, pids, _ = family
    assert all(started(pid) for pid in pids)
    for name in whom:
        os.kill(found[name], number)
    below = [found["keeper"], found["guard"], *pids]
    wait_for(lambda: not [pid for pid in below if started(pid) is not None])
    assert (started(found["owner"]) is not None) == ("owner" not in whom)


def run(alm, folder):
    command = [sys.executable, str(PROGRAM), "--alm", json.dumps(alm), "--address", str(folder / "address.json")]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("more", "serve", "words"),
    [
        (["dies"], {}, ["no model in this folder", "ended with status 1 before it answered"]),
        ([], {"health": "/other", "start_timeout_s": 1.5}, ["/other: no answer in 1.5 s", "serve.start_timeout_s"]),
    ],
)
def test_a_server_that_does_not_come_up_is_reported_and_gone(tmp_path, more, serve, words):
    result = run(entry(tmp_path, *more, stop_timeout_s=0.5, **serve), tmp_path)
    assert result.returncode == 1 and not (tmp_path / "address.json").exists()
    told = result.stdout + result.stderr
    assert not [word for word in words if word not in told] and "Traceback" not in told
    if (tmp_path / "pids").exists():
        assert not [pid for pid in map(int, (tmp_path / "pids").read_text().split()) if started(pid)]


def test_a_program_that_is_not_there_is_named(tmp_path):
    result = run({"checkpoint": "c", "serve": {"command": "no_such_server --port {port}"}}, tmp_path)
    assert result.returncode == 1 and "no_such_server: no such program" in result.stderr


def test_the_command_is_filled_in_word_by_word_and_no_shell_sees_it():
    alm = {"checkpoint": "/models/a b; rm -rf x", "revision": "r1", "serve": {}}
    alm["serve"]["command"] = "serve '{checkpoint}' --rev={revision} --port {port} --host {host} --json '{{}}' $HOME"
    recipe = read_recipe(alm)
    command = [
        "serve",
        "/models/a b; rm -rf x",
        "--rev=r1",
        "--port",
        "80",
        "--host",
        "127.0.0.1",
        "--json",
        "{}",
        "$HOME",
    ]
    assert recipe.command(80) == command and program_of(recipe) is None
    assert (recipe.health, recipe.start_timeout_s) == ("/health", 1800)


@pytest.mark.parametrize(
    ("serve", "words"),
    [
        ({}, "needs `command`"),
        ({"command": "x {port}", "helth": "/"}, "knows"),
        ({"command": "x --port 80"}, r"has to hold \{port\}"),
        ({"command": "x {port} {model_path}"}, "model_path"),
        ({"command": "x {port} {revision}"}, "revision"),
        ({"command": "x '{port}"}, "cut into words"),
        ({"command": "x {port} --api-key sk-1"}, "list of processes"),
        ({"command": "x {port} --api-key=sk-1"}, "list of processes"),
    ],
)
def test_a_recipe_that_cannot_be_followed_is_refused(serve, words):
    with pytest.raises(UserError, match=words) as caught:
        read_recipe({"checkpoint": "c", "serve": serve})
    assert "sk-1" not in str(caught.value)


def test_a_port_is_the_systems_choice():
    assert len({free_port() for _ in range(20)}) > 1 and all(1024 <= free_port() < 65536 for _ in range(5))
