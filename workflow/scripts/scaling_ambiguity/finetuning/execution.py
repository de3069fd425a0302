"""How the steps of a training are carried out: processes, micro-batches, precision, what is kept for the gradient."""

from dataclasses import dataclass, replace

from scaling_ambiguity.errors import UserError

PRECISIONS = ("stored", "bf16")
STRATEGIES = ("ddp", "fsdp")


@dataclass(frozen=True)
class Execution:
    """The ``execution`` part of ``finetuning``; the defaults are one process and whole batches.

    Attributes:
        processes: Processes that share every batch.
        strategy: `ddp`: every process holds the whole model; `fsdp`: the layers of the language model are
            cut among them, see :mod:`~.sharding`.
        accumulate: Pieces a process's share of a batch is cut into; their gradients are added.
        precision: Precision of the training's forward passes: `stored` as the weights are, `bf16` mixed.
            Validation and prediction are always `stored`.
        checkpointing: Keep each layer's input alone and compute the layer again for the gradient.
        group_by_length: Batches of prompts of like length, see :class:`~.schedule.Batches`.
        state_every: Steps between two saved states; None: at every validation only.
    """

    processes: int = 1
    strategy: str = "ddp"
    accumulate: int = 1
    precision: str = "stored"
    checkpointing: bool = False
    group_by_length: bool = False
    state_every: int | None = None

    @classmethod
    def of(cls, options: dict) -> "Execution":
        """Read ``options["execution"]``, all of it optional.

        Raises:
            UserError: An unknown key, precision or strategy, or more pieces than a batch has utterances.
        """
        given = options.get("execution") or {}
        unknown = sorted(set(given) - set(cls.__dataclass_fields__))
        if unknown:
            known = ", ".join(cls.__dataclass_fields__)
            raise UserError(f"finetuning.execution: {unknown[0]!r} is unknown; accepted: {known}.")
        found = cls(**given)
        if found.precision not in PRECISIONS:
            raise UserError(
                f"finetuning.execution.precision {found.precision!r} is unknown; accepted: {', '.join(PRECISIONS)}."
            )
        if found.strategy not in STRATEGIES:
            raise UserError(
                f"finetuning.execution.strategy {found.strategy!r} is unknown; accepted: {', '.join(STRATEGIES)}."
            )
        found.check(options["batch"])
        return found

    def with_processes(self, processes: int, batch: int) -> "Execution":
        """Return the same for the number of processes that really run, which a launcher may have chosen."""
        found = replace(self, processes=processes)
        found.check(batch)
        return found

    def check(self, batch: int) -> None:
        """Raise a UserError if a batch of ``batch`` utterances cannot be cut that often."""
        pieces = self.processes * self.accumulate
        if pieces > batch:
            raise UserError(
                f"finetuning: a batch of {batch} cannot be cut into {pieces} pieces ({self.processes} processes x "
                f"accumulate {self.accumulate}). Raise `batch`, or lower `execution.accumulate` or `.processes`."
            )

    def micro_batch(self, batch: int) -> int:
        """Return the most utterances that are computed at once in one process."""
        return -(-batch // (self.processes * self.accumulate))

    def pieces(self, rows: list[int], rank: int) -> list[list[int]]:
        """Return the pieces of a batch that process ``rank`` computes, in order; sizes differ by one at most."""
        total = self.processes * self.accumulate
        edges = [len(rows) * piece // total for piece in range(total + 1)]
        mine = range(rank * self.accumulate, (rank + 1) * self.accumulate)
        return [rows[edges[piece] : edges[piece + 1]] for piece in mine]
