"""What comes back: a chat completion as answers. An invalid reply is a fault and is never partly used.

A complete reply without text is an answer: it was paid for, and asking again would mean paying again.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

from scaling_ambiguity.alms.http.dialects import says_vllm
from scaling_ambiguity.alms.http.endings import is_cut, is_filtered
from scaling_ambiguity.alms.http.faults import Fault
from scaling_ambiguity.alms.questions import Answer, object_logprob

_OF_COMPLETIONS = {"choices", "usage", "object", "id"}  # a JSON object with one of them counts as a completion


@dataclass(frozen=True)
class Reply:
    """A chat completion.

    Attributes:
        answers: One for each choice, in their order; at most as many as were asked for.
        identifier: The completion's ``id``, or None.
        model: The model that the server says it ran, or None.
        total_tokens: Prompt and answers, as the server counts, or None.
        vllm: Whether it has fields that vLLM alone adds.
        following: Natural-log probability of each token that was named, as the next one; None: none was.
    """

    answers: list[Answer]
    identifier: str | None
    model: str | None
    total_tokens: int | None
    vllm: bool = False
    following: dict[int, float] | None = None


def read_reply(data: Any, samples: int) -> Reply:
    """Return the completion in a decoded JSON body.

    An answer's ``logprob`` is the sum of the log-probabilities of its tokens as the server gives them (vLLM: of
    the model at temperature 1; most servers leave out the end token), None where the server gives none;
    ``tokens`` is None where the server does not count.

    A message, its content or all choices may be missing or null: removed by a filter, or the token limit was used
    up by thinking. The answer has no text then, and the reason is kept. Parts of text are joined.

    Raises:
        Fault: ``garbage``, to be asked again: no completion, more choices than requested, duplicate numbers, content
            that is no text; or ``error``, which a server sent with status 200.
    """
    if not isinstance(data, dict):
        raise _garbage(f"a {type(data).__name__} instead of a completion")
    if data.get("error") or data.get("object") == "error":
        raise Fault("error", str(data.get("error") or data.get("message"))[:300], retry=True, bought=True)
    if not _OF_COMPLETIONS & set(data):
        raise _garbage(f"no completion, but an object with {sorted(map(str, data))[:5]}")
    given = data.get("choices") or [{}] * samples
    if data.get("choices") == {} or not isinstance(given, list):
        raise _garbage("choices that are not a list")
    if not all(isinstance(choice, dict | None) for choice in given):
        raise _garbage("choices that are not objects")
    choices: list[dict] = [choice or {} for choice in given]
    if len(choices) > samples:
        raise _garbage(f"{len(choices)} choices where {samples} were asked for")
    numbers = [choice.get("index", place) for place, choice in enumerate(choices)]
    if len(set(map(repr, numbers))) < len(numbers):
        raise _garbage(f"choices numbered {numbers}")
    usage: dict = data["usage"] if isinstance(data.get("usage"), dict) else {}
    counts = _share(_count(usage.get("completion_tokens")), len(choices))
    model = data["model"] if isinstance(data.get("model"), str) and data["model"] else None
    return Reply(
        [replace(_answer(choice, count), served=model) for choice, count in zip(choices, counts, strict=True)],
        data["id"] if isinstance(data.get("id"), str) and data["id"] else None,
        model,
        _count(usage.get("total_tokens")),
        says_vllm(data),
    )


def _answer(choice: dict, tokens: int | None) -> Answer:
    """Return one choice; a refusal is an answer whose text is that of the refusal."""
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    finish = choice.get("finish_reason")
    finish = finish if finish is None else str(finish)
    refusal = message["refusal"] if isinstance(message.get("refusal"), str) else ""
    text = _text(message.get("content"))
    values = _logprobs(choice.get("logprobs"))
    pieces = [] if values is None else [str(token.get("token", "")) for token in choice["logprobs"]["content"]]
    filtered = is_filtered(finish) or bool(refusal and not text)
    return Answer(
        text or refusal,
        None if values is None else math.fsum(values),
        tokens if values is None else len(values),
        not (is_cut(finish) or filtered),
        finish=finish,
        filtered=filtered,
        logprob_answer=None if values is None else object_logprob(pieces, values),
    )


def _text(content: Any) -> str:
    """Return the text of a message; thoughts, which come as parts of another type, are left out."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list) or not all(isinstance(part, str | dict) for part in content):
        raise _garbage(f"content that is a {type(content).__name__}")
    parts = [part if isinstance(part, str) else part.get("text") for part in content if not _is_thought(part)]
    return "".join(part for part in parts if isinstance(part, str))


def _is_thought(part: str | dict) -> bool:
    return isinstance(part, dict) and (part.get("type") in ("thinking", "reasoning") or part.get("thought") is True)


def _logprobs(data: Any) -> list[float] | None:
    """Return the tokens' log-probabilities; None without them, or if one is not a number from -inf to 0."""
    content = data.get("content") if isinstance(data, dict) else None
    if not isinstance(content, list) or not content:
        return None
    values = [token.get("logprob") if isinstance(token, dict) else None for token in content]
    if not all(isinstance(v, int | float) and math.isfinite(v) and v <= 1e-6 for v in values):
        return None
    return [float(value) for value in values if value is not None]


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _share(total: int | None, parts: int) -> list[int | None]:
    """Return whole numbers that add up to ``total``: the server counts all choices together."""
    if total is None:
        return [None] * parts
    return [total // parts + (place < total % parts) for place in range(parts)]


def _garbage(detail: str) -> Fault:
    return Fault("garbage", detail, retry=True, bought=True)
