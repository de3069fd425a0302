"""What the engine must know about a family of audio-language models; one module of this package per family."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import linear
from torch.utils.checkpoint import checkpoint

from scaling_ambiguity.corpora.heard import SAMPLE_RATE
from scaling_ambiguity.errors import UserError

# Under 0.05 s some encoders have no token and others stop with a message about tensors.
SHORTEST = SAMPLE_RATE // 20
ROWS_AT_ONCE = 16_384  # of an output layer, in float32: 0.27 GB at 4,096 hidden units


def base_of(model: Any) -> Any:
    """Return the transformers model inside ``model``, which may be wrapped by peft."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


class ClipTooShort(UserError):
    """A clip has no audio token: questions about it have no answer; other clips are not affected."""

    def __init__(self, samples: int, least: int | None = None) -> None:
        """Say how many samples at 16 kHz a clip has, and how many the family needs if that is known."""
        needed = "" if least is None else f", at least {least}"
        super().__init__(
            f"the clip is too short for a single audio token ({samples} samples at {SAMPLE_RATE} Hz{needed})."
        )


@dataclass(frozen=True)
class Parts:
    """The four parts of an audio-language model; adapters injected into them are active.

    Attributes:
        audio_tower: Features to hidden states.
        projector: Hidden states to the language model's embeddings.
        language_model: Embeddings to hidden states, without output layer.
        lm_head: The output layer.
        logits_divisor: What the language model was trained to divide its logits by.
    """

    audio_tower: nn.Module
    projector: nn.Module
    language_model: nn.Module
    lm_head: nn.Module
    logits_divisor: float = 1.0

    def logits(self, hidden: torch.Tensor, rows: Sequence[int] | None = None) -> torch.Tensor:
        """Return the logits (..., V) of hidden states (..., H) in float32, whatever the weights are in; differentiable.

        In bfloat16 logits between 16 and 32 are multiples of 0.125, so that labels would be tied. The products of the
        stored numbers are summed in float32; the output layer is brought to float32 some rows at a time, in the
        gradient once more, and never kept so.

        Args:
            hidden: Hidden states.
            rows: Tokens to which the vocabulary is confined, in this order; None: all.
        """
        weight, bias = self.lm_head.weight, getattr(self.lm_head, "bias", None)
        if rows is not None:
            chosen = torch.tensor(rows, device=weight.device)
            weight, bias = weight[chosen], None if bias is None else bias[chosen]
        size = len(weight) if weight.dtype == torch.float32 else ROWS_AT_ONCE
        biases = [None] * -(-len(weight) // size) if bias is None else bias.split(size)
        parts = []
        for some in zip(weight.split(size), biases, strict=True):
            again = torch.is_grad_enabled() and weight.dtype != torch.float32
            parts.append(checkpoint(_product, hidden, *some, use_reentrant=False) if again else _product(hidden, *some))
        logits = parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)
        return logits if self.logits_divisor == 1 else logits / self.logits_divisor


def _product(hidden: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    with torch.autocast(hidden.device.type, enabled=False):
        return linear(hidden.float(), weight.float(), None if bias is None else bias.float())


def tokenize(tokenizer: Any, text: str) -> list[int]:
    """Return the token ids of a rendered prompt, whose control tokens the tokenizer recognises."""
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def nothing(model: Any, checkpoint: str | Path, options: dict) -> None:
    """Load nothing besides the model."""


@dataclass(frozen=True)
class Encoder:
    """How clips become audio tokens, in two steps of which the first needs no weights; each clip is encoded by itself.

    Attributes:
        features: ``(processor, clips)`` to the input of the audio encoder.
        hear: ``(model, features, device)`` to one (n_audio_tokens, H) tensor a clip.
    """

    features: Callable[[Any, list[np.ndarray]], Any]
    hear: Callable[[Any, Any, torch.device], list[torch.Tensor]]

    def __call__(self, model: Any, processor: Any, clips: list[np.ndarray], device: torch.device) -> list[torch.Tensor]:
        """Return one (n_audio_tokens, H) tensor a clip, without gradient."""
        return self.hear(model, self.features(processor, clips), device)


@dataclass(frozen=True)
class Family:
    """How one family is opened and how it encodes clips.

    Attributes:
        name: What it is called in messages.
        architectures: Values of ``config.architectures[0]``; what they map to is the class to load.
        parts: The parts of a model.
        open_processor: ``(checkpoint, options)`` to an object with ``feature_extractor``, ``tokenizer``,
            ``audio_token`` and ``apply_chat_template``.
        encode: Clips to one (n_audio_tokens, H) tensor each.
        longest: ``(processor)`` to the seconds of a clip that are encoded; None: all of it.
        turn_end: Token that ends the assistant's turn, if it is not the tokenizer's end token.
        hear_features: ``(parts, mel features, frame mask)`` to one (n_audio_tokens, H) tensor per row, differentiable;
            None: its encoder is not trained here.
        tower: Clips to one (n_audio_tokens, D) tensor each, the input of the projector; None: the family's audio tower
            is never shared.
        tokenize: ``(tokenizer, rendered prompt)`` to token ids.
        adapted: Adapters are active with a clip and inactive without one.
        load_adapters: ``(model, checkpoint, options)``: load the adapter that comes with the checkpoint.
        masks: Its language model accepts a mask (B, 1, Q, K) of what each position attends to; if not, labels are read
            one by one.
        attention: Projections of the language model's self-attention, what fine-tuning adapts by default.
    """

    name: str
    architectures: dict[str, str]
    parts: Callable[[Any], Parts]
    open_processor: Callable[[str | Path, dict], Any]
    encode: Encoder
    longest: Callable[[Any], float | None]
    turn_end: str | None = None
    hear_features: Callable[[Parts, torch.Tensor, torch.Tensor], list[torch.Tensor]] | None = None
    tower: Encoder | None = None
    tokenize: Callable[[Any, str], list[int]] = tokenize
    adapted: bool = False
    load_adapters: Callable[[Any, str | Path, dict], None] = nothing
    masks: bool = True
    attention: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj")


def one_by_one(
    encode_clip: Callable[[Any, Any, Any], torch.Tensor],
    features: Callable[[Any, np.ndarray], Any] | None = None,
) -> Encoder:
    """Return the encoder of a family that encodes each clip by itself.

    Most encoders pad a batch to its longest clip and let the padding affect the neighbouring frames
    (convolutions without a mask, chunks padded to the longest), and even with a mask the size of a
    batch changes last digits; encoded alone, a clip's tokens cannot depend on its neighbours, whatever
    batches, shards and jobs are made of a corpus.

    Args:
        encode_clip: ``(model, processor, x)`` to (n_audio_tokens, H); x is what ``features`` returns.
        features: ``(processor, clip)``, needs no weights; None: x is the clip itself.

    Raises:
        ClipTooShort: A clip is too short for an audio token.
    """

    def prepare(processor: Any, clips: list[np.ndarray]) -> list[tuple[Any, Any, int]]:
        prepared = []
        for clip in clips:
            if len(clip) < SHORTEST:
                raise ClipTooShort(len(clip), SHORTEST)
            clip = np.asarray(clip, dtype=np.float32)
            prepared.append((processor, clip if features is None else features(processor, clip), len(clip)))
        return prepared

    def hear(model: Any, prepared: list[tuple[Any, Any, int]], device: torch.device) -> list[torch.Tensor]:
        with torch.no_grad():
            heard = [encode_clip(model, processor, x) for processor, x, _ in prepared]
        for tokens, (_, _, samples) in zip(heard, prepared, strict=True):
            if not len(tokens):  # from a front end with a longer minimum than others
                raise ClipTooShort(samples)
        return heard

    return Encoder(prepare, hear)
