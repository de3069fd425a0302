"""How much memory a training step needs, reported before the first one, and what to change if there is too little."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch

from scaling_ambiguity.alms.free_memory import free_memory, ran_out
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.training.options import Execution, TrainingOptions
from scaling_ambiguity.training.trainee import Inputs, Trainee

# Relative to what is kept: temporary tensors and memory the allocator cannot use. Measured on the CPU: 1.2 to 1.8;
# largest with tensors just below the 32 MiB from which glibc returns memory immediately.
RESERVE = 2.0

Forward = Callable[[list[int]], torch.Tensor]


@dataclass(frozen=True)
class Foreseen:
    """The need of one process, in bytes.

    Attributes:
        parameters: The model with its adapter, already in memory.
        optimiser: Gradients and the two moments of AdamW, of the adapter only.
        fixed: Kept for the gradient regardless of the number of utterances.
        each: Kept for the gradient of one utterance, the longest prompt of the training part, plus
            temporary tensors while it is computed.
        free: Memory currently left by the device or the job's limits.
        batch: Utterances per step, over all processes.
        execution: How the batch is divided.
    """

    parameters: int
    optimiser: int
    fixed: int
    each: int
    free: int
    batch: int
    execution: Execution

    @property
    def activations(self) -> int:
        """Bytes kept for the gradient of the largest piece of a batch."""
        return self.fixed + self.each * self.execution.micro_batch(self.batch)

    @property
    def fits(self) -> int:
        """Return the largest number of utterances whose activations fit in the free memory after the optimiser's."""
        return max(0, (self.free - self.optimiser - self.fixed) // max(1, self.each))

    def describe(self) -> str:
        """Return the estimate as one line, with a warning if it exceeds the free memory."""
        at_once = self.execution.micro_batch(self.batch)
        line = (
            f"finetune: memory: parameters {_size(self.parameters)} (loaded), gradients and optimiser "
            f"{_size(self.optimiser)}, activations {_size(self.activations)} ({at_once} utterances at once); "
            f"free {_size(self.free)}"
        )
        if self.optimiser + self.activations > self.free:
            line += f"\nfinetune: warning: this may not fit. {self.advice(self.fits)}"
        return line

    def advice(self, fits: int) -> str:
        """Return what to set in the configuration if ``fits`` utterances fit at once."""
        if fits < 1:
            return "Not even one utterance fits: use a device with more memory, or a smaller model" + (
                "." if self.execution.checkpointing else ", or set `finetuning.execution.checkpointing: true`."
            )
        pieces = math.ceil(self.batch / (self.execution.processes * fits))
        return (
            f"{fits} utterances fit at once: set `finetuning.execution.accumulate: {pieces}`, which keeps the batch "
            f"of {self.batch}, or `finetuning.batch: {min(self.batch, fits * self.execution.processes)}`."
        )


def foresee(trainee: Trainee, train: Inputs, loss: Forward, options: TrainingOptions) -> Foreseen:
    """Measure the memory that one and two utterances of the longest prompt keep for the gradient, without a step.

    Args:
        trainee: The model.
        train: Training inputs.
        loss: Rows of ``train`` -> their training loss, differentiable.
        options: Batch and execution.

    Raises:
        UserError: Not even that fits into memory.
    """
    lengths = train.lengths()
    longest = lengths.index(max(lengths))
    batch, execution = options.batch, options.execution
    held = [local_part(tensor) for tensor in trainee.module.parameters()]
    loaded = {tensor.untyped_storage().data_ptr() for tensor in held}
    parameters = sum(tensor.numel() * tensor.element_size() for tensor in held)
    optimiser = sum(3 * parameter.numel() * parameter.element_size() for parameter in trainee.parameters)
    free = free_memory(trainee.device)
    with explain_out_of_memory(Foreseen(parameters, optimiser, 0, max(1, free), free, batch, execution)):
        (one, largest), (two, _) = (kept_for_gradient(partial(loss, [longest] * n), loaded) for n in (1, 2))
    each = max(1, two - one)
    fixed = max(0, one - each)
    if execution.checkpointing:
        # One layer at a time is recomputed; it needs what is kept without checkpointing, divided by the number of
        # layers.
        each += each
    fixed += trainee.gathered_bytes
    # While a layer is computed, forward or backward, there are temporary tensors as large as its largest.
    each = round(RESERVE * each) + 2 * largest
    return Foreseen(parameters, optimiser, fixed, each, free_memory(trainee.device), batch, execution)


def local_part(tensor: torch.Tensor) -> torch.Tensor:
    """Return the part of ``tensor`` that this process holds: all of it unless it is sharded."""
    return (
        tensor.to_local() if hasattr(tensor, "to_local") else tensor
    )  # torch's DTensor, whose module is slow to import


def kept_for_gradient(compute: Callable[[], torch.Tensor], loaded: set[int]) -> tuple[int, int]:
    """Return the bytes of all tensors, and of the largest, that autograd keeps for ``compute``, each storage once.

    Args:
        compute: A differentiable computation.
        loaded: Addresses of storages that exist anyway: the parameters.
    """
    kept: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        owner = tensor._base if tensor._is_view() else tensor
        # A sharded layer's weights are gathered into separate storages, which are released after the layer.
        if storage.data_ptr() not in loaded and not isinstance(owner, torch.nn.Parameter):
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        result = compute()
    del result  # storages may be released only now: addresses were unique until here
    return sum(kept.values()), max(kept.values(), default=0)


@contextmanager
def explain_out_of_memory(foreseen: Foreseen | None) -> Iterator[None]:
    """Turn an allocation that fails inside the block into a UserError that names the batch that fits."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if foreseen is None or not ran_out(error):
            raise
        at_once = foreseen.execution.micro_batch(foreseen.batch)
        # The estimate ignores fragmentation and other programs: never advise what just failed.
        fits = min(foreseen.fits, at_once // 2)
        raise UserError(f"out of memory with {at_once} utterances at once. {foreseen.advice(fits)}") from error


def _size(number: int) -> str:
    return f"{number / 2**30:.2f} GiB" if number >= 2**30 else f"{number / 2**20:.1f} MiB"
