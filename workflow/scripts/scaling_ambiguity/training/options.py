"""The settings of a training: the part of ``finetuning`` in the configuration that is passed to a job."""

from typing import Literal, Self

from pydantic import Field, PositiveInt, model_validator

from scaling_ambiguity.settings import Settings


class Lora(Settings):
    """The adapter of a language model.

    Attributes:
        r: Rank.
        alpha: Scale; the update is multiplied by alpha / r.
        dropout: On the adapter's input.
        targets: Names of the linear projections that are adapted; ``attention``: those of self-attention.
    """

    r: PositiveInt
    alpha: int | float = Field(gt=0)
    dropout: float = Field(ge=0, lt=1)
    targets: Literal["attention"] | list[str]


class Execution(Settings):
    """How the steps are carried out; the defaults are one process and whole batches.

    Attributes:
        processes: Processes that share every batch.
        strategy: `ddp`: every process holds the whole model; `fsdp`: the layers of the language model are
            divided among them, see :mod:`scaling_ambiguity.finetuning.sharding`.
        accumulate: Pieces into which a process cuts its share of a batch; their gradients are added.
        precision: Precision of the training's forward passes: `stored` as the weights are, `bf16` mixed.
            Validation and prediction are always `stored`.
        checkpointing: Keep only each layer's input and recompute the layer for the gradient.
        group_by_length: Batches of prompts of similar length, see :class:`~.schedule.Batches`.
        state_every: Steps between two saved states; None: only at every validation.
    """

    processes: PositiveInt = 1
    strategy: Literal["ddp", "fsdp"] = "ddp"
    accumulate: PositiveInt = 1
    precision: Literal["stored", "bf16"] = "stored"
    checkpointing: bool = False
    group_by_length: bool = False
    state_every: PositiveInt | None = None

    def micro_batch(self, batch: int) -> int:
        """Return the largest number of utterances computed at once in one process."""
        return -(-batch // (self.processes * self.accumulate))

    def pieces(self, rows: list[int], rank: int) -> list[list[int]]:
        """Return the pieces of a batch that process ``rank`` computes, in order; sizes differ by at most one."""
        total = self.processes * self.accumulate
        edges = [len(rows) * piece // total for piece in range(total + 1)]
        mine = range(rank * self.accumulate, (rank + 1) * self.accumulate)
        return [rows[edges[piece] : edges[piece + 1]] for piece in mine]


class TrainingOptions(Settings):
    """Settings common to all trainings of a run.

    Attributes:
        steps: Optimiser steps.
        batch: Utterances per step, over all processes.
        evaluate_every: Steps between two validations.
        learning_rate: Of AdamW, at its peak.
        warmup: Share of the steps with a rising learning rate.
        weight_decay: Of AdamW.
        clip: Largest norm of the gradient.
        lora: The adapter, of models that have one.
        quantised: The frozen base is loaded in 4 or 8 bits; None: as it is stored.
        execution: How the steps are carried out.
    """

    steps: PositiveInt
    batch: PositiveInt
    evaluate_every: PositiveInt
    learning_rate: float = Field(gt=0)
    warmup: float = Field(ge=0, le=1)
    weight_decay: float = Field(ge=0)
    clip: float = Field(gt=0)
    lora: Lora
    quantised: Literal["4bit", "8bit"] | None = None
    execution: Execution = Execution()

    @model_validator(mode="after")
    def _batch_can_be_cut(self) -> Self:
        execution = self.execution
        pieces = execution.processes * execution.accumulate
        if pieces > self.batch:
            raise ValueError(
                f"finetuning: a batch of {self.batch} cannot be divided into {pieces} pieces ({execution.processes} "
                f"processes x accumulate {execution.accumulate}). Raise `batch`, or lower `execution.accumulate` or "
                "`.processes`."
            )
        return self

    def with_processes(self, processes: int) -> "TrainingOptions":
        """Return the same for the actual number of processes, which a launcher may have chosen.

        Raises:
            UserError: A batch cannot be divided among that many.
        """
        changed = self.model_dump() | {"execution": self.execution.model_dump() | {"processes": processes}}
        return TrainingOptions.read(changed, "finetuning")
