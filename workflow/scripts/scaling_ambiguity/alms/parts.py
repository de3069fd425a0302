"""The parts of an audio-language model that the library calls one by one."""

from typing import Any

from scaling_ambiguity.alms.families.family import Parts, base_of
from scaling_ambiguity.alms.families.known import family_of

__all__ = ["Parts", "parts"]


def parts(model: Any) -> Parts:
    """Return the parts of ``model``, which may be wrapped by peft.

    Raises:
        UserError: The model is of no known family.
    """
    return family_of(model).parts(base_of(model))
