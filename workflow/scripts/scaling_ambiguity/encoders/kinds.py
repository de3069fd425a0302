"""What an encoder is, and the kinds of encoders by name. A kind is a module that is imported when a job needs it."""

import importlib
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

SOUND, TEXT = "sound", "text"


class NoVector(ValueError):
    """An item has nothing that the encoder reads, or too little; other items are not concerned."""


class Encoder(Protocol):
    """A frozen model, or a computation without weights, that makes one vector of an item.

    Attributes:
        identity: What decides a vector in addition to the item: kind, checkpoint, revision of the weights, layers.
        width: Numbers of a vector.
        dtype: Type in which its vectors are kept.
    """

    identity: dict[str, Any]
    width: int
    dtype: str

    def encode(self, item: Any) -> np.ndarray:
        """Return the vector of one item by itself, float32 (width,).

        Args:
            item: A waveform (mono, 16 kHz, float32) of encoders of sound; a string of encoders of text.

        Raises:
            NoVector: The item is too short.
        """


@dataclass(frozen=True)
class Kind:
    """What the workflow has to know of a kind before any job runs.

    Attributes:
        module: Module of the library with ``open_encoder(entry)``, which returns an :class:`Encoder`.
        reads: :data:`SOUND` or :data:`TEXT`.
    """

    module: str
    reads: str


KINDS = {
    "alm": Kind("encoders.alm_tower", SOUND),
    "speech": Kind("encoders.speech", SOUND),
    "statistics": Kind("encoders.statistics", SOUND),
    "text": Kind("encoders.text", TEXT),
}


def open_encoder(entry: dict[str, Any]) -> Encoder:
    """Open the encoder of an entry of ``encoders``; the entry of an ALM's tower holds how the ALM is opened.

    Raises:
        UserError: Its checkpoint cannot be opened.
    """
    return importlib.import_module(f"scaling_ambiguity.{KINDS[entry['kind']].module}").open_encoder(entry)
