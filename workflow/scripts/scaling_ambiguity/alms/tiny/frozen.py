"""Training behind a frozen audio tower: whitened states, and a perceptron that the projector starts from."""

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.functional import dropout, log_softmax

from scaling_ambiguity.seeds import derive_seed

SMALLEST_SPREAD = 1e-4
SAMPLED = 300  # clips whose states determine mean and spread
# The perceptron: passes over the clips, batch, peak learning rate, weight decay, dropout of inputs and hidden units.
PASSES, BATCH, RATE, DECAY, DROPPED, DROPPED_HIDDEN = 30, 64, 2e-3, 0.05, 0.2, 0.4


def moments(states: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return mean and standard deviation (D,) over the states of some of the clips, evenly chosen."""
    chosen = states[:: max(1, len(states) // SAMPLED)]
    rows = torch.cat([clip.float() for clip in chosen])
    return rows.mean(0), rows.std(0) + SMALLEST_SPREAD


def start_projector(
    projector: Any,
    means: torch.Tensor,
    targets: torch.Tensor,
    held_out: tuple[torch.Tensor, torch.Tensor],
    seed: int,
) -> float:
    """Train a perceptron on clips' mean states; its first layer becomes the projector. Return its held-out loss.

    dropout, projector, ReLU, dropout, linear, softmax; soft cross-entropy, AdamW, one cycle of the learning rate, the
    best pass on held-out clips.

    Args:
        projector: The model's; its ``linear`` is changed in place.
        means: Mean whitened states of the clips (n, D).
        targets: Label distributions (n, C).
        held_out: The same of clips on which the pass is chosen.
        seed: Of weights, order and dropout.
    """
    linear = projector.linear
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "tiny", "projector") % 2**63)
        torch.nn.init.normal_(linear.weight, std=means.shape[1] ** -0.5)
        torch.nn.init.zeros_(linear.bias)
        head = torch.nn.Linear(linear.out_features, targets.shape[1])
        weights = [*linear.parameters(), *head.parameters()]
        optimiser = torch.optim.AdamW(weights, lr=RATE, weight_decay=DECAY)
        batches = -(-len(means) // BATCH)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=PASSES * batches)
        least, best = float("inf"), [weight.detach().clone() for weight in weights]
        for _ in range(PASSES):
            for rows in torch.randperm(len(means)).split(BATCH):
                hidden = torch.relu(linear(dropout(means[rows], DROPPED)))
                loss = _soft_loss(head(dropout(hidden, DROPPED_HIDDEN)), targets[rows])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
            with torch.no_grad():
                held_out_loss = float(_soft_loss(head(torch.relu(linear(held_out[0]))), held_out[1]))
            if held_out_loss < least:
                least, best = held_out_loss, [weight.detach().clone() for weight in weights]
    with torch.no_grad():
        for weight, kept in zip(weights, best, strict=True):
            weight.copy_(kept)
    return least


def _soft_loss(scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return -(targets * log_softmax(scores, dim=-1)).sum(-1).mean()


@torch.no_grad()
def fold_whitening(projector: Any, mean: torch.Tensor, spread: torch.Tensor) -> None:
    """Change a projector of whitened states, W (x - mean) / spread + b, into the same function of the states x."""
    linear = projector.linear
    linear.weight /= spread
    linear.bias -= linear.weight @ mean
