"""Jobs as forks of one process in which the libraries are loaded, in place of an interpreter that starts for each.

Snakemake finds a stand-in for ``python`` first in its PATH (environment variable ``SA_PYTHON``, rules/common.smk). It
sends a program of this workflow, with its words, folder, environment and streams, to the process, which forks. What it
does not send runs in the interpreter: other programs, and jobs of more than one thread, since the numbers of threads of
numerical libraries are settled when they are loaded.
"""

import contextlib
import importlib
import json
import os
import pkgutil
import runpy
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).resolve().parents[1]
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
LARGEST_REQUEST = 1 << 20  # bytes; a command line of Linux holds less

_STAND_IN = """#!{python} -IS
import json, os, signal, socket, sys
words, threads = sys.argv[1:], os.environ.get("OMP_NUM_THREADS")
if threads != "1" or not words or not os.path.isdir(os.path.join(os.path.dirname(words[0]), "scaling_ambiguity")):
    os.execv({interpreter!r}, [{interpreter!r}, *words])
request = {{"words": words, "folder": os.getcwd(), "environment": dict(os.environ)}}
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
    connection.connect({address!r})
    socket.send_fds(connection, [json.dumps(request).encode()], [0, 1, 2])
    fork = int(connection.recv(32) or sys.exit("error: the process that forks has ended; start the run again."))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, lambda number, frame: os.kill(fork, number))
    status = int(connection.recv(32) or 1)
if status < 0:
    if -status != signal.SIGKILL:
        signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
sys.exit(status)
"""


def start() -> tuple[Path, int]:
    """Start the process that forks; it ends when the descriptor returned is closed by all who hold it.

    Returns:
        The stand-in for ``python``, and the descriptor.

    Raises:
        OSError: The folder of temporary files has too long a name for a socket, or lets nothing be executed.
    """
    folder = Path(tempfile.mkdtemp(prefix="forks-"))
    stand_in, address = folder / "python", str(folder / "socket")
    real = os.path.realpath(sys.executable)  # a first line may not hold the blanks of a folder
    stand_in.write_text(_STAND_IN.format(python=real, interpreter=sys.executable, address=address), encoding="utf-8")
    stand_in.chmod(0o755)
    if not os.access(stand_in, os.X_OK):
        shutil.rmtree(folder)
        raise OSError(f"{folder}: lets nothing be executed")
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.bind(address)  # before the process loads anything: a job that comes early waits
    listening.listen(64)
    reading, writing = os.pipe()
    one_thread = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    subprocess.Popen(
        [sys.executable, str(SCRIPTS / "fork_jobs.py"), "--serve", str(listening.fileno()), str(folder)],
        stdin=reading,
        pass_fds=[listening.fileno()],
        env=os.environ | one_thread,
    )
    os.close(reading)
    listening.close()
    return stand_in, writing


def serve(descriptor: int, folder: str) -> None:
    """Run each program that arrives in a fork until standard input ends; then remove ``folder`` and wait for the forks.

    Args:
        descriptor: A listening socket.
        folder: That of the stand-in.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; jobs get it from their stand-ins
    _load_rooms()
    with socket.socket(fileno=descriptor) as listening, selectors.DefaultSelector() as waiting:
        waiting.register(listening, selectors.EVENT_READ)
        waiting.register(sys.stdin, selectors.EVENT_READ)
        while waiting.get_map():
            ended: set[int] = set()
            for key, _ in waiting.select():
                if key.fileobj is sys.stdin:  # what runs goes on, as jobs do whose Snakemake was killed
                    waiting.unregister(sys.stdin)
                    waiting.unregister(listening)
                    shutil.rmtree(folder, ignore_errors=True)
                elif key.fileobj is listening:
                    _begin(listening.accept()[0], waiting)
                elif key.data[0] not in ended:
                    _end(key, waiting)
                    ended.add(key.data[0])


def _begin(connection: socket.socket, waiting: selectors.BaseSelector) -> None:
    """Fork for the request of a connection."""
    message, streams, _, _ = socket.recv_fds(connection, LARGEST_REQUEST, 3)
    if not message:
        connection.close()
        return
    request = json.loads(message)
    if Path(request["words"][0]).stem in OPENING:
        for name in MODELS:
            importlib.import_module(name)
    fork = os.fork()
    if not fork:
        _become(request, streams)
    for stream in streams:
        os.close(stream)
    process = os.pidfd_open(fork)
    with contextlib.suppress(OSError):
        connection.send(str(fork).encode())
    waiting.register(connection, selectors.EVENT_READ, (fork, connection, process))
    waiting.register(process, selectors.EVENT_READ, (fork, connection, process))


def _end(key: selectors.SelectorKey, waiting: selectors.BaseSelector) -> None:
    """Send the status of a fork that ended; end one whose stand-in did."""
    fork, connection, process = key.data
    if key.fileobj is connection:
        signal.pidfd_send_signal(process, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(fork, 0)[1])
    for waited in (connection, process):
        waiting.unregister(waited)
    with contextlib.suppress(OSError):
        connection.send(str(status).encode())
    connection.close()
    os.close(process)


def _become(request: dict[str, Any], streams: list[int]) -> None:
    """Run a program in this process, as if it had been started by its command; ends the process."""
    os.setsid()  # what a terminal sends reaches it through its stand-in, once
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for place, stream in enumerate(streams):
        os.dup2(stream, place)
    os.closerange(3, 1 << 16)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv[:] = request["words"]
    sys.orig_argv[1:] = request["words"]
    status = 1
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
        status = 0
    except SystemExit as end:
        if end.code is not None and not isinstance(end.code, int):
            print(end.code, file=sys.stderr)
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status & 0xFF)


def _load_rooms() -> None:
    """Import what most programs import; none of it starts a thread."""
    sys.path.insert(0, str(SCRIPTS))
    matplotlib = importlib.import_module("matplotlib")
    matplotlib.use("agg")
    importlib.import_module("matplotlib.pyplot")
    for room in ROOMS:
        package = importlib.import_module(f"scaling_ambiguity.{room}")
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
