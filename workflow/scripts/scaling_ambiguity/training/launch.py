"""Start several processes of a program as one team, pass signals on, and leave no process behind."""

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scaling_ambiguity.training.interrupts import SIGNALS, STOPPED
from scaling_ambiguity.training.team import RENDEZVOUS

GRACE = 60.0  # seconds between asking the others to stop and killing them
_PR_SET_PDEATHSIG = 1
# Looked up here, because between fork and exec no lock of the loader may be waited for.
_prctl = getattr(ctypes.CDLL(None), "prctl", None)


def _die_with_parent() -> None:
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def launch(command: list[str], processes: int) -> int:
    """Run ``command`` as ``processes`` processes of this machine and return their status.

    They meet through a file in a temporary folder. SIGTERM and SIGUSR1 are passed on. If one
    process fails, the others are killed; if this one is killed, the kernel kills them (Linux).

    Returns:
        0 if all succeeded, else the status of the first that failed (128 + signal if it was killed).
    """
    with tempfile.TemporaryDirectory(prefix="finetune-") as folder:
        children: list[subprocess.Popen] = []

        def pass_on(number: int, _frame: object) -> None:
            for child in children:
                if child.poll() is None:
                    child.send_signal(number)

        earlier = {number: signal.signal(number, pass_on) for number in SIGNALS}
        try:
            for rank in range(processes):
                environment = os.environ | {
                    "WORLD_SIZE": str(processes), "LOCAL_WORLD_SIZE": str(processes),
                    "RANK": str(rank), "LOCAL_RANK": str(rank), RENDEZVOUS: str(Path(folder) / "meeting"),
                }  # fmt: skip
                environment.setdefault("OMP_NUM_THREADS", "1")
                children.append(subprocess.Popen(command, env=environment, preexec_fn=_die_with_parent))
            return _wait(children)
        finally:
            for child in children:
                if child.poll() is None:
                    child.kill()
                    child.wait()
            for number, handler in earlier.items():
                signal.signal(number, handler)


def _wait(children: list[subprocess.Popen]) -> int:
    first, deadline = 0, None
    while None in [child.poll() for child in children]:  # a list, so that every one is polled
        failed = [child.returncode for child in children if child.returncode not in (None, 0)]
        if failed and deadline is None:
            # The others may be about to fail for the same reason, or to stop at the same safe point.
            first, deadline = failed[0], time.monotonic() + (GRACE if failed[0] > 1 else 5.0)
        if deadline is not None and time.monotonic() > deadline:
            break
        time.sleep(0.05)
    failed = [child.returncode for child in children if child.returncode not in (None, 0)]
    # A process asked to stop may leave while the others wait for it, which they report as an error.
    status = STOPPED if STOPPED in failed else first or (failed[0] if failed else 0)
    return status if status >= 0 else 128 - status


def again() -> list[str]:
    """Return the command that started this program."""
    return [sys.executable, *sys.orig_argv[1:]]
