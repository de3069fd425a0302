"""Jobs as forks of one process in which the libraries are loaded, in place of an interpreter that starts for each.

Snakemake finds a stand-in for ``python`` first in its PATH (environment variable ``SA_PYTHON``, rules/common.smk). It
sends a program of this workflow, with its words, folder, environment and streams, to the process, which forks. What it
does not send runs in the interpreter: other programs; jobs of more than one thread, since the numbers of threads of
numerical libraries are settled when they are loaded; and everything if the process cannot be reached. A fork ends by
``os._exit``: functions registered with ``atexit`` are not called.
"""

import contextlib
import ctypes
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
import warnings
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
    "judge_candidates",
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
STARTED = ("fetch_models.py",)  # programs that set the environment before they import
LARGEST_REQUEST = 1 << 20  # bytes; the buffer of a socket holds less
LONGEST_INTERPRETER = 240  # bytes; a script's first line, "#!" and options included, is cut at 255
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)

_STAND_IN = """#!{python} -IS
import contextlib, json, os, signal, socket, sys
words, fork, early = sys.argv[1:], None, []
folder, _, program = words[0].rpartition("/") if words else ("", "", "")
known = os.path.realpath(folder) == {scripts!r} or {anywhere!r} and os.path.isdir(folder + "/scaling_ambiguity")


def pass_on(number, frame):
    if fork is None:
        early.append(number)
    else:
        with contextlib.suppress(ProcessLookupError):
            os.kill(fork, number)


try:
    if not known or program in {started!r} or os.environ.get("OMP_NUM_THREADS") != "1":
        raise OSError("takes an interpreter")
    request = {{"words": words, "folder": os.getcwd(), "environment": dict(os.environ)}}
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.connect({address!r})
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, pass_on)
    socket.send_fds(connection, [json.dumps(request).encode()], [0, 1, 2])
except OSError:
    os.execv({interpreter!r}, [{interpreter!r}, *words])
gone = "error: the process that forks jobs has ended, or has no memory for one more; start the run again."
fork = int(connection.recv(32) or sys.exit(gone))
for number in early:
    pass_on(number, None)
status = int(connection.recv(32) or sys.exit(gone))
if status < 0:
    if -status != signal.SIGKILL:
        signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
sys.exit(status)
"""


def start(*, anywhere: bool = False) -> tuple[Path, int]:
    """Start the process that forks; it ends when the descriptor returned is closed by all who hold it.

    Args:
        anywhere: Programs of every copy of the workflow are run, with the library of this one.

    Returns:
        The stand-in for ``python``, and the descriptor.

    Raises:
        OSError: The system has no descriptors of processes; the folder of temporary files has too long a name for a
            socket, or lets nothing be executed; or the interpreter has a name that no script can begin with.
    """
    os.close(os.pidfd_open(os.getpid()))
    real = os.path.realpath(sys.executable)
    if len(os.fsencode(real)) > LONGEST_INTERPRETER or any(letter.isspace() for letter in real):
        raise OSError(f"{real}: no script can begin with this name")
    folder = Path(tempfile.mkdtemp(prefix="forks-"))
    stand_in, address = folder / "python", str(folder / "socket")
    try:
        words = {"python": real, "interpreter": sys.executable, "address": address, "scripts": str(SCRIPTS)}
        stand_in.write_text(_STAND_IN.format(**words, anywhere=anywhere, started=STARTED), encoding="utf-8")
        stand_in.chmod(0o755)
        if not os.access(stand_in, os.X_OK):
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
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    os.close(reading)
    listening.close()
    return stand_in, writing


def serve(descriptor: int, folder: str) -> None:
    """Run each program that arrives in a fork until standard input ends; then remove ``folder`` and wait for the forks.

    Args:
        descriptor: A listening socket.
        folder: That of the stand-in.
    """
    # What a terminal or a time limit sends reaches all processes; forks get it from their stand-ins.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
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
        with contextlib.suppress(Exception):  # what cannot be imported fails in the program, which says why
            for name in MODELS:
                importlib.import_module(name)
    server = os.getpid()
    try:
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # of threads: an allocator has one
            fork = os.fork()
        if not fork:
            _become(request, streams, server)
    except OSError:  # no memory for it
        connection.close()
        return
    finally:
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


def _become(request: dict[str, Any], streams: list[int], server: int) -> None:
    """Run a program in this process, as if it had been started by its command; ends the process."""
    ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != server:
        os._exit(1)
    os.setpgid(0, 0)  # what a terminal sends reaches it through its stand-in, once; it may write to the terminal
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    status = 1
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
        for place, stream in enumerate(streams):
            os.dup2(stream, place)
        os.closerange(3, 1 << 16)
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        standard_output: Any = sys.stdout  # was opened for what this process inherited, perhaps a terminal
        standard_output.reconfigure(line_buffering=os.isatty(1), write_through="PYTHONUNBUFFERED" in os.environ)
        sys.argv[:] = request["words"]
        sys.orig_argv[1:] = request["words"]
        runpy.run_path(sys.argv[0], run_name="__main__")
        status = 0
    except SystemExit as end:
        if end.code is not None and not isinstance(end.code, int):
            print(end.code, file=sys.stderr)
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        for printed in (sys.stdout, sys.stderr):
            try:
                printed.flush()
            except Exception:  # a full disk: the status of an interpreter that cannot write what it printed
                status = status or 120
        os._exit(status & 0xFF)


def _load_rooms() -> None:
    """Import what most programs import; none of it starts a thread of Python."""
    sys.path.insert(0, str(SCRIPTS))
    matplotlib = importlib.import_module("matplotlib")
    matplotlib.use("agg")
    importlib.import_module("matplotlib.pyplot")
    for room in ROOMS:
        package = importlib.import_module(f"scaling_ambiguity.{room}")
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
