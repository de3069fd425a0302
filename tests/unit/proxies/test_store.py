import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies.requests import Request, identity
from scaling_ambiguity.proxies.store import AnswerStore

SCRIPTS = Path(__file__).resolve().parents[3] / "workflow" / "scripts"


def requests(*names):
    return [Request("m", "r", name, "a", 0.2, 42, 0) for name in names]


def record(name, response="happy", at=1.0):
    (request,) = requests(name)
    return {"response": response, **identity(request), "time": at, "status": "answered", "tokens": 1}


def keys(*names):
    return [request.key for request in requests(*names)]


def responses(folder, *names):
    found = AnswerStore(folder).find(requests(*names))
    return {name: found[key]["response"] for name, key in zip(names, keys(*names), strict=True) if key in found}


def test_what_is_added_is_read_by_request(tmp_path):
    store = AnswerStore(tmp_path / "store")
    assert store.find(requests("a")) == {}
    store.append([record("a"), record("b", "sad\n\u2028{")])
    store.append([])
    assert responses(tmp_path / "store", "b", "c") == {"b": "sad\n\u2028{"}
    store.close()


@pytest.mark.parametrize("cut", [1, 5, 60, 90])
def test_a_torn_last_line_counts_as_never_answered(tmp_path, cut):
    store = AnswerStore(tmp_path)
    store.append([record("a"), record("b")])
    store.close()
    (path,) = tmp_path.glob("*.jsonl")
    path.write_bytes(path.read_bytes()[:-cut])
    again = AnswerStore(tmp_path)
    assert responses(tmp_path, "a", "b") == {"a": "happy"}
    again.append([record("b", "sad")])
    again.close()
    assert responses(tmp_path, "a", "b") == {"a": "happy", "b": "sad"}


def test_a_damaged_line_elsewhere_is_named(tmp_path):
    store = AnswerStore(tmp_path)
    store.append([record("a"), record("b")])
    store.close()
    (path,) = tmp_path.glob("*.jsonl")
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("nonsense\n" + lines[1])
    with pytest.raises(UserError, match="line 1"):
        responses(tmp_path, "b")
    for damaged in (lines[0][:100], lines[0][:200], '{"key": "7"}'):
        path.write_text(damaged + "\n" + lines[1])
        with pytest.raises(UserError, match="line 1: damaged"):
            responses(tmp_path, "a")


def test_of_two_answers_the_first_stands(tmp_path):
    for at, response in ((2.0, "sad"), (1.0, "happy"), (3.0, "angry")):
        store = AnswerStore(tmp_path)
        store.append([record("a", response, at)])
        store.close()
    assert responses(tmp_path, "a") == {"a": "happy"}


def test_keys_depend_on_every_part_of_the_request():
    base = Request("m", "r", "p", "a", 0.2, 42, 0)
    others = [
        Request("n", "r", "p", "a", 0.2, 42, 0),
        Request("m", "s", "p", "a", 0.2, 42, 0),
        Request("m", "r", "q", "a", 0.2, 42, 0),
        Request("m", "r", "p", "b", 0.2, 42, 0),
        Request("m", "r", "p", "a", 0.4, 42, 0),
        Request("m", "r", "p", "a", 0.2, 43, 0),
        Request("m", "r", "p", "a", 0.2, 42, 1),
        Request("m", "r", "p", "a", 0.2, 42, 0, 8),
    ]
    assert len({base.key, *(other.key for other in others)}) == 9
    assert len(base.key) == 64 and base.key == Request("m", "r", "p", "a", 0.2, 42, 0).key


WRITER = """
import sys, time
from scaling_ambiguity.proxies.store import AnswerStore
from scaling_ambiguity.proxies.requests import Request, identity
store = AnswerStore(sys.argv[1])
more = {"time": 1.0, "status": "answered", "tokens": 1, "response": "x" * 50}
for batch in range(10**6):
    asked = [Request("m", "r", f"{batch}/{i}", "a", 0.2, 42, 0) for i in range(50)]
    store.append([identity(request) | more for request in asked])
    print(batch, flush=True)
"""


def test_a_killed_writer_loses_nothing_that_it_reported(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert writer.stdout.readline() == "0\n"
    time.sleep(0.1)
    writer.send_signal(signal.SIGKILL)
    reported = [0, *(int(line) for line in writer.stdout.read().split())]
    writer.wait()
    wanted = [f"{batch}/{i}" for batch in reported for i in range(50)]
    assert set(AnswerStore(tmp_path).find(requests(*wanted))) == set(keys(*wanted))
    (path,) = tmp_path.glob("*.jsonl")
    whole = [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
    assert all(json.loads(line)["response"] == "x" * 50 for line in whole)
