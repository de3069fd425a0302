"""Requests and tokens per minute: a sliding window that all threads of an engine share."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

WINDOW = 60.0
_CHECK = 0.5


@dataclass
class Passage:
    """A request that was admitted: its time and its tokens (estimated, then as counted by the server)."""

    time: float
    tokens: int


class RateLimit:
    """Admits requests such that no window of 60 s holds more requests, or tokens, than allowed.

    A request with more tokens than allowed per minute is sent alone. The limits are those of this process:
    n processes that query one server at once get 1/n each.
    """

    def __init__(
        self,
        requests_per_minute: float | None,
        tokens_per_minute: float | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._requests = requests_per_minute or float("inf")
        self._tokens = tokens_per_minute or float("inf")
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._passed: deque[Passage] = deque()
        self._closed_until = 0.0

    def enter(self, tokens: int, stop: threading.Event) -> Passage | None:
        """Wait until a request of about ``tokens`` tokens may be sent; None once ``stop`` is set."""
        while not stop.is_set():
            with self._lock:
                wait = self._wait(tokens)
                if wait <= 0:
                    passage = Passage(self._clock(), tokens)
                    self._passed.append(passage)
                    return passage
            self._sleep(min(wait, _CHECK))
        return None

    def settle(self, passage: Passage, tokens: int | None) -> None:
        """Replace the estimate by the tokens that the server counted, where it did."""
        if tokens is not None:
            with self._lock:
                passage.tokens = tokens

    def close_for(self, seconds: float) -> None:
        """Admit no request for some seconds, as the server demanded."""
        with self._lock:
            self._closed_until = max(self._closed_until, self._clock() + seconds)

    def _wait(self, tokens: int) -> float:
        now = self._clock()
        while self._passed and self._passed[0].time <= now - WINDOW:
            self._passed.popleft()
        if now < self._closed_until:
            return self._closed_until - now
        used = sum(passage.tokens for passage in self._passed)
        full = len(self._passed) + 1 > self._requests or used + tokens > self._tokens
        return self._passed[0].time + WINDOW - now if full and self._passed else 0.0
