"""Run the workflow's programs, each in a fork of one process in which the libraries are loaded.

The programs, their arguments, logs and folders are those of the rules; what is saved is the start of an interpreter
for every job. Either the jobs that a dry run printed, one after the other: standard input is the output of
``snakemake -n --printshellcmds``, and the first job that fails is the last. Or ``--serve SOCKET``: those that
``python``, a stand-in first in the PATH of a Snakemake, sends (stand_in.py), until standard input ends.
"""

import importlib
import json
import os
import pkgutil
import runpy
import selectors
import shlex
import signal
import socket
import sys
import time
import traceback
from pathlib import Path

ROOMS = ("corpora", "labels", "metrics", "inference", "reporting", "tables")
# Programs that open a model, and what they import.
OPENING = {
    "annotate_shard",
    "build_alm",
    "encode_audio",
    "encode_items",
    "finetune",
    "read_out_shard",
    "train_alm",
    "train_tiny_alm",
}
MODELS = (
    "scaling_ambiguity.alms.engines.transformers",
    "scaling_ambiguity.alms.tiny.training",
    "scaling_ambiguity.amber2.trainee",
    "scaling_ambiguity.finetuning.lora",
    "scaling_ambiguity.finetuning.perceptron",
    "scaling_ambiguity.training.run",
    "transformers.models.qwen2_audio",
)
COMMAND, SCRIPTS = "Shell command: ", Path(__file__).resolve().parents[2] / "workflow" / "scripts"


def commands(printed: str) -> list[tuple[list[str], Path]]:
    """Return (words, log) of every shell command of a dry run, all of which are ``python ... > log 2>&1``."""
    found = []
    for line in printed.splitlines():
        if line.startswith(COMMAND) and line != f"{COMMAND}None":
            words = shlex.split(line.removeprefix(COMMAND).removeprefix("exec "))
            assert words[0] == "python" and words[-3] == ">" and words[-1] == "2>&1", line
            found.append((words[1:-3], Path(words[-2])))
    return found


def run(words: list[str], log: Path) -> int:
    """Run a program in a child process, its output in ``log``; return its exit status."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    stream = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(stream, 1)
    os.dup2(stream, 2)
    os._exit(executed(words))


def executed(words: list[str]) -> int:
    """Run a program in this process; return its exit status."""
    try:
        sys.argv = words
        runpy.run_path(words[0], run_name="__main__")
        return 0
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def serve(address: str) -> None:
    """Run each program that arrives in a fork, with the sender's streams, folder and environment; send its status."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # ended forks leave nothing behind
    with socket.socket(socket.AF_UNIX) as listening, selectors.DefaultSelector() as waiting:
        listening.bind(address)
        listening.listen()
        load(set())
        waiting.register(listening, selectors.EVENT_READ)
        waiting.register(sys.stdin, selectors.EVENT_READ)
        while True:
            if any(key.fileobj is sys.stdin for key, _ in waiting.select()):
                return
            connection, _ = listening.accept()
            with connection:
                message, streams, _, _ = socket.recv_fds(connection, 1 << 20, 3)
                request = json.loads(message)
                if {Path(request["words"][0]).stem} & OPENING:
                    load_models()
                if not os.fork():
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    for place, stream in enumerate(streams):
                        os.dup2(stream, place)
                    os.chdir(request["folder"])
                    os.environ.clear()
                    os.environ.update(request["environment"])
                    connection.send(bytes([executed(request["words"]) % 256]))
                    os._exit(0)
                for stream in streams:
                    os.close(stream)


def load(programs: set[str]) -> None:
    """Import what most programs import, torch where one of them needs it; threads are started by none of it."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot

    import scaling_ambiguity

    for room in ROOMS:
        package = importlib.import_module(f"{scaling_ambiguity.__name__}.{room}")
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    if programs & OPENING:
        load_models()


def load_models() -> None:
    """Import what programs that open a model import."""
    for name in MODELS:
        importlib.import_module(name)


def main() -> int:
    """Make the folders of the outputs, then run every job."""
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2])
        return 0
    printed = sys.stdin.read()
    for line in printed.splitlines():
        if line.startswith(("    output: ", "    log: ", "    benchmark: ")):
            for path in line.partition(": ")[2].split(", "):
                Path(path).parent.mkdir(parents=True, exist_ok=True)
    jobs = commands(printed)
    load({Path(words[0]).stem for words, _ in jobs})
    for words, log in jobs:
        start = time.monotonic()
        status = run(words, log)
        print(f"{Path(words[0]).stem}: {time.monotonic() - start:.1f} s", flush=True)
        if status:
            print(f"{Path(words[0]).stem} ended with {status}:\n{log.read_text(errors='replace')}", flush=True)
            return status
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(SCRIPTS))
    sys.exit(main())
