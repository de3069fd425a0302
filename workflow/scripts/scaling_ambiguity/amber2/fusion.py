"""Ways to join speech and text: of their vectors, or of the predictions of each."""

import math

import torch
from torch import nn

from scaling_ambiguity.amber2.settings import BOTH, SPEECH, TEXT


class Concatenation(nn.Module):
    """Both vectors side by side; a learned vector stands in for a modality that is absent.

    Attributes:
        width: Numbers of a joined vector.
    """

    def __init__(self, speech: int, text: int):
        super().__init__()
        self.width = speech + text
        self.absent = nn.Parameter(torch.zeros(2, self.width))

    def forward(self, speech: torch.Tensor, text: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
        """Standardised vectors (B, D_speech), (B, D_text), zeros where absent, and presence (B, 2) -> (B, width)."""
        return torch.cat([speech, text], dim=-1) + (1 - present) @ self.absent


class GatedUnit(nn.Module):
    """The gated multimodal unit (Arevalo et al. 2017, arXiv 1702.01992): g tanh(U a) + (1 - g) tanh(V t).

    g = sigmoid(W [a; t] + b + E (1 - presence)) has one number per unit, or one per item. An absent modality is a zero
    vector, so that it adds nothing but its presence bit.

    Attributes:
        width: Numbers of a joined vector.
    """

    def __init__(self, speech: int, text: int, width: int, gates: int):
        super().__init__()
        self.width = width
        self.gate = nn.Linear(speech + text, gates)
        self.speech = nn.Linear(speech, width, bias=False)
        self.text = nn.Linear(text, width, bias=False)
        self.absent = nn.Parameter(torch.zeros(2, gates))

    def forward(self, speech: torch.Tensor, text: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
        """Standardised vectors (B, D_speech), (B, D_text), zeros where absent, and presence (B, 2) -> (B, width)."""
        gate = torch.sigmoid(self.gate(torch.cat([speech, text], dim=-1)) + (1 - present) @ self.absent)
        return gate * torch.tanh(self.speech(speech)) + (1 - gate) * torch.tanh(self.text(text))


def join_vectors(fusion: str, speech: int, text: int, width: int) -> Concatenation | GatedUnit:
    """Return the module that joins vectors of ``speech`` and ``text`` numbers; ``width`` is that of a gated unit."""
    if fusion == "concat":
        return Concatenation(speech, text)
    return GatedUnit(speech, text, width, gates=width if fusion == "gated" else 1)


class Composition(nn.Module):
    """The prediction of both from those of each modality: `late` mean, `product` of experts, or a learned `stack`.

    late: (p_A + p_T) / 2; product: sqrt(p_A p_T), normalised; stack: softmax(w_A log p_A + w_T log p_T + b), which is
    the same in log-probabilities as in logits. Where one modality is absent the prediction of the other is taken.
    """

    def __init__(self, fusion: str, classes: int):
        super().__init__()
        self.fusion = fusion
        if fusion == "stack":
            self.scale = nn.Parameter(torch.full((2,), 0.5))
            self.shift = nn.Parameter(torch.zeros(classes))

    def forward(self, speech: torch.Tensor, text: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
        """Log-probabilities (B, C) of each modality and presence (B, 2) -> log-probabilities (B, C)."""
        if self.fusion == "late":
            joined = torch.logaddexp(speech, text) - math.log(2)
        elif self.fusion == "product":
            joined = torch.log_softmax((speech + text) / 2, dim=-1)
        else:
            joined = torch.log_softmax(self.scale[0] * speech + self.scale[1] * text + self.shift, dim=-1)
        there = present.bool()
        one = torch.where(there[:, :1], speech, text)
        return torch.where(there.all(-1, keepdim=True), joined, one)


def drop_modalities(present: torch.Tensor, probability: float) -> torch.Tensor:
    """Return ``present`` (B, 2) without speech, or without text, with the stated probability each.

    Never without both, and only of items that have both.
    """
    drawn = torch.rand(len(present), 1)
    dropped = torch.cat([drawn < probability, (drawn >= probability) & (drawn < 2 * probability)], dim=-1)
    return present * (1 - (dropped & present.bool().all(-1, keepdim=True)).to(present.dtype))


def role_presence(present: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return whether a role has anything to read, bool (B,) each, of the presence (B, 2) of speech and text."""
    there = present.bool()
    return {BOTH: there.any(-1), SPEECH: there[:, 0], TEXT: there[:, 1]}
