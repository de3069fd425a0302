"""The processes that share a training, through accelerate: how many, which one this is, and sums over all of them."""

import os
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list

RENDEZVOUS = "SCALING_AMBIGUITY_RENDEZVOUS"


class Team:
    """The processes of one training; every one holds the whole model and the same adapter.

    Only the adapter's gradients, the losses and small objects are exchanged, so that the frozen model is
    neither wrapped nor broadcast. Started by :mod:`~.launch`, by `accelerate launch` or by `torchrun`.

    Attributes:
        size: Number of processes.
        rank: Number of this one, from 0.
    """

    def __init__(self, size: int = 1, rank: int = 0):
        """Describe a team whose process group is already open; a single process by default."""
        self.size = size
        self.rank = rank

    @classmethod
    def join(cls, cpu: bool) -> "Team":
        """Join the team that the environment (WORLD_SIZE, RANK, ...) names; a single process where it names none.

        Args:
            cpu: Communicate through gloo between CPUs; otherwise as accelerate chooses (nccl between GPUs).
        """
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            return cls()
        meeting = os.environ.get(RENDEZVOUS)
        if meeting and not torch.distributed.is_initialized():
            # A file in the job's own temporary folder: this avoids ports that another job might use.
            size, rank = int(os.environ["WORLD_SIZE"]), int(os.environ["RANK"])
            backend = "gloo" if cpu else "nccl"
            torch.distributed.init_process_group(backend, init_method=f"file://{meeting}", world_size=size, rank=rank)
        state = PartialState(cpu=cpu)
        torch.set_num_threads(1)  # accelerate raises it where OMP_NUM_THREADS is unset
        return cls(state.num_processes, state.process_index)

    @property
    def main(self) -> bool:
        """Whether this process writes."""
        return self.rank == 0

    def share(self, value: Any) -> Any:
        """Return the main process's ``value`` in every process."""
        return broadcast_object_list([value])[0] if self.size > 1 else value

    def add(self, tensors: list[torch.Tensor | None], extra: list[float], like: list[torch.Tensor]) -> list[float]:
        """Replace ``tensors`` by their sums over the processes and return the sums of ``extra``, in one message.

        The order of the additions is the same in every process, so that all of them get bit-identical results.

        Args:
            tensors: Gradients, None where there is none.
            extra: Numbers, sent in float32.
            like: The parameters the gradients belong to.
        """
        if self.size == 1:
            return extra
        pieces = [torch.zeros_like(shape) if one is None else one for one, shape in zip(tensors, like, strict=True)]
        flat = torch.cat([*(piece.detach().float().flatten() for piece in pieces)])
        flat = torch.cat([flat, torch.tensor(extra, dtype=torch.float32, device=flat.device)])
        torch.distributed.all_reduce(flat)
        place = 0
        for parameter in like:
            size = parameter.numel()
            parameter.grad = flat[place : place + size].view_as(parameter).to(parameter.dtype)
            place += size
        return flat[place:].tolist()

    def fill(self, values: torch.Tensor) -> torch.Tensor:
        """Return ``values`` (on the CPU) summed over the processes; exact where all but one hold zeros."""
        if self.size == 1:
            return values
        state = PartialState()
        moved = values.to(state.device)
        torch.distributed.all_reduce(moved)
        return moved.cpu()

    def leave(self) -> None:
        """Close the process group."""
        if self.size > 1 and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()


ALONE = Team()


def launched_processes() -> int | None:
    """Return the number of processes a launcher has started, None if this one was started alone."""
    size = os.environ.get("WORLD_SIZE")
    return int(size) if size else None


def local_rank() -> int:
    """Return the rank of this process on this machine."""
    return int(os.environ.get("LOCAL_RANK", "0"))
