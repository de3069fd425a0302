"""Ports, processes and patience: what the daemons of a cluster on one machine need."""

import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path


def free_ports(count: int) -> int:
    """Return the first of ``count`` consecutive ports on loopback that nobody listens on.

    Processes with neighbouring numbers begin far apart: two clusters may be started in the same second.
    """
    begin = 20000 + os.getpid() * 389 % 11000
    for first in [*range(begin, 32000, count), *range(20000, begin, count)]:
        with contextlib.ExitStack() as stack:
            try:
                for port in range(first, first + count):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return first
    raise RuntimeError("no free ports on loopback")


def wait_until(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Wait until ``condition`` holds; raise TimeoutError naming ``what`` otherwise."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {seconds} s: {what}")
        time.sleep(0.1)


def end_daemon(pid_file: Path, signal_: signal.Signals) -> None:
    """Signal the daemon that wrote ``pid_file`` and wait until it is gone."""
    if not pid_file.exists():
        return
    pid = int(pid_file.read_text())

    def gone() -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            return True

    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal_)
    wait_until(gone, 15, f"process {pid} of {pid_file.name} does not end")
    pid_file.unlink(missing_ok=True)
