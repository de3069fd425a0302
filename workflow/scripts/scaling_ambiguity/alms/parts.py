"""The parts of an audio-language model that the library calls one by one."""

from dataclasses import dataclass
from typing import Any

from torch import nn

from scaling_ambiguity.errors import UserError


@dataclass(frozen=True)
class Parts:
    """The four parts of a Qwen2-Audio-like model; adapters injected into them are active."""

    audio_tower: nn.Module
    projector: nn.Module
    language_model: nn.Module
    lm_head: nn.Module


def parts(model: Any) -> Parts:
    """Return the parts of ``model``, which may be wrapped by peft.

    Raises:
        UserError: The model has no audio tower, projector and language model of this kind.
    """
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    try:
        inner = base.model
        return Parts(inner.audio_tower, inner.multi_modal_projector, inner.language_model, base.lm_head)
    except AttributeError as error:
        raise UserError(
            f"{type(base).__name__}: not a model of the Qwen2-Audio kind ({error}); "
            "engine `transformers` cannot ask it."
        ) from error
