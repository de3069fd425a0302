"""The loss of AmbER2: a divergence from the labels of raters and one from the experts of each modality."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from scaling_ambiguity.amber2.settings import LossSettings

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
LEAST = -1e4  # stands for log 0: exp gives 0 exactly, and 0 log 0 = 0 without a NaN in value or gradient


def jensen_shannon(log_p: torch.Tensor, log_q: torch.Tensor) -> torch.Tensor:
    """Return JS(p || q) per row, in nats, in [0, log 2], differentiable in both arguments.

    .5 sum_c [p_c log p_c + q_c log q_c] - sum_c m_c log m_c with m = (p + q) / 2 (Lin 1991, 10.1109/18.61115); its
    derivative by q_c is .5 log(q_c / m_c).

    Args:
        log_p: log p, shape (B, C); -inf stands for 0.
        log_q: log q, likewise.
    """
    log_p, log_q = log_p.clamp(min=LEAST), log_q.clamp(min=LEAST)
    log_mixture = torch.logaddexp(log_p, log_q) - math.log(2)
    return (log_p.exp() * (log_p - log_mixture) + log_q.exp() * (log_q - log_mixture)).sum(-1) / 2


def expert_weights(costs: torch.Tensor, present: torch.Tensor, kappa: float) -> torch.Tensor:
    """Return u, the softmax over the experts that are present of -kappa x cost; 0 for the others.

    With two experts u_1 = sigmoid(kappa (cost_2 - cost_1)).

    Args:
        costs: (B, M), in nats: JS(p_m || y), or the entropy of p_m.
        present: (B, M), 1 or 0.
        kappa: Per nat; 0 gives equal weights.
    """
    shifted = (-kappa * costs).masked_fill(present == 0, LEAST)
    return torch.softmax(shifted, dim=-1) * present


def effective_number_weights(targets: torch.Tensor, beta: float) -> torch.Tensor:
    """Return the weight of each class, (C,), with mean 1 (Cui et al. 2019, arXiv 1901.05555, equation 10).

    w_c is proportional to (1 - beta) / (1 - beta^n_c); n_c, the number of items whose majority is c, at least 1.

    Args:
        targets: Label distributions of the training part, (n, C).
        beta: In [0, 1); 0 gives equal weights.
    """
    numbers = majority(targets).double().sum(0).clamp(min=1)
    weights = (1 - beta) / (1 - beta**numbers)
    return (weights / weights.mean()).to(targets.dtype)


def majority(targets: torch.Tensor) -> torch.Tensor:
    """Return the most frequent class as a distribution, ties shared; (B, C) -> (B, C)."""
    top = (targets == targets.max(dim=-1, keepdim=True).values).to(targets.dtype)
    return top / top.sum(dim=-1, keepdim=True)


@dataclass(frozen=True)
class Outputs:
    """What the network says of a batch.

    Attributes:
        roles: Role -> output of its head, (B, C): log q, or log alpha of an evidential loss.
        logs: Role -> log q, (B, C).
        available: Role -> whether an input of the role is there, bool (B,).
        compared: The same after modality dropout: an expert whose modality the student was denied has no weight.
    """

    roles: dict[str, torch.Tensor]
    logs: dict[str, torch.Tensor]
    available: dict[str, torch.Tensor]
    compared: dict[str, torch.Tensor]


@dataclass(frozen=True)
class Objective:
    """The training loss of one system.

    lambda_r R(y, s) + experts_own sum_m R(y, p_m) + lambda_m sum_m u_m JS(s || p_m), a mean over the items. R is the
    divergence from the labels, JS in nats. As published: R = JS, experts_own = 0, and gradients through everything.

    Attributes:
        settings: Weights and switches.
        rater: R of each item, (B,).
        student: Role of the student.
        experts: Roles that it is compared with.
        taught: Roles that have a loss of their own.
        class_weights: Weight of each class, (C,), see :func:`effective_number_weights`; None: equal ones. An item has
            the mean weight of its label, in every term R.
    """

    settings: LossSettings
    rater: Loss
    student: str
    experts: Sequence[str]
    taught: Sequence[str]
    class_weights: torch.Tensor | None = None

    def __call__(self, outputs: Outputs, targets: torch.Tensor) -> torch.Tensor:
        """Return the loss of a batch; ``targets``: label distributions (B, C)."""
        settings = self.settings
        if settings.targets == "majority":
            targets = majority(targets)
        total = torch.zeros((), dtype=targets.dtype)
        if settings.lambda_r:
            total = total + settings.lambda_r * self._from_labels(outputs, self.student, targets)
        if settings.experts_own:
            for role in self.taught:
                total = total + settings.experts_own * self._from_labels(outputs, role, targets)
        if settings.lambda_m:
            total = total + settings.lambda_m * self._from_experts(outputs, targets)
        return total

    def _from_labels(self, outputs: Outputs, role: str, targets: torch.Tensor) -> torch.Tensor:
        """Return R of a role; items that it cannot read count 0."""
        output, there = outputs.roles[role], outputs.available[role]
        if self.class_weights is None and bool(there.all()):
            return self.rater(output, targets).mean()
        item_weights = there.to(targets.dtype)
        if self.class_weights is not None:
            item_weights = item_weights * (targets @ self.class_weights)
        return (item_weights * self.rater(output, targets)).mean()

    def _from_experts(self, outputs: Outputs, targets: torch.Tensor) -> torch.Tensor:
        """Return sum_m u_m JS(s || p_m), a mean over the batch."""
        student, stop = outputs.logs[self.student], self.settings.stop_gradient
        experts = [outputs.logs[role] for role in self.experts]
        there = torch.stack([outputs.compared[role] for role in self.experts], dim=-1)
        there = (there & outputs.available[self.student][:, None]).to(targets.dtype)
        weights = self._weights([log_p.detach() if stop.u else log_p for log_p in experts], targets, there)
        divergences = [jensen_shannon(student, log_p.detach() if stop.p else log_p) for log_p in experts]
        return (weights * torch.stack(divergences, dim=-1)).sum(-1).mean()

    def _weights(self, experts: list[torch.Tensor], targets: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
        if self.settings.weights == "uniform":
            return expert_weights(torch.zeros_like(there), there, 0.0)
        if self.settings.weights == "reliability":
            costs = [jensen_shannon(log_p, targets.log()) for log_p in experts]
        else:
            costs = [-(log_p.exp() * log_p.clamp(min=LEAST)).sum(-1) for log_p in experts]
        return expert_weights(torch.stack(costs, dim=-1), there, self.settings.kappa)
