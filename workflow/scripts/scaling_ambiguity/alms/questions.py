"""What passes between an annotator and an engine: one question a draw, one answer a question."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Question:
    """One draw that is asked for.

    Attributes:
        prompt: The rendered prompt.
        audio: The sound file, or None if it is not to be heard.
        temperature: Sampling temperature.
        stream: What the draw's randomness is derived from.
    """

    prompt: str
    audio: Path | None
    temperature: float
    stream: tuple


@dataclass(frozen=True)
class Answer:
    """One sampled answer.

    Attributes:
        response: The text, without special tokens.
        logprob: Natural-log probability of its tokens at temperature 1, the end token included if drawn.
        tokens: Number of tokens drawn.
        ended: Whether the end token was drawn within the limit.
    """

    response: str
    logprob: float
    tokens: int
    ended: bool
