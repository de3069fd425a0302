"""The published head, which reads the labels from the hidden states instead of the label words."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.functional import gelu

from scaling_ambiguity.alms.loading import LoadedALM
from scaling_ambiguity.alms.parts import parts
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import write_json
from scaling_ambiguity.seeds import derive_seed
from scaling_ambiguity.training.losses import EVIDENTIAL, log_output

ATTENTION_HEADS = 8
WEIGHTS, SHAPE = "head.safetensors", "head.json"


class AttentionHead(nn.Module):
    """The published head (arXiv 2601.14620): one self-attention query, two blocks, a linear layer.

    Hidden states (B, T, H) -> 8-head self-attention, read at the first position -> LayerNorm, linear, dropout .15,
    GELU, residual -> LayerNorm, linear to H / 2, dropout .1, GELU -> LayerNorm, linear to C. Unlike there, padding is
    neither attended to nor mistaken for the first position: an utterance's prediction does not depend on the rest of
    its batch.
    """

    def __init__(self, width: int, classes: int, evidential: bool = False):
        """``width`` H is a multiple of 8; ``classes`` C; ``evidential``: its outputs are evidence, not logits.

        Raises:
            UserError: ``width`` cannot be divided among the heads.
        """
        super().__init__()
        self.evidential = evidential
        if width % ATTENTION_HEADS:
            raise UserError(
                f"head `faithful` needs a multiple of {ATTENTION_HEADS}; the model has hidden size {width}."
            )
        self.attention = nn.MultiheadAttention(width, ATTENTION_HEADS, batch_first=True)
        self.first_norm, self.first = nn.LayerNorm(width), nn.Linear(width, width)
        self.second_norm, self.second = nn.LayerNorm(width), nn.Linear(width, width // 2)
        self.last_norm, self.last = nn.LayerNorm(width // 2), nn.Linear(width // 2, classes)
        self.first_dropout, self.second_dropout = nn.Dropout(0.15), nn.Dropout(0.1)

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return logits (B, C) of hidden states (B, T, H); ``mask`` (B, T) is 1 on real positions."""
        rows = torch.arange(len(hidden), device=hidden.device)
        query = hidden[rows, mask.argmax(-1)][:, None]  # only the first position is used: one query per row
        seen, _ = self.attention(query, hidden, hidden, key_padding_mask=mask == 0, need_weights=False)
        seen = seen[:, 0]
        seen = seen + gelu(self.first_dropout(self.first(self.first_norm(seen))))
        seen = gelu(self.second_dropout(self.second(self.second_norm(seen))))
        return self.last(self.last_norm(seen))

    def log_distributions(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return :func:`~scaling_ambiguity.training.losses.log_output` of hidden states (B, T, H), (B, C)."""
        return log_output(self(hidden.float(), mask), self.evidential)

    @torch.no_grad()
    def reset(self, seed: int) -> None:
        """Set torch's initial values, drawn on the CPU determined by ``seed`` alone."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(seed, "head") % 2**63)
            fresh = AttentionHead(self.first.in_features, self.last.out_features)
        self.load_state_dict(fresh.state_dict())


def make_head(alm: LoadedALM, objective: Mapping, classes: list[str]) -> AttentionHead | None:
    """Return the head that a protocol names, on the model's device in float32; None where label words are read out."""
    if objective["head"] != "faithful":
        return None
    return AttentionHead(hidden_size(alm), len(classes), objective["loss"] == EVIDENTIAL).to(alm.device).eval()


def hidden_size(alm: LoadedALM) -> int:
    """Return the width of the hidden states of the language model."""
    return parts(alm.model).language_model.get_input_embeddings().embedding_dim


def save_head(head: AttentionHead, folder: Path) -> None:
    """Write a head to ``folder``: ``head.safetensors`` and ``head.json``, its shape."""
    state = {name: value.detach().cpu().contiguous() for name, value in head.state_dict().items()}
    save_file(state, folder / WEIGHTS)
    shape = {"head": "faithful", "width": head.first.in_features, "classes": head.last.out_features}
    write_json(shape | {"evidential": head.evidential}, folder / SHAPE)
