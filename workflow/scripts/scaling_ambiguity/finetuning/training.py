"""The training of one seed: a fixed number of steps, validated on the way, the best step kept."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.finetuning.checkpointing import recomputed_layers
from scaling_ambiguity.finetuning.execution import Execution
from scaling_ambiguity.finetuning.heads import log_probabilities
from scaling_ambiguity.finetuning.interrupts import Interrupts
from scaling_ambiguity.finetuning.kinds import Inputs, Opened, Trainee
from scaling_ambiguity.finetuning.memory import explain_out_of_memory, foresee
from scaling_ambiguity.finetuning.online import AlteredInputs, OnlineStep
from scaling_ambiguity.finetuning.parallel import ALONE, Team
from scaling_ambiguity.finetuning.schedule import Batches, rate_factor
from scaling_ambiguity.finetuning.sharding import is_sharded
from scaling_ambiguity.finetuning.state import load_state, save_state
from scaling_ambiguity.seeds import derive_seed

ROWS_AT_ONCE = 32

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Trained:
    """What a finished training leaves.

    Attributes:
        curve: One row a validation: step, train_loss (mean since the last one; NaN at step 0),
            validation_loss, learning_rate (of the last step).
        best_step: The validated step with the lowest validation loss, the earliest on ties.
            Step 0, the model as it came, is in the curve but no candidate: every arm is trained.
        seconds: Time spent training, over all attempts.
        resumed_from: Step the last attempt started at, 0 if it was the first.
    """

    curve: list[dict[str, float]]
    best_step: int
    seconds: float
    resumed_from: int


@torch.no_grad()  # not inference mode: weights gathered in it could not be used for a gradient later
def log_distributions(alm: Opened, inputs: Inputs, classes: list[str], team: Team = ALONE) -> torch.Tensor:
    """Return the model's log-distributions over ``classes``, float32 (n, C) on the CPU.

    The batches are fixed; those of a team are dealt out in turn, which changes no bit of the result. Of a
    sharded model every process computes equally often: who has no batch left repeats the first.
    """
    rows = list(range(len(inputs)))
    values = torch.zeros(len(rows), len(classes))
    chunks = [rows[start : start + ROWS_AT_ONCE] for start in range(0, len(rows), ROWS_AT_ONCE)]
    for chunk in chunks[team.rank :: team.size]:
        values[chunk] = log_probabilities(alm, inputs.batch(chunk), classes).cpu()
    if len(chunks) % team.size and team.rank >= len(chunks) % team.size and is_sharded(alm):
        log_probabilities(alm, inputs.batch(chunks[0]), classes)
    return team.fill(values)


def predict(alm: Opened, inputs: Inputs, classes: list[str], team: Team = ALONE) -> np.ndarray:
    """Return the predicted distributions, float64 (n, C), rows summing to 1."""
    values = np.exp(log_distributions(alm, inputs, classes, team).numpy().astype(np.float64))
    return values / values.sum(axis=1, keepdims=True)


def train_seed(
    alm: Opened,
    adapter: Trainee,
    train: Inputs,
    validation: Inputs,
    *,
    classes: list[str],
    loss: Loss,
    options: dict,
    seed: int,
    state: Path,
    fingerprint: str,
    team: Team = ALONE,
    interrupts: Interrupts | None = None,
    online: OnlineStep | None = None,
) -> Trained:
    """Train ``adapter`` for ``options["steps"]`` steps; afterwards it holds the weights of the best step.

    AdamW, linear warm-up and cosine, gradient norm clipped. Learning rate, batches and dropout are
    functions of (seed, step), so the state (weights, optimiser, curve, best weights, losses since
    the last validation), saved at every validation and every ``execution.state_every`` steps, is
    all that a resumed training needs to end bit for bit like one that was never interrupted.

    Args:
        alm: The model that holds the adapter.
        adapter: Reset here.
        train: Training inputs.
        validation: Validation inputs, judged with the same loss and the arm's own labels.
        classes: The class set, in order.
        loss: From :func:`~scaling_ambiguity.finetuning.losses.choose_loss`; a mean over the batch.
        options: The ``finetuning`` part of the configuration.
        seed: Seed of this training.
        state: Folder for the state.
        fingerprint: Identifies this training; a state of another one is set aside.
        team: The processes that share every batch; only the main one writes.
        interrupts: Asked after every step; if a signal came, the state is saved and the program left.
        online: Alters recordings of ``train`` whenever they are drawn; validation is never altered.

    Raises:
        UserError: The loss is not finite, or there is not enough memory.
    """
    steps, every = options["steps"], options["evaluate_every"]
    execution = Execution.of(options).with_processes(team.size, options["batch"])
    lengths = train.lengths() if execution.group_by_length else None
    batches = Batches(train.examples.utterances, options["batch"], seed, lengths)
    interrupts = interrupts or Interrupts()
    adapter.reset(seed)
    optimiser = torch.optim.AdamW(
        adapter.parameters, lr=options["learning_rate"], weight_decay=options["weight_decay"], foreach=False
    )
    targets = validation.targets(list(range(len(validation)))).cpu()

    def validate() -> float:
        return float(loss(log_distributions(alm, validation, classes, team), targets))

    def forward(rows: list[int], heard: Inputs | AlteredInputs = train) -> torch.Tensor:
        with recomputed_layers(alm, execution.checkpointing), _precision(alm, execution):
            return log_probabilities(alm, heard.batch(rows), classes)

    saved = team.share(load_state(state, fingerprint) if team.main else None)
    if saved is None:
        first = {"step": 0, "train_loss": float("nan"), "validation_loss": validate(), "learning_rate": 0.0}
        saved = {"step": 0, "seconds": 0.0, "curve": [first], "best": adapter.weights(), "best_step": 0, "losses": []}
    else:
        adapter.load(saved["weights"])
        optimiser.load_state_dict(saved["optimiser"])
    resumed, started, before = saved["step"], time.monotonic(), saved["seconds"]
    losses: list[float] = saved["losses"]

    def save(step: int) -> None:
        saved.update(step=step, weights=adapter.weights(), optimiser=optimiser.state_dict(), losses=losses)
        saved["seconds"] = before + time.monotonic() - started
        if team.main:
            save_state(state, fingerprint, saved)

    foreseen = foresee(alm, adapter, train, forward, options["batch"], execution) if resumed < steps else None
    if team.main and foreseen:
        print(foreseen.describe(), file=sys.stderr)
    for step in range(resumed, steps):
        rate = options["learning_rate"] * rate_factor(step, steps, options["warmup"])
        for group in optimiser.param_groups:
            group["lr"] = rate
        with interrupts.safe_points_only(), explain_out_of_memory(foreseen):
            pieces = execution.pieces(batches.rows(step), team.rank)
            now = forward if online is None else partial(forward, heard=online.at(train, seed, step))
            value, asked = _step(adapter, optimiser, train, pieces, now, loss, options, (seed, step), team, interrupts)
            losses.append(value)
            if not np.isfinite(value):
                raise UserError(f"training diverged at step {step + 1}. Lower `finetuning.learning_rate`.")
            if (step + 1) % every == 0 or step + 1 == steps:
                row = {"step": step + 1, "train_loss": float(np.mean(losses))}
                row |= {"validation_loss": validate(), "learning_rate": rate}
                losses = []
                earlier = [point["validation_loss"] for point in saved["curve"][1:]]
                if not earlier or row["validation_loss"] < min(earlier):
                    saved |= {"best": adapter.weights(), "best_step": step + 1}
                saved["curve"].append(row)
                save(step + 1)
                asked = asked or (team.size == 1 and interrupts.asked)
            else:
                # A team must agree: there, a signal that came since the sum waits for the next step's.
                asked = asked or (team.size == 1 and interrupts.asked)
                if asked or (execution.state_every and (step + 1) % execution.state_every == 0):
                    save(step + 1)
        if asked:
            interrupts.stop()
    adapter.load(saved["best"])
    return Trained(saved["curve"], saved["best_step"], saved["seconds"], resumed)


def _precision(alm: Opened, execution: Execution) -> torch.autocast:
    """Return the context of a training's forward pass."""
    return torch.autocast(alm.device.type, torch.bfloat16, enabled=execution.precision == "bf16")


def _step(
    adapter: Trainee,
    optimiser: torch.optim.Optimizer,
    train: Inputs,
    pieces: list[list[int]],
    forward: Callable[[list[int]], torch.Tensor],
    loss: Loss,
    options: dict,
    moment: tuple[int, int],
    team: Team,
    interrupts: Interrupts,
) -> tuple[float, bool]:
    """Make one optimiser step; return the loss of the whole batch and whether any process was asked to stop."""
    adapter.training(True)
    optimiser.zero_grad(set_to_none=True)
    total = 0.0
    for number, rows in enumerate(pieces):
        place = team.rank * len(pieces) + number
        torch.manual_seed(derive_seed(moment[0], "dropout", moment[1], *([place] if place else [])) % 2**63)
        value = loss(forward(rows), train.targets(rows)) * (len(rows) / options["batch"])
        value.backward()
        total += float(value.detach())
    gradients = [parameter.grad for parameter in adapter.parameters]
    total, asked = team.add(gradients, [total, float(interrupts.asked)], adapter.parameters)
    torch.nn.utils.clip_grad_norm_(adapter.parameters, options["clip"], foreach=False)
    optimiser.step()
    adapter.training(False)
    return total, asked > 0
