"""What a GPU job needs, checked on the node before hundreds of jobs wait in the queue."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaling_ambiguity.alms.availability import GPU_BYTES, MARGIN, needed_gb
from scaling_ambiguity.alms.before_work import missing_weights, parameters, working_gb
from scaling_ambiguity.alms.hub import is_on_hub, whole_snapshot
from scaling_ambiguity.alms.registry import Entry
from scaling_ambiguity.errors import UserError

SCRATCH_GB = 1.0


@dataclass(frozen=True)
class Gpu:
    """A GPU as torch sees it.

    Attributes:
        name: The manufacturer's name.
        memory_gb: Memory, GB (10^9 bytes).
        free_gb: The part that no process holds.
        bf16: Whether it computes in bfloat16.
        right: Whether a product in bfloat16 (float32 where unsupported) agreed with that of the CPU, up to rounding.
    """

    name: str
    memory_gb: float
    free_gb: float
    bf16: bool
    right: bool


def look_at_torch() -> tuple[str, list[Gpu]]:
    """Return the versions of torch and of the CUDA it was built for, and the visible GPUs; each one is tested.

    256 x 256 matrices of a fixed seed are multiplied; bfloat16 has 8 bits of mantissa, a sum of 256 products of
    standard normal numbers is of the order 16, so that its error stays far below 1.
    """
    import torch

    gpus, device_count = [], torch.cuda.device_count() if torch.cuda.is_available() else 0
    for index in range(device_count):
        device = torch.device("cuda", index)
        with torch.cuda.device(device):
            bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
            left, right = torch.randn(2, 256, 256, generator=torch.Generator().manual_seed(0))
            dtype = torch.bfloat16 if bf16 else torch.float32
            product = (left.to(device, dtype) @ right.to(device, dtype)).float().cpu()
            close = bool(((product - left @ right).abs() < 1).all())
            free, total = torch.cuda.mem_get_info()
        gpus.append(Gpu(torch.cuda.get_device_name(index), total / 1e9, free / 1e9, bf16, close))
    return f"{torch.__version__} (CUDA {torch.version.cuda or 'none'})", gpus


def gpu_faults(torch_version: str, gpus: list[Gpu], wanted: int, need_gb: float | None) -> list[str]:
    """Return what is wrong with the GPUs of this job, each with its remedy.

    Args:
        torch_version: See :func:`look_at_torch`.
        gpus: The GPUs visible to torch.
        wanted: Number the job asked for.
        need_gb: Memory that the model takes on one of them, GB; None: not known.
    """
    faults = []
    if len(gpus) < wanted:
        remedy = (
            "install a build of torch for CUDA"
            if "CUDA none" in torch_version
            else "compare the driver on the node (`nvidia-smi`) with CUDA of torch, and check that the job got a GPU "
            "(SA_GPU_PARTITION, SA_GPU_TYPE)"
        )
        faults.append(f"torch {torch_version} sees {len(gpus)} GPU, {wanted} asked for: {remedy}")
    for index, gpu in enumerate(gpus):
        where = f"GPU {index} ({gpu.name})"
        if not gpu.right:
            faults.append(f"{where} multiplies wrongly: report it, and keep jobs off it (`--exclude`)")
        if not gpu.bf16:
            faults.append(f"{where} has no bfloat16, in which weights are stored: ask for another type (SA_GPU_TYPE)")
        if need_gb is not None and gpu.memory_gb < need_gb:
            faults.append(
                f"{where} has {gpu.memory_gb:.0f} GB, the model takes {need_gb:.0f}: ask for a larger one (SA_GPU_TYPE)"
            )
        elif need_gb is not None and gpu.free_gb < need_gb:
            faults.append(
                f"{where}: {gpu.free_gb:.0f} of {gpu.memory_gb:.0f} GB are free, the model takes {need_gb:.0f}: "
                "another process holds the rest; ask for a GPU of the job's own"
            )
    return faults


def model_folder(alm: dict[str, Any]) -> Path | None:
    """Return the folder of an ALM's weights on this node; None if on another server or not yet made.

    Raises:
        UserError: They are absent or incomplete.
    """
    if "checkpoint" not in alm:
        return None
    if is_on_hub(alm):
        return whole_snapshot(alm["checkpoint"], alm.get("revision"))
    return Path(alm["checkpoint"])


def model_faults(alm: dict[str, Any], facts: Entry | None) -> tuple[Path | None, list[str]]:
    """Return the folder of an ALM's weights and what is wrong with it, each with its remedy.

    Args:
        alm: The entry.
        facts: What the registry says about it: whether its licence has to be accepted.
    """
    try:
        folder = model_folder(alm)
    except UserError as error:
        gated = facts is not None and facts.gated is True
        return None, [
            f"{error} Accept its licence on the hub and `export HF_TOKEN=...` first." if gated else str(error)
        ]
    if folder is None:
        return None, []
    if not os.access(folder, os.R_OK | os.X_OK) or not (folder / "config.json").is_file():
        return folder, [f"{folder} is not readable from the node, or no model folder: put it on a file system it sees"]
    if missing := missing_weights(folder):
        return folder, [f"{folder} is not whole, {', '.join(missing)} missing: fetch the model again"]
    unread = [path.name for path in sorted(folder.glob("*.safetensors")) if not os.access(path, os.R_OK)]
    if unread or not parameters(folder):
        what = f"{', '.join(unread)} may not be read" if unread else "there are no readable safetensors"
        return folder, [f"{folder}: {what}; correct its permissions, or fetch the model again"]
    return folder, []


def memory_need(folder: Path | None, facts: Entry | None, gpus: int = 1, served: bool = False) -> float | None:
    """Return the memory that a model needs on one GPU, in GB: from its files, else from the registry; None: not known.

    m = 1.2 x 2 bytes x parameters, and, if files are present, the keys, values and temporary states of one prompt (not
    for a server, which plans its own memory); more rows are read at once where more is free. Only a server spreads a
    model over its GPUs.
    """
    count = parameters(folder) if folder is not None else 0
    need = MARGIN * GPU_BYTES * count / 1e9 if count else (needed_gb(facts)[0] if facts is not None else None)
    if need is not None and served:
        return need / gpus
    return need if need is None or folder is None or not count else need + working_gb(folder, GPU_BYTES)


def scratch_faults(folder: Path, least_gb: float = SCRATCH_GB) -> list[str]:
    """Return what is wrong with the folder for temporary files: a file is written there and read back."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"scratch")
            file.seek(0)
            if file.read() != b"scratch":
                return [f"scratch {folder}: what was written reads back differently; set SA_SCRATCH to another folder"]
        space = os.statvfs(folder)
    except OSError as error:
        return [f"scratch {folder}: not writable ({error.strerror}); set SA_SCRATCH to a folder that is"]
    free = space.f_bavail * space.f_frsize / 1e9
    if free < least_gb:
        return [f"scratch {folder}: {free:.1f} GB free, {least_gb:g} needed; make room or set SA_SCRATCH"]
    return []
