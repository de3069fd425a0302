"""What can go wrong between this machine and a server, and how an unfinished batch is reported."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from scaling_ambiguity.alms.http.dialects import DIALECTS
from scaling_ambiguity.alms.questions import Answer
from scaling_ambiguity.errors import UserError


@dataclass(eq=False)
class Fault(Exception):
    """An attempt that gave no answer.

    Attributes:
        kind: A short name: ``time-out``, ``status 429``, ``garbage`` ...
        detail: What is known, without any key.
        retry: Whether the same request may be sent again.
        bought: Whether the server may charge for it: it was sent completely, and not refused by a status.
        wait: Seconds that the server asks to wait (Retry-After), or None.
        everyone: Whether the wait applies to all requests, not only to this one.
        item: Whether the question may be the cause, so that other questions may be answered: not so for a key that is
            refused, a missing model or an unreachable server.
    """

    kind: str
    detail: str
    retry: bool
    bought: bool
    wait: float | None = None
    everyone: bool = False
    item: bool = True

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}"


@dataclass(eq=False)
class EngineStopped(UserError):
    """A batch ended before its last answer.

    Attributes:
        message: What happened, to what, and the remedy.
        answers: The answers received, by the position of their question; they are paid for and must be kept.
    """

    message: str
    answers: dict[int, Answer] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message


class SpendingReached(EngineStopped):
    """The next request would exceed the spending cap; it was not sent."""


class ServerUnavailable(EngineStopped):
    """All attempts at a request failed with transient faults."""


class RequestRefused(EngineStopped):
    """The server refuses the request, and would refuse any other."""


class AnotherServer(EngineStopped):
    """Another model than the requested one answered, or a kind of server that the entry does not state."""


# The setting of the entry that turns off a request field that a server does not accept.
_TURNED_OFF = {
    "seed": "`seed: false`, or `seed: random_seed` if that is its name there (Mistral)",
    "random_seed": "`seed: false`",
    "top_p": "`top_p: false`",
    "max_tokens": "`token_limit_field: max_completion_tokens`",
    "max_completion_tokens": "`token_limit_field: max_tokens`",
    "logprobs": "`logprobs: false`",
    "reasoning_effort": "another `reasoning_effort`, or none",
}
# FastAPI repeats what was sent, all fields of the request, in JSON or as Python writes it; cut where the quote ends.
_ECHOED = re.compile(r"""\\?["']input\\?["']\s*:.*?(?=\\?["'](?:loc|msg|type|ctx|url)\\?["']\s*:|$)""", re.DOTALL)
_LIMITS = ("max_tokens", "max_completion_tokens")


def refused_field(fault: Fault, sent: Collection[str]) -> str | None:
    """Return the request field that the server names in its refusal; None if it names none of those sent.

    Args:
        fault: The refusal.
        sent: Fields of the request.
    """
    if fault.kind not in ("status 400", "status 422"):
        return None
    said = _ECHOED.sub("", fault.detail)
    words = set(re.findall(r"\w+", said))
    ours = [name for name in sent if name in _TURNED_OFF or name in DIALECTS["vllm"].neutral]
    return next((name for name in ours if name in words), None)


def concerns_all(fault: Fault, sent: Collection[str]) -> bool:
    """Return whether a refusal concerns a field that every request has; a token limit may be too large for one."""
    return refused_field(fault, sent) not in (None, *_LIMITS)


def refused(subject: str, fault: Fault, sent: Collection[str] = ()) -> str:
    """Return the message for a request that the server refuses.

    Args:
        subject: Server, model and item.
        fault: The refusal.
        sent: Fields of the request, so that the remedy can name the one the server refuses.
    """
    name = refused_field(fault, sent)
    if name is not None:
        off = _TURNED_OFF.get(name, "`server: openai`, which sends none of the fields that vLLM needs")
        remedy = f"the server does not take `{name}`: write {off} in the alms entry"
    else:
        remedy = {
            "status 401": "check the key in the environment variable that `key_env` names",
            "status 403": "check the permissions of the key",
            "status 404": "check `base_url` and `model`",
            "status 429": "the account's quota is used up; run again when it is renewed",
            "no label probabilities": "choose mode `sampled`, or a vLLM that knows `logprob_token_ids` (0.32 does)",
        }.get(fault.kind, "correct the entry")
    return f"{subject}: refused ({fault}). Every answer received is kept; {remedy} and run again."


def unavailable(subject: str, fault: Fault, attempts: int) -> str:
    """Return the message for a request that failed at all its attempts."""
    return (
        f"{subject}: no answer in {attempts} attempts, the last one {fault}. "
        "Every answer received is kept; run again when the server is back."
    )


def another_model(base_url: str, asked: str, served: str) -> str:
    """Return the message for a reply by a model of another name."""
    return (
        f"{base_url}: model {asked!r} was requested, but {served!r} answered. Its reply is not kept; earlier ones are. "
        f"Correct `model`; or, if {asked!r} is another name for it, write `answers_as: {served}` in the alms entry."
    )


def unstated_vllm(base_url: str) -> str:
    """Return the message for a reply by a vLLM whose entry does not say so."""
    return (
        f"{base_url}: vLLM answers, and takes top_k, min_p and penalties from the checkpoint's generation_config.json "
        "where a request does not give them: votes would be drawn from another distribution than the model's. Write "
        "`server: vllm` in the alms entry, so that neutral values are sent; or `server: openai`, so that the "
        "server's values are used (those of a server with `--generation-config vllm` are neutral)."
    )
