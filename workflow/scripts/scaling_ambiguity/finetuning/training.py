"""The training of one seed: a fixed number of steps, validated on the way, the best step kept."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from scaling_ambiguity.alms.loading import LoadedALM
from scaling_ambiguity.alms.scoring import label_log_probabilities
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.finetuning.adapter import Adapter
from scaling_ambiguity.finetuning.inputs import FrozenInputs
from scaling_ambiguity.finetuning.schedule import Batches, rate_factor
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


@torch.inference_mode()
def log_distributions(alm: LoadedALM, inputs: FrozenInputs, classes: list[str]) -> torch.Tensor:
    """Return the model's log-distributions over ``classes``, float32 (n, C) on the CPU, in fixed batches."""
    rows = list(range(len(inputs)))
    parts = [
        label_log_probabilities(alm, inputs.batch(rows[start : start + ROWS_AT_ONCE]), classes).cpu()
        for start in range(0, len(rows), ROWS_AT_ONCE)
    ]
    return torch.cat(parts)


def predict(alm: LoadedALM, inputs: FrozenInputs, classes: list[str]) -> np.ndarray:
    """Return the predicted distributions, float64 (n, C), rows summing to 1."""
    values = np.exp(log_distributions(alm, inputs, classes).numpy().astype(np.float64))
    return values / values.sum(axis=1, keepdims=True)


def train_seed(
    alm: LoadedALM,
    adapter: Adapter,
    train: FrozenInputs,
    validation: FrozenInputs,
    *,
    classes: list[str],
    loss: Loss,
    options: dict,
    seed: int,
    state: Path,
    fingerprint: str,
) -> Trained:
    """Train ``adapter`` for ``options["steps"]`` steps; afterwards it holds the weights of the best step.

    AdamW, linear warm-up and cosine, gradient norm clipped. Batches and dropout are drawn by
    (seed, step), so the state (weights, optimiser, curve, best weights), saved at every
    validation, is all that a resumed training needs to end bit for bit like one that was
    never interrupted.

    Args:
        alm: The model that holds the adapter.
        adapter: Reset here.
        train: Training inputs.
        validation: Validation inputs, judged with the same loss and the arm's own labels.
        classes: The class set, in order.
        loss: From :func:`~scaling_ambiguity.finetuning.losses.choose_loss`.
        options: The ``finetuning`` part of the configuration.
        seed: Seed of this training.
        state: Folder for the state.
        fingerprint: Identifies this training; a state of another one is set aside.
    """
    steps, every = options["steps"], options["evaluate_every"]
    batches = Batches(train.examples.utterances, options["batch"], seed)
    adapter.reset(seed)
    optimiser = torch.optim.AdamW(
        adapter.parameters, lr=options["learning_rate"], weight_decay=options["weight_decay"], foreach=False
    )
    targets = validation.targets(list(range(len(validation)))).cpu()

    def validate() -> float:
        return float(loss(log_distributions(alm, validation, classes), targets))

    saved = load_state(state, fingerprint)
    if saved is None:
        first = {"step": 0, "train_loss": float("nan"), "validation_loss": validate(), "learning_rate": 0.0}
        saved = {"step": 0, "seconds": 0.0, "curve": [first], "best": adapter.weights(), "best_step": 0}
    else:
        adapter.load(saved["weights"])
        optimiser.load_state_dict(saved["optimiser"])
    resumed, started, before = saved["step"], time.monotonic(), saved["seconds"]
    losses: list[float] = []
    for step in range(resumed, steps):
        rate = options["learning_rate"] * rate_factor(step, steps, options["warmup"])
        for group in optimiser.param_groups:
            group["lr"] = rate
        torch.manual_seed(derive_seed(seed, "dropout", step) % 2**63)
        rows = batches.rows(step)
        losses.append(_step(alm, adapter, optimiser, train, rows, classes, loss, options["clip"]))
        if not np.isfinite(losses[-1]):
            raise UserError(f"training diverged at step {step + 1}. Lower `finetuning.learning_rate`.")
        if (step + 1) % every and step + 1 < steps:
            continue
        row = {"step": step + 1, "train_loss": float(np.mean(losses))}
        row |= {"validation_loss": validate(), "learning_rate": rate}
        losses = []
        earlier = [point["validation_loss"] for point in saved["curve"][1:]]
        if not earlier or row["validation_loss"] < min(earlier):
            saved |= {"best": adapter.weights(), "best_step": step + 1}
        saved["curve"].append(row)
        saved |= {"step": step + 1, "weights": adapter.weights(), "optimiser": optimiser.state_dict()}
        saved["seconds"] = before + time.monotonic() - started
        save_state(state, fingerprint, saved)
    adapter.load(saved["best"])
    return Trained(saved["curve"], saved["best_step"], saved["seconds"], resumed)


def _step(alm, adapter, optimiser, train, rows, classes, loss, clip) -> float:
    """Make one optimiser step and return its loss."""
    adapter.training(True)
    value = loss(label_log_probabilities(alm, train.batch(rows), classes), train.targets(rows))
    optimiser.zero_grad(set_to_none=True)
    value.backward()
    torch.nn.utils.clip_grad_norm_(adapter.parameters, clip, foreach=False)
    optimiser.step()
    adapter.training(False)
    return float(value.detach())
