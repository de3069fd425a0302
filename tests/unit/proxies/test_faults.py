"""What may befall a job that annotates by a server, each fault followed by a second run: a table of the outcomes.

Of every fault: the second run finishes, its votes are to the byte those of an undisturbed run, no answer is stored
twice, none is stored that the server did not give, and the key is in no file, message or list of processes.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the server needs transformers[serving]")
sys.path.insert(0, str(Path(__file__).resolve().parent))

import test_annotation_http as base

server, command = base.server, base.command
KEY, VOTES = base.KEY, 1
# Each before a request that goes through, so that waits stay short.
PASSING = ["429", "none", "garbage", "none", "truncated", "none", "duplicate", "stale", "none", "reset_after"]


@pytest.fixture
def job(command, server, tmp_path):
    """Return what starts the job behind a proxy with faults, and the folder of its store."""

    def build(url, name, **entry):
        words = command(
            url, tmp_path / name, tmp_path / f"{name}.parquet", **{"concurrency": 1, "retries": 12, **entry}
        )
        place = words.index("--options") + 1
        words[place] = json.dumps({**json.loads(words[place]), "votes": VOTES})
        return words

    return build


def run(words, **options):
    environment = {**os.environ, "PLANTED_KEY": KEY, "PYTHONFAULTHANDLER": "1"}
    return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120, check=False, **options)


def shown_to_everybody():
    """Return the command lines of all processes of this machine."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                found.append((entry / "cmdline").read_bytes().decode(errors="replace"))
            except OSError:
                continue
    return found


def small_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, 4_000))


def killed(words, folder):
    job = subprocess.Popen(words, env={**os.environ, "PLANTED_KEY": KEY}, stderr=subprocess.DEVNULL)
    while len(base.stored(folder)) < 3:
        assert job.poll() is None
        time.sleep(0.005)
    listed = shown_to_everybody()
    assert any("annotate_shard.py" in line for line in listed) and not [line for line in listed if KEY in line]
    job.send_signal(signal.SIGKILL)
    job.wait()
    return subprocess.CompletedProcess(words, job.returncode, "", "")


# fault -> what happens to the first run, its entry, how it is run, its exit status, a word of its message
FAULTS = {
    "storm and broken replies": (PASSING, {}, run, 0, ""),
    "slower than the time-out": (["none", "slow"], {"timeout_s": 1.5}, run, 0, ""),
    "server gone for good": (["none"] * 4 + ["reset"] * 60, {"retries": 1}, run, 1, "no answer in 2 attempts"),
    "key refused in mid-run": (["none"] * 4 + ["401"], {}, run, 1, "status 401"),
    "disk full": ([], {}, lambda words: run(words, preexec_fn=small_files), 1, "make room and run again"),
    "kill -9": ([], {}, killed, -signal.SIGKILL, ""),
}


@pytest.mark.slow
def test_the_table_of_faults(job, server, tmp_path, capsys):
    with base.servers.proxy(server.url) as between:
        ended = run(job(between.url, "undisturbed"))
        assert ended.returncode == 0, ended.stderr
        total = between.passed
    reference = (tmp_path / "undisturbed.parquet").read_bytes()
    lines = [f"{'fault':<26}{'exit':>5}{'asked':>6}{'given':>6}{'stored':>7}{'second run':>11}  votes"]
    told = []
    for number, (fault, (faults, entry, start, status, word)) in enumerate(FAULTS.items()):
        name = f"fault_{number}"
        folder = tmp_path / name
        with base.servers.proxy(server.url, faults, secret=KEY) as between:
            words = job(between.url, name, **entry)
            ended = start(words) if start is not killed else killed(words, folder)
            assert ended.returncode == status and word in ended.stderr, (fault, ended.stderr)
            time.sleep(0.3 if start is killed else 0)
            asked, given, kept = len(between.seen), between.passed, base.stored(folder)
        assert len(kept) <= given and set(kept.values()) == {1}, f"{fault}: invented or doubled"
        if status:
            assert 0 < len(kept) < total and not (tmp_path / f"{name}.parquet").exists(), fault
            assert given - len(kept) <= 1, f"{fault}: lost more than what was under way"
        with base.servers.proxy(server.url) as between:
            again = run(job(between.url, name))
            assert again.returncode == 0, again.stderr
            assert between.passed == total - len(kept), f"{fault}: asked twice"
            more = between.passed
        assert set(base.stored(folder).values()) == {1} and len(base.stored(folder)) == total, fault
        assert (tmp_path / f"{name}.parquet").read_bytes() == reference, fault
        told += [ended.stdout, ended.stderr, again.stdout, again.stderr]
        lines.append(f"{fault:<26}{status:>5}{asked:>6}{given:>6}{len(kept):>7}{more:>11}  the same")
    assert not [text for text in told if KEY in text]
    everything = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert everything and not [path for path in everything if KEY.encode() in path.read_bytes()]
    with capsys.disabled():
        print("\n" + "\n".join(lines))
