"""What passes between an annotator and an engine: one question per draw, one answer per question."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Question:
    """One requested draw.

    Attributes:
        prompt: The rendered prompt.
        audio: The sound file, or None if it is not part of the input.
        temperature: Sampling temperature.
        stream: What the draw's randomness is derived from.
        labels: Label words whose log-probabilities are read from one prefill, the answer being
            drawn from them; None: the answer is generated token by token.
        item: Name of the item it is about; where a server fails, faults are attributed by item.
        beam: Which of how many answers of one beam search is asked for, (rank from 0, beams); None: none.
    """

    prompt: str
    audio: Path | None
    temperature: float
    stream: tuple
    labels: tuple[str, ...] | None = None
    item: str = ""
    beam: tuple[int, int] | None = None

    @property
    def about(self) -> str:
        """What the question is about, for messages: its item, else its sound file, else a text."""
        return self.item or (str(self.audio) if self.audio is not None else "a text")


@dataclass(frozen=True)
class Answer:
    """One answer.

    Attributes:
        response: The text, without special tokens.
        logprob: Natural-log probability of its tokens at temperature 1, the end token included if drawn.
        tokens: Number of tokens drawn.
        ended: Whether the answer came to its end within the token limit; true for a label that was read out.
        label_logprobs: For each of the question's labels the natural-log probability of its tokens as the
            answer's beginning, at temperature 1 and not normalised: the sum of their exponentials is the
            share of all answers that begin with a label. None if no labels were asked for.
        seconds_cut: Seconds at the end of the clip that were cut off.
        finish: Why it ended, in the server's term; None where the server gives none.
        filtered: Whether the server says that it, or a filter, withheld the answer.
        fault: Why there is no answer, where the server could not answer this question or the clip has no audio token;
            then no other field is set.
        served: The model that the server says it ran.
        logprob_answer: Mean natural-log probability of the tokens of its last JSON object; None where it has none.
    """

    response: str
    logprob: float | None
    tokens: int | None
    ended: bool
    label_logprobs: tuple[float, ...] | None = None
    seconds_cut: float = 0.0
    finish: str | None = None
    filtered: bool = False
    fault: str | None = None
    served: str | None = None
    logprob_answer: float | None = None

    @property
    def status(self) -> str:
        """``answered``; or ``failed``: no answer was given; ``refused``: withheld by a filter; ``cut`` at the limit."""
        if self.fault is not None:
            return "failed"
        if self.filtered:
            return "refused"
        return "answered" if self.ended else "cut"


def object_logprob(pieces: Sequence[str | None], logprobs: Sequence[float]) -> float | None:
    """Return the mean natural-log probability of the tokens of the last JSON object of an answer; None without one.

    A token that holds a brace counts whole, whatever else is in it.

    Args:
        pieces: The text of every token, or what the tokenizer calls it: only braces are looked for. None for a token
            that it does not know: output layers may have more rows.
        logprobs: Of every token, as many.
    """
    last = next((place for place in reversed(range(len(pieces))) if "}" in (pieces[place] or "")), -1)
    first = next((place for place in reversed(range(last + 1)) if "{" in (pieces[place] or "")), -1)
    return None if first < 0 else math.fsum(logprobs[first : last + 1]) / (last + 1 - first)
