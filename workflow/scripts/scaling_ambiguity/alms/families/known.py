"""The families that engine `transformers` can run."""

from typing import Any

from scaling_ambiguity.alms.families import (
    audio_flamingo_3,
    gemma3n,
    granite_speech,
    phi4_multimodal,
    qwen2_audio,
    qwen_omni,
    voxtral,
)
from scaling_ambiguity.alms.families.family import Family, base_of
from scaling_ambiguity.errors import UserError

FAMILIES: tuple[Family, ...] = (
    qwen2_audio.FAMILY,
    qwen_omni.FAMILY_2_5,
    qwen_omni.FAMILY_3,
    voxtral.FAMILY,
    audio_flamingo_3.FAMILY,
    phi4_multimodal.FAMILY,
    granite_speech.FAMILY,
)
_BY_CLASS = {name: family for family in FAMILIES for name in family.architectures}


def find_family(architecture: str) -> Family:
    """Return the family of ``config.architectures[0]`` or of a model's class name.

    Raises:
        UserError: No family has it, or it is refused explicitly.
    """
    if architecture in gemma3n.REFUSED:
        raise UserError(f"{architecture}: {gemma3n.REFUSAL}")
    if architecture not in _BY_CLASS:
        raise UserError(
            f"{architecture}: engine `transformers` cannot run it; it supports {', '.join(f.name for f in FAMILIES)}. "
            "Serve the model and use engine `openai`, or add a module to alms/families."
        )
    return _BY_CLASS[architecture]


def family_of(model: Any) -> Family:
    """Return the family of an open model, which may be wrapped by peft."""
    return find_family(type(base_of(model)).__name__)
