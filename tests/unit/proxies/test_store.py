import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies.requests import Request, text_sha256
from scaling_ambiguity.proxies.store import AnswerStore

SCRIPTS = Path(__file__).resolve().parents[3] / "workflow" / "scripts"


def record(name, response="happy", at=1.0):
    return {"response": response, "key": text_sha256(name), "time": at}


def keys(*names):
    return [text_sha256(name) for name in names]


def test_what_is_added_is_read_by_key(tmp_path):
    store = AnswerStore(tmp_path / "store")
    assert store.read(keys("a")) == {}
    store.append([record("a"), record("b", "sad\n\u2028{")])
    store.append([])
    found = AnswerStore(tmp_path / "store").read(keys("b", "c"))
    assert list(found) == keys("b") and found[keys("b")[0]]["response"] == "sad\n\u2028{"
    store.close()


@pytest.mark.parametrize("cut", [1, 5, 60, 90])
def test_a_torn_last_line_counts_as_never_answered(tmp_path, cut):
    store = AnswerStore(tmp_path)
    store.append([record("a"), record("b")])
    store.close()
    (path,) = tmp_path.glob("*.jsonl")
    path.write_bytes(path.read_bytes()[:-cut])
    again = AnswerStore(tmp_path)
    assert set(again.read(keys("a", "b"))) == set(keys("a"))
    again.append([record("b", "sad")])
    again.close()
    assert AnswerStore(tmp_path).read(keys("a", "b"))[keys("b")[0]]["response"] == "sad"


def test_a_damaged_line_elsewhere_is_named(tmp_path):
    store = AnswerStore(tmp_path)
    store.append([record("a"), record("b")])
    store.close()
    (path,) = tmp_path.glob("*.jsonl")
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("nonsense\n" + lines[1])
    with pytest.raises(UserError, match="line 1"):
        AnswerStore(tmp_path).read(keys("b"))
    path.write_text(lines[0][:100] + "\n" + lines[1])
    with pytest.raises(UserError, match="line 1: damaged"):
        AnswerStore(tmp_path).read(keys("a"))


def test_of_two_answers_the_first_stands(tmp_path):
    for at, response in ((2.0, "sad"), (1.0, "happy"), (3.0, "angry")):
        store = AnswerStore(tmp_path)
        store.append([record("a", response, at)])
        store.close()
    assert AnswerStore(tmp_path).read(keys("a"))[keys("a")[0]]["response"] == "happy"


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
    ]
    assert len({base.key, *(other.key for other in others)}) == 8
    assert len(base.key) == 64 and base.key == Request("m", "r", "p", "a", 0.2, 42, 0).key


WRITER = """
import sys, time
from scaling_ambiguity.proxies.store import AnswerStore
from scaling_ambiguity.proxies.requests import text_sha256
store = AnswerStore(sys.argv[1])
for batch in range(10**6):
    store.append([{"key": text_sha256(f"{batch}/{i}"), "time": 1.0, "response": "x" * 50} for i in range(50)])
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
    wanted = [text_sha256(f"{batch}/{i}") for batch in reported for i in range(50)]
    assert set(AnswerStore(tmp_path).read(wanted)) == set(wanted)
    (path,) = tmp_path.glob("*.jsonl")
    whole = [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
    assert all(json.loads(line)["response"] == "x" * 50 for line in whole)
