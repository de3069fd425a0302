"""What can go wrong between this machine and a server, and how a batch that was not finished is reported."""

from dataclasses import dataclass, field

from scaling_ambiguity.alms.questions import Answer
from scaling_ambiguity.errors import UserError


@dataclass(eq=False)
class Fault(Exception):
    """One attempt that gave no answer.

    Attributes:
        kind: In a word or two: ``time-out``, ``status 429``, ``garbage`` ...
        detail: What is known, without any key.
        retry: Whether the same request may be sent again.
        bought: Whether the server may charge for it: it was sent whole, and not refused by a status.
        wait: Seconds that the server asks to wait (Retry-After), or None.
        everyone: Whether the wait holds for all requests, not for this one alone.
    """

    kind: str
    detail: str
    retry: bool
    bought: bool
    wait: float | None = None
    everyone: bool = False

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}"


@dataclass(eq=False)
class EngineStopped(UserError):
    """A batch ended before its last answer.

    Attributes:
        message: What happened, to what, and the remedy.
        answers: The answers that were received, by the position of their question: paid for, to be kept.
    """

    message: str
    answers: dict[int, Answer] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message


class SpendingReached(EngineStopped):
    """The next request would exceed the spending cap; it was not sent."""


class ServerUnavailable(EngineStopped):
    """All attempts at a request failed by faults that pass."""


class RequestRefused(EngineStopped):
    """The server refuses the request, and would again."""


def refused(about: str, fault: Fault) -> str:
    """Return the message for a request that the server refuses; ``about`` names server, model and item."""
    remedy = {
        "status 401": "check the key in the environment variable that `key_env` names",
        "status 403": "check what the key may do",
        "status 404": "check `base_url` and `model`",
        "status 413": "leave the utterance out, or shorten it",
        "status 429": "the account's quota is used up; run again when it is not",
    }.get(fault.kind, "correct the entry, or leave the utterance out")
    return f"{about}: refused ({fault}). Every answer received is kept; {remedy} and run again."


def unavailable(about: str, fault: Fault, attempts: int) -> str:
    """Return the message for a request that failed at all its attempts."""
    return (
        f"{about}: no answer in {attempts} attempts, the last one {fault}. "
        "Every answer received is kept; run again when the server is back."
    )
