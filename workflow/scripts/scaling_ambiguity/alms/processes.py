"""Processes that must not outlive their parents: ancestry, adopting orphans, ending a whole process tree (Linux)."""

import ctypes
import os
import signal
import time
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_LISTENS = "0A"
_STEP_S = 0.05


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, however it was detached (a subreaper)."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that started it ends, by kill -9 too."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def started(pid: int) -> str | None:
    """Return when a process was started, in clock ticks since boot; None if it does not exist or is a zombie.

    Together with the process number it identifies a process: numbers are reused.
    """
    fields = _stat(pid)
    return None if fields is None or fields[0] in "ZX" else fields[19]


def descendants(pid: int) -> set[int]:
    """Return the living processes that ``pid`` started, and those that they started, to any depth."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and (fields := _stat(int(entry.name))) is not None:
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    tree, waiting = set(), [pid]
    while waiting:
        fresh = [child for child in children.get(waiting.pop(), []) if child not in tree]
        tree.update(fresh)
        waiting += fresh
    return {child for child in tree if started(child) is not None}


def _stat(pid: int) -> list[str] | None:
    """Return the fields of ``/proc/PID/stat`` from the state on; the name before it may hold anything."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def end_descendants(patience_s: float, mark: str | None = None) -> int:
    """End all processes that this one started: SIGTERM, after ``patience_s`` seconds SIGKILL, until none is left.

    Needs :func:`adopt_orphans` to have been called before the first child, so that none escapes.

    Args:
        patience_s: Seconds.
        mark: End only those that inherited this ``NAME=value`` in their environment.

    Returns:
        Number of processes that had to be killed.
    """
    killed: set[int] = set()
    _signal(_own(mark), signal.SIGTERM)
    limit = time.monotonic() + patience_s
    while left := _own(mark):
        if time.monotonic() > limit:
            _signal(left, signal.SIGKILL)
            killed |= left
        if mark is None:
            _reap()
        time.sleep(_STEP_S)
    if mark is None:
        _reap()
    return len(killed)


def _own(mark: str | None) -> set[int]:
    children = descendants(os.getpid())
    return children if mark is None else {pid for pid in children if _bears(pid, mark)}


def _bears(pid: int, mark: str) -> bool:
    try:
        return mark.encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _signal(pids: set[int], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _reap() -> None:
    """Collect the exit status of all ended children, so that no zombie is left."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def listens(port: int, pids: set[int]) -> bool:
    """Return whether one of the processes listens on a TCP port of this machine."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = [line.split() for line in Path(table).read_text(encoding="ascii").splitlines()[1:]]
        except FileNotFoundError:
            continue
        inodes |= {row[9] for row in rows if row[3] == _LISTENS and int(row[1].rpartition(":")[2], 16) == port}
    wanted = {f"socket:[{inode}]" for inode in inodes}
    return any(link in wanted for pid in pids for link in _open_files(pid))


def _open_files(pid: int) -> list[str]:
    files = []
    try:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            try:
                files.append(str(entry.readlink()))
            except FileNotFoundError:
                continue
    except (FileNotFoundError, PermissionError, ProcessLookupError):
        pass
    return files
