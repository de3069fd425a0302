"""The training of one seed: optimiser steps, validation, the best step, and a state to continue from."""

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.seeds import derive_seed
from scaling_ambiguity.training.interrupts import Interrupts
from scaling_ambiguity.training.memory import explain_out_of_memory, foresee
from scaling_ambiguity.training.online import AlteredInputs, OnlineStep
from scaling_ambiguity.training.options import TrainingOptions
from scaling_ambiguity.training.schedule import Batches, rate_factor
from scaling_ambiguity.training.state import load_state, save_state
from scaling_ambiguity.training.team import ALONE, Team
from scaling_ambiguity.training.trainee import Inputs, Trainee

ROWS_AT_ONCE = 32


@dataclass(frozen=True)
class Training:
    """One training.

    Attributes:
        options: Settings common to all trainings of the run.
        seed: Seed of this one.
        state: Folder of its state.
        fingerprint: Identifies it; the state of another training is set aside.
        online: Alters recordings of the training part each time they are drawn; validation is never altered.
    """

    options: TrainingOptions
    seed: int
    state: Path
    fingerprint: str
    online: OnlineStep | None = None


@dataclass(frozen=True)
class Trained:
    """The result of a finished training.

    Attributes:
        curve: One row per validation: step, train_loss (mean since the last one; NaN at step 0),
            validation_loss, learning_rate (of the last step).
        best_step: The validated step with the lowest validation loss, the earliest on ties. Step 0, the model before
            training, is in the curve but not a candidate, so that every arm is trained.
        seconds: Time spent training, over all attempts.
        resumed_from: Step the last attempt started at, 0 if it was the first.
    """

    curve: list[dict[str, float]]
    best_step: int
    seconds: float
    resumed_from: int


@torch.no_grad()  # not inference mode: weights gathered in it could not be used for a gradient later
def log_distributions(trainee: Trainee, inputs: Inputs, team: Team = ALONE) -> torch.Tensor:
    """Return the model's log-distributions of all ``inputs``, float32 (n, C) on the CPU.

    The batches are fixed; a team shares them in turn, which does not change the result by a bit. For a
    sharded model every process computes equally often: a process without a batch repeats the first.
    """
    rows = list(range(len(inputs)))
    chunks = [rows[start : start + ROWS_AT_ONCE] for start in range(0, len(rows), ROWS_AT_ONCE)]
    values = torch.zeros(len(rows), len(trainee.classes))
    for chunk in chunks[team.rank :: team.size]:
        values[chunk] = trainee.log_distributions(inputs.batch(chunk)).cpu()
    if len(chunks) % team.size and team.rank >= len(chunks) % team.size and trainee.gathered_bytes:
        trainee.log_distributions(inputs.batch(chunks[0]))
    return team.fill(values)


def predict(trainee: Trainee, inputs: Inputs, team: Team = ALONE) -> np.ndarray:
    """Return the predicted distributions, float64 (n, C), rows summing to 1."""
    values = np.exp(log_distributions(trainee, inputs, team).numpy().astype(np.float64))
    return values / values.sum(axis=1, keepdims=True)


def train_seed(
    trainee: Trainee,
    train: Inputs,
    validation: Inputs,
    training: Training,
    team: Team = ALONE,
    interrupts: Interrupts | None = None,
) -> Trained:
    """Train for ``training.options.steps`` steps; afterwards ``trainee`` holds the weights of the best step.

    AdamW, linear warm-up and cosine, gradient norm clipped. Learning rate, batches and dropout are
    functions of (seed, step), so the state (weights, optimiser, curve, best weights, losses since
    the last validation), saved at every validation and every ``execution.state_every`` steps, is
    all that a resumed training needs to give bit-identical results to an uninterrupted one.

    Args:
        trainee: The model, reset here.
        train: Training inputs.
        validation: Validation inputs, evaluated with the model's loss and the arm's own labels.
        training: Options, seed and state.
        team: The processes that share every batch; only the main one writes.
        interrupts: Checked after every step; if a signal was received, the state is saved and the program ends.

    Raises:
        UserError: The loss is not finite, or there is not enough memory.
    """
    return _Loop(trainee, train, validation, training, team, interrupts or Interrupts()).run()


class _Loop:
    """The steps of one training and their shared state."""

    def __init__(
        self,
        trainee: Trainee,
        train: Inputs,
        validation: Inputs,
        training: Training,
        team: Team,
        interrupts: Interrupts,
    ):
        self.trainee, self.train, self.validation = trainee, train, validation
        self.training, self.team, self.interrupts = training, team, interrupts
        self.options = training.options.with_processes(team.size)
        self.execution = self.options.execution
        lengths = train.lengths() if self.execution.group_by_length else None
        self.batches = Batches(train.examples.utterances, self.options.batch, training.seed, lengths)
        trainee.reset(training.seed)
        self.optimiser = torch.optim.AdamW(
            trainee.parameters,
            lr=self.options.learning_rate,
            weight_decay=self.options.weight_decay,
            foreach=False,
            fused=trainee.fused,
        )
        self.validation_targets = validation.targets(list(range(len(validation)))).cpu()
        self.saved = self._start()
        self.resumed_from: int = self.saved["step"]
        self.losses: list[float] = self.saved["losses"]
        self.seconds_before, self.started = self.saved["seconds"], time.monotonic()

    def _start(self) -> dict[str, Any]:
        """Return the state of an earlier attempt, loaded into model and optimiser, or that of a new training."""
        training = self.training
        saved = self.team.share(load_state(training.state, training.fingerprint) if self.team.main else None)
        if saved is None:
            first = {"step": 0, "train_loss": float("nan"), "validation_loss": self._validate(), "learning_rate": 0.0}
            best = self.trainee.weights()
            return {"step": 0, "seconds": 0.0, "curve": [first], "best": best, "best_step": 0, "losses": []}
        self.trainee.load(saved["weights"])
        self.optimiser.load_state_dict(saved["optimiser"])
        return saved

    def run(self) -> Trained:
        """Carry out the remaining steps."""
        options, foreseen = self.options, None
        if self.resumed_from < options.steps:
            foreseen = foresee(self.trainee, self.train, self._loss, options)
            if self.team.main:
                print(foreseen.describe(), file=sys.stderr)
        for step in range(self.resumed_from, options.steps):
            rate = options.learning_rate * rate_factor(step, options.steps, options.warmup)
            for group in self.optimiser.param_groups:
                group["lr"] = rate
            with self.interrupts.safe_points_only(), explain_out_of_memory(foreseen):
                loss, asked = self._step(step)
                self.losses.append(loss)
                if not np.isfinite(loss):
                    raise UserError(f"training diverged at step {step + 1}. Lower `finetuning.learning_rate`.")
                last = step + 1 == options.steps
                if (step + 1) % options.evaluate_every == 0 or last:
                    self._evaluate(step + 1, rate)
                    self._save(step + 1)
                # A team must agree: a signal received after the sum waits for that of the next step.
                asked = asked or (self.team.size == 1 and self.interrupts.asked)
                every = self.execution.state_every
                if self.saved["step"] != step + 1 and (asked or (every and (step + 1) % every == 0)):
                    self._save(step + 1)
            if asked:
                self.interrupts.stop()
        self.trainee.load(self.saved["best"])
        return Trained(self.saved["curve"], self.saved["best_step"], self.saved["seconds"], self.resumed_from)

    def _step(self, step: int) -> tuple[float, bool]:
        """Make one optimiser step; return the loss of the whole batch and whether any process was asked to stop."""
        trainee, team, training = self.trainee, self.team, self.training
        inputs = training.online.at(self.train, training.seed, step) if training.online else self.train
        pieces = self.execution.pieces(self.batches.rows(step), team.rank)
        trainee.train(True)
        self.optimiser.zero_grad(set_to_none=True)
        total = 0.0
        for number, rows in enumerate(pieces):
            place = team.rank * len(pieces) + number
            _seed_dropout(trainee.device, derive_seed(training.seed, "dropout", step, *([place] if place else [])))
            loss = self._loss(rows, inputs) * (len(rows) / self.options.batch)
            loss.backward()
            total += float(loss.detach())
        gradients = [parameter.grad for parameter in trainee.parameters]
        total, asked = team.add(gradients, [total, float(self.interrupts.asked)], trainee.parameters)
        torch.nn.utils.clip_grad_norm_(trainee.parameters, self.options.clip, foreach=False)
        self.optimiser.step()
        trainee.train(False)
        return total, asked > 0

    def _loss(self, rows: list[int], inputs: Inputs | AlteredInputs | None = None) -> torch.Tensor:
        """Return the training loss of some rows of the training part, differentiable."""
        trainee, bf16 = self.trainee, self.execution.precision == "bf16"
        with torch.autocast(trainee.device.type, torch.bfloat16, enabled=bf16):
            return trainee.batch_loss((inputs or self.train).batch(rows), self.train.targets(rows))

    def _validate(self) -> float:
        return float(
            self.trainee.loss(log_distributions(self.trainee, self.validation, self.team), self.validation_targets)
        )

    def _evaluate(self, step: int, rate: float) -> None:
        """Add a row to the curve; keep the weights if no earlier step was as good.

        Step 0 counts as one only for models that begin at the prior.
        """
        row = {"step": step, "train_loss": float(np.mean(self.losses))}
        row |= {"validation_loss": self._validate(), "learning_rate": rate}
        self.losses = []
        first = 0 if self.trainee.begins_at_prior else 1
        earlier = [point["validation_loss"] for point in self.saved["curve"][first:]]
        if not earlier or row["validation_loss"] < min(earlier):
            self.saved |= {"best": self.trainee.weights(), "best_step": step}
        self.saved["curve"].append(row)

    def _save(self, step: int) -> None:
        seconds = self.seconds_before + time.monotonic() - self.started
        self.saved.update(step=step, weights=self.trainee.weights(), losses=self.losses, seconds=seconds)
        self.saved["optimiser"] = self.optimiser.state_dict()
        if self.team.main:
            save_state(self.training.state, self.training.fingerprint, self.saved)


def _seed_dropout(device: torch.device, seed: int) -> None:
    """Seed the generator that dropout on ``device`` draws from.

    On a CPU that generator alone: ``torch.manual_seed`` keeps a stack trace per absent kind of device and call.
    """
    seed %= 2**63
    if device.type == "cpu":
        torch.default_generator.manual_seed(seed)
    else:
        torch.manual_seed(seed)
