"""How much memory this process may still allocate, and whether an error means that memory ran out."""

import os
import resource
from pathlib import Path

import psutil
import torch


def free_memory(device: torch.device) -> int:
    """Return the bytes this process may still allocate on ``device``.

    On a GPU what the driver and torch's own cache leave; else the least of the machine's available memory,
    the cgroup's limit (Slurm, containers) and the process's own limits (`ulimit -v`, `-d`).
    """
    if device.type == "cuda":
        cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + cached
    least = psutil.virtual_memory().available
    status = psutil.Process().memory_info()
    for limit, used in ((resource.RLIMIT_AS, status.vms), (resource.RLIMIT_DATA, getattr(status, "data", 0))):
        soft = resource.getrlimit(limit)[0]
        if soft != resource.RLIM_INFINITY:
            least = min(least, soft - used)
    for folder in _cgroup_folders():
        try:
            most, held = ((folder / name).read_text().strip() for name in ("memory.max", "memory.current"))
        except OSError:
            continue
        if most != "max":
            least = min(least, int(most) - int(held))
    return max(0, least)


def _cgroup_folders() -> list[Path]:
    """Return this process's cgroup (version 2) and those above it."""
    try:
        lines = Path(f"/proc/{os.getpid()}/cgroup").read_text().splitlines()
    except OSError:
        return []
    own_cgroup = next((line[3:] for line in lines if line.startswith("0::")), None)
    if own_cgroup is None:
        return []
    root = Path("/sys/fs/cgroup")
    folder = root / own_cgroup.lstrip("/")
    return [folder, *(parent for parent in folder.parents if parent.is_relative_to(root))]


def ran_out(error: BaseException) -> bool:
    """Return whether ``error`` says that memory ran out, on a GPU or on the CPU."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return any(words in str(error) for words in ("can't allocate memory", "not enough memory"))
