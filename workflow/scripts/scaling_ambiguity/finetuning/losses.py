"""Training losses between a label distribution and the distribution a model gives to the labels."""

from collections.abc import Callable

import torch

from scaling_ambiguity.errors import UserError


def nll(log_probabilities: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return - sum_c p_c log q_c, mean over the batch, in nats.

    Args:
        log_probabilities: log q, shape (B, C).
        targets: p, shape (B, C), rows summing to 1.
    """
    return -(targets * log_probabilities).sum(-1).mean()


LOSSES = {"nll": nll}


def choose_loss(protocol: dict) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """Return the loss a protocol names; UserError if head or loss is unknown."""
    if protocol.get("head") != "labels":
        raise UserError(f"protocol head {protocol.get('head')!r} is unknown; accepted: labels.")
    if protocol.get("loss") not in LOSSES:
        raise UserError(f"protocol loss {protocol.get('loss')!r} is unknown; accepted: {', '.join(LOSSES)}.")
    return LOSSES[protocol["loss"]]
