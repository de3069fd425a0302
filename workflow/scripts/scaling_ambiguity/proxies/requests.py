"""A request to a model: what it is made of, and the key under which its answer is kept for ever."""

import hashlib
import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Request:
    """What determines an answer, and nothing else: no code, shard, path, corpus or number of votes.

    Attributes:
        model: Name of the checkpoint.
        revision: Commit or content hash of its weights.
        prompt_sha256: Hash of the rendered prompt (system role, focus line, transcript, label words, modality).
        audio_sha256: Hash of the sound file; ``none:<utterance>`` if it is not heard, so that utterances of the
            same words get votes of their own, whichever shard asks first.
        temperature: Sampling temperature.
        seed: The run's seed.
        draw: Number of the draw, from 0.
    """

    model: str
    revision: str
    prompt_sha256: str
    audio_sha256: str
    temperature: float
    seed: int
    draw: int

    @property
    def key(self) -> str:
        """SHA-256 of the request's parts, 64 hexadecimal digits."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def text_sha256(text: str) -> str:
    """Return the SHA-256 of a text, 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()
