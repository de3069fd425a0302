"""The requests of one call to a server: those waiting, those under way, and what stops them."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field

from scaling_ambiguity.alms.http.faults import EngineStopped, Fault
from scaling_ambiguity.alms.http.outages import ITEMS
from scaling_ambiguity.alms.questions import Question


class Interrupted(Exception):
    """Raised in requests that are given up because another one stopped the batch."""


class ItemFailed(Exception):
    """Raised in a request that failed permanently, perhaps because of the question.

    Attributes:
        stopped: Raised instead if the server turns out to be the cause.
        answers: Number of answers when the request first failed.
    """

    def __init__(self, fault: Fault, stopped: EngineStopped, answers: int) -> None:
        super().__init__(str(fault))
        self.stopped, self.answers = stopped, answers


@dataclass
class Batch:
    """Requests of one call: those waiting, those under way, what stopped them, and one that was answered."""

    waiting: deque[list[int]]
    go_on: Callable[[], bool]
    width: int
    running: dict[Future, list[int]] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)
    first: BaseException | None = None
    last_failure: EngineStopped | None = None
    answered: Question | None = None

    def more(self) -> bool:
        """Return whether another request is to be sent."""
        return bool(self.waiting) and self.first is None and self.go_on()

    def elsewhere(self, failed: list[bool]) -> None:
        """Continue elsewhere in the queue, as neighbours may share a fault, and return to ``failed`` last."""
        places = [group for group, last in zip(self.waiting, failed, strict=True) if not last]
        cut = len(places) // ITEMS
        late = [group for group, last in zip(self.waiting, failed, strict=True) if last]
        self.waiting = deque([*places[cut:], *places[:cut], *late])

    def finished(self) -> set[Future]:
        """Wait for requests under way: they are paid for, so the first interrupt also waits for them."""
        try:
            return wait(self.running, return_when=FIRST_COMPLETED).done
        except KeyboardInterrupt as interrupt:
            if self.first is not None:
                raise
            self.give_up(interrupt)
            return set()

    def give_up(self, error: BaseException) -> None:
        """Send nothing more; the first error is the one that is reported."""
        if self.first is None or isinstance(self.first, Interrupted):
            self.first = error
        self.stop.set()
