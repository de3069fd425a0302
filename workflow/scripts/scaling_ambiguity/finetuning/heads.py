"""What reads the labels off a model: its own label words, or a head of its own on the hidden states."""

from dataclasses import dataclass, fields
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn.functional import gelu, log_softmax, softplus

from scaling_ambiguity.alms.loading import LoadedALM
from scaling_ambiguity.alms.parts import parts
from scaling_ambiguity.alms.scoring import label_log_probabilities
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.finetuning.losses import EVIDENTIAL
from scaling_ambiguity.finetuning.peers import LoadedPeer
from scaling_ambiguity.io import read_json, write_json
from scaling_ambiguity.seeds import derive_seed

ATTENTION_HEADS = 8
WEIGHTS, SHAPE = "head.safetensors", "head.json"


class AttentionHead(nn.Module):
    """The published head (arXiv 2601.14620): one look of self-attention, two blocks, a linear layer.

    Hidden states (B, T, H) -> 8-head self-attention, read at the first position -> LayerNorm, linear,
    dropout .15, GELU, residual -> LayerNorm, linear to H / 2, dropout .1, GELU -> LayerNorm, linear to C.
    Unlike there, padding is neither attended to nor taken for the first position: an
    utterance's prediction does not depend on what it is batched with.
    """

    def __init__(self, width: int, classes: int):
        """``width`` H is a multiple of 8; ``classes`` C.

        Raises:
            UserError: ``width`` cannot be divided among the heads.
        """
        super().__init__()
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
        query = hidden[rows, mask.argmax(-1)][:, None]  # only the first position is read: one query a row
        seen, _ = self.attention(query, hidden, hidden, key_padding_mask=mask == 0, need_weights=False)
        seen = seen[:, 0]
        seen = seen + gelu(self.first_dropout(self.first(self.first_norm(seen))))
        seen = gelu(self.second_dropout(self.second(self.second_norm(seen))))
        return self.last(self.last_norm(seen))

    @torch.no_grad()
    def reset(self, seed: int) -> None:
        """Start anew with torch's initial values, drawn on the CPU by ``seed`` alone."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(seed, "head") % 2**63)
            fresh = AttentionHead(self.first.in_features, self.last.out_features)
        self.load_state_dict(fresh.state_dict())


@dataclass(frozen=True)
class HeadedALM(LoadedALM):
    """An audio-language model whose labels are read by a head of its own.

    Attributes:
        head: On the model's device, float32.
        evidential: The head gives log alpha of a Dirichlet distribution, alpha = 1 + softplus(logit).
    """

    head: AttentionHead
    evidential: bool = False


def with_head(alm: LoadedALM | LoadedPeer, protocol: dict, classes: list[str]) -> LoadedALM | LoadedPeer:
    """Return ``alm`` with the head that the protocol names; as it is for `labels` and for small peers."""
    if isinstance(alm, LoadedPeer):
        alm.evidential = protocol["loss"] == EVIDENTIAL
        return alm
    if protocol["head"] != "faithful":
        return alm
    width = parts(alm.model).language_model.get_input_embeddings().embedding_dim
    head = AttentionHead(width, len(classes)).to(alm.device).eval()
    own = {field.name: getattr(alm, field.name) for field in fields(LoadedALM)}
    return HeadedALM(**own, head=head, evidential=protocol["loss"] == EVIDENTIAL)


def log_probabilities(alm: LoadedALM | LoadedPeer, inputs: dict[str, torch.Tensor], classes: list[str]) -> torch.Tensor:
    """Return what the model says about the classes, float32 (B, C), differentiable.

    Log-probabilities; of an evidential head log alpha, whose exponentials, normalised, are the mean.

    Args:
        alm: A model with or without a head, or a small peer.
        inputs: A batch of the model's own inputs.
        classes: The class set, in order.
    """
    if isinstance(alm, LoadedPeer):
        assert alm.network is not None, "a peer is used before it is built"
        logits, evidential = alm.network(inputs["features"]), alm.evidential
    elif isinstance(alm, HeadedALM):
        hidden = parts(alm.model).language_model(**inputs, use_cache=False).last_hidden_state
        logits, evidential = alm.head(hidden.float(), inputs["attention_mask"]), alm.evidential
    else:
        return label_log_probabilities(alm, inputs, classes)
    return torch.log1p(softplus(logits)) if evidential else log_softmax(logits, dim=-1)


def save_head(alm: HeadedALM, folder: Path) -> None:
    """Write the head of ``alm`` beside its adapter: ``head.safetensors`` and ``head.json``, its shape."""
    state = {name: value.detach().cpu().contiguous() for name, value in alm.head.state_dict().items()}
    save_file(state, folder / WEIGHTS)
    shape = {"head": "faithful", "width": alm.head.first.in_features, "classes": alm.head.last.out_features}
    write_json(shape | {"evidential": alm.evidential}, folder / SHAPE)


def load_head(alm: LoadedALM, folder: Path) -> HeadedALM:
    """Return ``alm`` with the head that :func:`save_head` left in ``folder``.

    Raises:
        UserError: There is no head, or it belongs to a model of another width.
    """
    if not (folder / WEIGHTS).is_file() or not (folder / SHAPE).is_file():
        raise UserError(f"{folder}: no {WEIGHTS} with its {SHAPE}; this model was not trained with head `faithful`.")
    shape = read_json(folder / SHAPE)
    width = parts(alm.model).language_model.get_input_embeddings().embedding_dim
    if shape["width"] != width:
        raise UserError(f"{folder}: the head is for hidden size {shape['width']}, the model has {width}.")
    head = AttentionHead(width, shape["classes"])
    head.load_state_dict(load_file(folder / WEIGHTS))
    own = {field.name: getattr(alm, field.name) for field in fields(LoadedALM)}
    return HeadedALM(**own, head=head.to(alm.device).eval(), evidential=shape["evidential"])
