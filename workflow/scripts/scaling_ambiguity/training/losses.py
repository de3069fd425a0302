"""Training losses between a label distribution and a model's output for the labels."""

import math
from collections.abc import Callable, Mapping

import torch
from torch.nn.functional import log_softmax, softplus

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.training.transport import transport_loss

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

HEADS = ("labels", "faithful")
EVIDENTIAL = "dirichlet"  # the loss for models that output log alpha instead of log q
REGULARISER = 0.1  # weight of the divergence from the uninformative distribution in `dirichlet`


def log_output(logits: torch.Tensor, evidential: bool) -> torch.Tensor:
    """Return the output of a head for the classes, (B, C): log-probabilities log q of its logits.

    For an evidential head, log alpha of a Dirichlet distribution, alpha = 1 + softplus(logit); alpha, normalised, is
    the mean.
    """
    return torch.log1p(softplus(logits)) if evidential else log_softmax(logits, dim=-1)


def _negative_entropy(p: torch.Tensor) -> torch.Tensor:
    return torch.xlogy(p, p).sum(-1)


def nll(log_probabilities: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return - sum_c p_c log q_c of each item, (B,), in nats.

    With p the relative frequencies of an utterance's votes this is the negative log-likelihood of
    one of its votes, and the same number as the soft cross-entropy (``soft_ce``).

    Args:
        log_probabilities: log q, shape (B, C).
        targets: p, shape (B, C), rows summing to 1.
    """
    return -(targets * log_probabilities).sum(-1)


def kl(log_probabilities: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return KL(p || q) = sum_c p_c log(p_c / q_c) of each item, (B,), in nats, >= 0.

    Its gradient is that of :func:`nll`; its value is 0 where the model equals the target. Arguments as there.
    """
    return _negative_entropy(targets) - (targets * log_probabilities).sum(-1)


def jsd(log_probabilities: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the Jensen-Shannon divergence of each item, (B,), in nats, in [0, log 2] (Lin 1991, 10.1109/18.61115).

    (KL(p || m) + KL(q || m)) / 2 with m = (p + q) / 2, the published training loss. Arguments as :func:`nll`.
    """
    log_mixture = torch.logaddexp(targets.log(), log_probabilities) - math.log(2)
    divergence_of_q = (log_probabilities.exp() * (log_probabilities - log_mixture)).sum(-1)
    theirs = _negative_entropy(targets) - (targets * log_mixture).sum(-1)
    return (divergence_of_q + theirs) / 2


def dirichlet(log_alpha: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the evidential loss of Dirichlet parameters alpha of each item, (B,), in nats.

    sum_c p_c (psi(a_0) - psi(a_c)) + lambda KL(Dir(a~) || Dir(1)), a~ = p + (1 - p) a, a_0 = sum_c a_c:
    the expected cross-entropy under Dir(alpha) and the removal of evidence for other classes (Sensoy, Kaplan
    and Kandemir 2018, arXiv 1806.01768, equations 4 and 5, here with soft targets). lambda is 0.1 throughout:
    annealed as published, the validation losses of two steps could not be compared.

    Args:
        log_alpha: (B, C), alpha > 0.
        targets: p, shape (B, C), rows summing to 1.
    """
    alpha = log_alpha.exp()
    risk = (targets * (torch.digamma(alpha.sum(-1, keepdim=True)) - torch.digamma(alpha))).sum(-1)
    other = targets + (1 - targets) * alpha
    total = other.sum(-1, keepdim=True)
    divergence = (
        torch.lgamma(total[..., 0])
        - torch.lgamma(other).sum(-1)
        - torch.lgamma(torch.tensor(float(other.shape[-1])))
        + ((other - 1) * (torch.digamma(other) - torch.digamma(total))).sum(-1)
    )
    return risk + REGULARISER * divergence


def entropy(log_weights: torch.Tensor) -> torch.Tensor:
    """Return the entropy of the prediction of each item, (B,), in nats; rows (B, C) are normalised first."""
    logs = log_softmax(log_weights, dim=-1)
    return -(logs.exp() * logs).sum(-1)


LOSSES: dict[str, Loss] = {"nll": nll, "soft_ce": nll, "kl": kl, "jsd": jsd, EVIDENTIAL: dirichlet}


def choose_loss(protocol: Mapping, classes: list[str] | tuple[str, ...] = ()) -> Loss:
    """Return the mean over a batch of :func:`choose_item_loss`; arguments as there."""
    loss = choose_item_loss(protocol, classes)
    return lambda output, targets: loss(output, targets).mean()


def choose_item_loss(protocol: Mapping, classes: list[str] | tuple[str, ...] = ()) -> Loss:
    """Return the loss of each item, (B,), that a protocol names, with its entropy term where it has one.

    Args:
        protocol: ``head`` and ``loss``; for ``emd`` also ``geometry``, {class: position on a line, or in a plane};
            ``entropy_weight`` w adds w times the entropy of the prediction (published: 0.08), which
            sharpens the learnt distribution.
        classes: The class set, in order; needed for ``emd``.

    Raises:
        UserError: Head or loss is unknown, they are incompatible, or the geometry lacks a class.
    """
    head, name = protocol.get("head"), protocol.get("loss")
    if head not in HEADS:
        raise UserError(f"protocol head {head!r} is unknown; accepted: {', '.join(HEADS)}.")
    if name not in (*LOSSES, "emd"):
        raise UserError(f"protocol loss {name!r} is unknown; accepted: {', '.join((*LOSSES, 'emd'))}.")
    if name == EVIDENTIAL and head != "faithful":
        raise UserError(
            f"protocol loss {name!r} needs evidence in addition to probabilities, which label words lack; "
            "use head `faithful`."
        )
    loss = transport_loss(protocol.get("geometry", {}), list(classes)) if name == "emd" else LOSSES[name]
    weight = protocol.get("entropy_weight", 0)
    if not weight:
        return loss
    return lambda log_weights, targets: loss(log_weights, targets) + weight * entropy(log_weights)
