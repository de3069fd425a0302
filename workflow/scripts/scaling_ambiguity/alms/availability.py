"""Whether a model of the registry can be asked from this machine, and why not, before any work starts."""

import datetime
import importlib.util
import os
import socket
import subprocess
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from scaling_ambiguity.alms.registry import NONE, Entry

# In practice at least this many times the size of the weights or the published minimum (README of Qwen2.5-Omni).
MARGIN = 1.2
GPU_BYTES, CPU_BYTES = 2, 4  # a parameter in bfloat16 and in float32
_ON_THIS_MACHINE = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True)
class Machine:
    """What this machine offers to a model.

    Attributes:
        gpus_gb: Memory of each GPU, GB (10^9 bytes).
        memory_gb: Main memory that is free, GB.
        classes: Names that transformers offers.
        imports: Whether a package can be imported.
        engines: Engines of this version.
        keys: Names of the environment variables that are set.
        answers: Whether something listens at a base URL on this machine.
        holds: Whether a checkpoint of the hub, or a part of it, was fetched before.
        today: The date.
    """

    gpus_gb: tuple[float, ...]
    memory_gb: float
    classes: Collection[str]
    imports: Callable[[str], bool]
    engines: Collection[str]
    keys: Collection[str]
    answers: Callable[[str], bool]
    holds: Callable[[str], bool]
    today: datetime.date


def reasons_against(entry: Entry, machine: Machine) -> list[str]:
    """Return why ``entry`` cannot be asked from ``machine``; an empty list if no obstacle is known."""
    reasons = []
    if entry.engine not in machine.engines:
        reasons.append(f"engine `{entry.engine}` is not part of this version")
    if isinstance(entry.retires, datetime.date) and machine.today >= entry.retires:
        reasons.append(f"retired on {entry.retires.isoformat()} as announced; replay stored answers")
    if entry.engine == "transformers":
        return reasons + _against_loading(entry, machine)
    if entry.key_env != NONE and entry.key_env not in machine.keys:
        reasons.append(f"no key: set the environment variable {entry.key_env}")
    if urlsplit(entry.base_url).hostname in _ON_THIS_MACHINE and not machine.answers(entry.base_url):
        reasons.append(f"no server at {entry.base_url}: start one, or set `base_url`")
    return reasons


def _against_loading(entry: Entry, machine: Machine) -> list[str]:
    reasons = []
    if entry.loads_by not in machine.classes:
        reasons.append(f"transformers has no class {entry.loads_by}")
    missing = [package for package in entry.packages if not machine.imports(package)]
    if missing:
        reasons.append(f"not installed: {', '.join(missing)}")
    if entry.gated is True and "HF_TOKEN" not in machine.keys:
        reasons.append("gated: accept its licence on the hub and set the environment variable HF_TOKEN")
    gpu, cpu = needed_gb(entry)
    largest = max(machine.gpus_gb, default=0.0)
    if not largest:
        if cpu is None:
            reasons.append("no GPU, and its size is not known")
        elif cpu > machine.memory_gb:
            reasons.append(f"no GPU; on the CPU it takes {cpu:.0f} GB of memory, free are {machine.memory_gb:.0f}")
    elif gpu is not None and gpu > largest:
        reasons.append(f"takes {gpu:.0f} GB of GPU memory, the largest GPU has {largest:.0f}")
    return reasons


def conditions(entry: Entry, machine: Machine) -> list[str]:
    """Return what has to be done, or accepted, before ``entry`` can be used from ``machine``."""
    if entry.engine != "transformers":
        return ["the server has to take audio and its account has to be open"] if entry.key_env != NONE else []
    pending = []
    if not machine.holds(entry.checkpoint):
        size = f", about {GPU_BYTES * entry.parameters:.0f} GB" if isinstance(entry.parameters, int | float) else ""
        pending.append(f"its weights are still to be fetched{size}")
    if not machine.gpus_gb:
        pending.append("slow: no GPU")
    elif needed_gb(entry)[0] is None:
        pending.append("its size is not known")
    return pending


def needed_gb(entry: Entry) -> tuple[float | None, float | None]:
    """Return the memory that a model needs on a GPU (bfloat16) and on the CPU (float32), in GB; None if not known.

    On a GPU the published minimum if there is one, else the size of the weights; both multiplied by ``MARGIN``.
    """
    published = entry.gpu_memory_gb if isinstance(entry.gpu_memory_gb, int | float) else None
    weights = entry.parameters if isinstance(entry.parameters, int | float) else None
    gpu = published if published is not None else (None if weights is None else GPU_BYTES * weights)
    cpu = None if weights is None else CPU_BYTES * weights
    return (None if gpu is None else MARGIN * gpu), (None if cpu is None else MARGIN * cpu)


def this_machine(today: datetime.date | None = None) -> Machine:
    """Describe the machine this runs on; only the names of environment variables are read, not their values."""
    import transformers

    engines = {path.stem for path in (Path(__file__).parent / "engines").glob("*.py")} - {"__init__"}
    return Machine(
        gpus_gb=look_at_gpus(),
        memory_gb=look_at_memory(),
        classes=frozenset(dir(transformers)),
        imports=lambda package: importlib.util.find_spec(package) is not None,
        engines=engines,
        keys={name for name, value in os.environ.items() if value},
        answers=somebody_listens,
        holds=was_fetched,
        today=today or datetime.date.today(),
    )


def look_at_gpus() -> tuple[float, ...]:
    """Return the memory of each GPU of this machine, GB."""
    command = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
        return tuple(float(line) * 2**20 / 1e9 for line in listed.splitlines() if line.strip())
    except (OSError, ValueError, subprocess.SubprocessError):
        return ()


def look_at_memory() -> float:
    """Return the free memory of this machine, GB."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 / 1e9 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def somebody_listens(base_url: str) -> bool:
    """Return whether the host and port of a URL accept a connection."""
    address = urlsplit(base_url)
    try:
        with socket.create_connection((address.hostname, address.port or 80), timeout=1):
            return True
    except OSError:
        return False


def was_fetched(checkpoint: str) -> bool:
    """Return whether a checkpoint of the hub, or a part of it, is in the cache."""
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    folder = Path(os.environ.get("HF_HUB_CACHE") or home / "hub")
    return (folder / f"models--{checkpoint.replace('/', '--')}").is_dir()


def located(checkpoint: str | Path) -> Path:
    """Return where a checkpoint is stored: below the folder ``SA_MODELS`` if one of its name is there, else its name.

    ``openai/whisper-base`` is looked for as ``$SA_MODELS/openai/whisper-base``, then as ``$SA_MODELS/whisper-base``,
    also in lower case: the same weights without a hub. Such a substitute is identified by its files.
    """
    folder = os.environ.get("SA_MODELS")
    if folder and not Path(checkpoint).is_dir():
        last = Path(checkpoint).name
        for place in (Path(folder, checkpoint), Path(folder, last), Path(folder, last.lower())):
            if (place / "config.json").is_file():
                return place
    return Path(checkpoint)
