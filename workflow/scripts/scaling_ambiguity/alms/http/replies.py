"""What comes back: a chat completion as answers. A reply that is not exactly one is a fault, never half used."""

import math
from dataclasses import dataclass
from typing import Any

from scaling_ambiguity.alms.http.faults import Fault
from scaling_ambiguity.alms.questions import Answer


@dataclass(frozen=True)
class Reply:
    """A chat completion.

    Attributes:
        answers: One for each choice, in their order; at most as many as were asked for.
        identifier: The completion's ``id``, or None.
        model: The model that the server says it ran, or None.
        total_tokens: Prompt and answers, as the server counts, or None.
    """

    answers: list[Answer]
    identifier: str | None
    model: str | None
    total_tokens: int | None


def read_reply(data: Any, samples: int) -> Reply:
    """Return the completion in a decoded JSON body.

    An answer's ``logprob`` is the sum of the log-probabilities of its tokens as the server gives them (vLLM: of
    the model at temperature 1; most servers leave out the end token), None where the server gives none;
    ``tokens`` is None where the server does not count.

    Raises:
        Fault: ``garbage``, to be asked again: no choices, more than asked, two of one number, one without
            text or without a reason why it ended; or ``error``, which a server sent with status 200.
    """
    if not isinstance(data, dict):
        raise _garbage(f"a {type(data).__name__} instead of a completion")
    if data.get("error"):
        raise Fault("error", str(data["error"])[:300], retry=True, bought=True)
    choices = data.get("choices")
    if not isinstance(choices, list) or not choices or not all(isinstance(choice, dict) for choice in choices):
        raise _garbage("no choices")
    if len(choices) > samples:
        raise _garbage(f"{len(choices)} choices where {samples} were asked for")
    numbers = [choice.get("index", place) for place, choice in enumerate(choices)]
    if len(set(map(repr, numbers))) < len(numbers):
        raise _garbage(f"choices numbered {numbers}")
    usage = data.get("usage") if isinstance(data.get("usage"), dict) else {}
    counts = _share(_count(usage.get("completion_tokens")), len(choices))
    return Reply(
        [_answer(choice, count) for choice, count in zip(choices, counts, strict=True)],
        data["id"] if isinstance(data.get("id"), str) and data["id"] else None,
        data["model"] if isinstance(data.get("model"), str) else None,
        _count(usage.get("total_tokens")),
    )


def _answer(choice: dict, tokens: int | None) -> Answer:
    """Return one choice; a refusal is an answer, in the words of the refusal."""
    message, reason = choice.get("message"), choice.get("finish_reason")
    if not isinstance(message, dict) or not isinstance(reason, str):
        raise _garbage("a choice without message or finish_reason")
    if not {"content", "refusal"} & set(message):
        raise _garbage("a message without content")
    text = message.get("content")
    if text is None:
        text = message.get("refusal") or ""
    if not isinstance(text, str):
        raise _garbage(f"content that is a {type(text).__name__}")
    values = _logprobs(choice.get("logprobs"))
    return Answer(
        text,
        None if values is None else math.fsum(values),
        tokens if values is None else len(values),
        reason == "stop",
    )


def _logprobs(data: Any) -> list[float] | None:
    """Return the tokens' log-probabilities; None without them, or if one is not a number from -inf to 0."""
    content = data.get("content") if isinstance(data, dict) else None
    if not isinstance(content, list) or not content:
        return None
    values = [token.get("logprob") if isinstance(token, dict) else None for token in content]
    if not all(isinstance(v, int | float) and math.isfinite(v) and v <= 1e-6 for v in values):
        return None
    return [float(value) for value in values]


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _share(total: int | None, parts: int) -> list[int | None]:
    """Return whole numbers that add up to ``total``: the server counts all choices together."""
    if total is None:
        return [None] * parts
    return [total // parts + (place < total % parts) for place in range(parts)]


def _garbage(detail: str) -> Fault:
    return Fault("garbage", detail, retry=True, bought=True)
