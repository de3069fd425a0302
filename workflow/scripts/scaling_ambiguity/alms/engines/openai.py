"""Engine `openai`: an audio-language model behind any server with OpenAI's chat completions."""

import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import lru_cache

from scaling_ambiguity.alms.http.client import Client
from scaling_ambiguity.alms.http.faults import (
    EngineStopped,
    Fault,
    RequestRefused,
    ServerUnavailable,
    refused,
    unavailable,
)
from scaling_ambiguity.alms.http.keys import read_key
from scaling_ambiguity.alms.http.limits import RateLimit
from scaling_ambiguity.alms.http.payload import (
    ChatMessages,
    estimated_tokens,
    messages_with_audio,
    read_clip,
    request_body,
)
from scaling_ambiguity.alms.http.replies import Reply, read_reply
from scaling_ambiguity.alms.http.retries import backoff
from scaling_ambiguity.alms.http.settings import Settings, read_settings
from scaling_ambiguity.alms.http.spending import Spending
from scaling_ambiguity.alms.questions import Answer, Question
from scaling_ambiguity.errors import UserError

LONGEST_RETRY_AFTER = 900.0
_CLIPS_HELD = 64


class Engine:
    """Asks a server; answers are handed over as they arrive.

    Attributes:
        model: The model's name at the server.
        revision: The entry's revision and the sampling parameters: what answers are filed under.
        processor: Renders a prompt as the JSON of its chat messages.
        longest: Most tokens an answer may have.
        repeats: Whether a question repeats its answer: its seed draws the same tokens.
        asks_alone: True: an answer does not depend on what else is asked, so only what is missing need be asked.
        clips_at_once: How many utterances to ask about in one call of :meth:`stream`.
        attempts: Requests sent, failed ones too.
        faults: Number of failed attempts by kind.
    """

    asks_alone = True
    clips_at_once = _CLIPS_HELD

    def __init__(self, settings: Settings) -> None:
        self.model = settings.model
        self.revision = settings.filed_as
        self.longest = settings.max_tokens
        self.repeats = settings.samples == "loop"
        self.processor = ChatMessages()
        self.spending = Spending(settings.spending)
        self.attempts = 0
        self.faults: dict[str, int] = {}
        self._settings = settings
        self._client = Client(settings.base_url, read_key(settings.key_env), settings.timeout_s)
        self._limit = RateLimit(settings.requests_per_minute, settings.tokens_per_minute)
        self._lock = threading.Lock()
        self._identifiers: set[str] = set()
        self._served: str | None = None
        self._several = settings.samples == "n"
        self._clip = lru_cache(_CLIPS_HELD)(read_clip)

    def connect(self, base_url: str) -> None:
        """Ask at another address from here on: a server that was started after the engine was opened."""
        self._client = Client(base_url, read_key(self._settings.key_env), self._settings.timeout_s)

    def answer(self, questions: Sequence[Question], uniform: Callable[..., float]) -> list[Answer]:
        """Return an answer to each question.

        Raises:
            EngineStopped: With the answers that were received; see :meth:`stream`.
        """
        received: dict[int, Answer] = {}
        try:
            for place, answer in self.stream(questions, uniform):
                received[place] = answer
        except EngineStopped as stopped:
            stopped.answers = received
            raise
        except UserError as error:  # a clip that cannot be read
            raise EngineStopped(str(error), received) from None
        return [received[place] for place in range(len(questions))]

    def stream(self, questions: Sequence[Question], uniform: Callable[..., float]) -> Iterator[tuple[int, Answer]]:
        """Yield (position of the question, answer) as answers arrive, each once.

        On a fault that does not pass, requests under way are waited for and their answers yielded first.

        Args:
            questions: Any number.
            uniform: ``uniform(*stream, 0)`` in [0, 1) gives a request's seed, 31 bits.

        Raises:
            SpendingReached: The cap is reached.
            ServerUnavailable: A request failed at all its attempts.
            RequestRefused: The server refuses a request.
            UserError: A clip cannot be read, or label log-probabilities are asked for.
        """
        if any(question.labels is not None for question in questions):
            raise UserError(
                "engine `openai` cannot read the log-probabilities of labels: a server gives them for what it sampled "
                "alone. Choose mode `sampled`."
            )
        stop, first = threading.Event(), None
        waiting = deque(self._groups(questions))
        running: dict[Future, list[int]] = {}
        with ThreadPoolExecutor(self._settings.concurrency, thread_name_prefix="ask") as threads:
            try:
                while running or (waiting and first is None):
                    while waiting and len(running) < self._settings.concurrency and first is None:
                        places, *rest = self._split(waiting.popleft())
                        waiting.extendleft(reversed(rest))
                        running[threads.submit(self._ask, [questions[i] for i in places], uniform, stop)] = places
                    try:
                        done = wait(running, return_when=FIRST_COMPLETED).done
                    except KeyboardInterrupt as interrupt:
                        if first is not None:
                            raise
                        first = interrupt  # what is under way is paid for: waited for, unless interrupted again
                        stop.set()
                        continue
                    for future in done:
                        places = running.pop(future)
                        error = future.exception()
                        if error is None:
                            answers = future.result()
                            if len(answers) < len(places):
                                waiting.appendleft(places[len(answers) :])
                            yield from zip(places, answers, strict=False)
                        else:
                            first = error if first is None or isinstance(first, _Interrupted) else first
                            stop.set()
            finally:
                stop.set()
        if first is not None:
            raise first

    def _split(self, places: list[int]) -> list[list[int]]:
        """Return the requests for draws of one prompt: one where the server honours ``n``, else one each."""
        return [places] if self._several else [[place] for place in places]

    def _groups(self, questions: Sequence[Question]) -> list[list[int]]:
        """Return the positions that one request asks: draws of one clip, prompt and temperature, or each alone."""
        if not self._several:
            return [[place] for place in range(len(questions))]
        groups: dict[tuple, list[int]] = {}
        for place, question in enumerate(questions):
            groups.setdefault((question.prompt, question.audio, question.temperature), []).append(place)
        return list(groups.values())

    def _ask(self, asked: list[Question], uniform: Callable[..., float], stop: threading.Event) -> list[Answer]:
        """Return the answers to one request: as many as the server gave, at least one."""
        question, settings = asked[0], self._settings
        clip, seconds = (None, 0.0) if question.audio is None else self._clip(question.audio)
        seed = int(uniform(*question.stream, 0) * 2**31)
        messages = messages_with_audio(question.prompt, clip)
        body = request_body(messages, settings.sampling, question.temperature, seed, len(asked), settings.logprobs)
        tokens = estimated_tokens(question.prompt, seconds, len(asked), settings.max_tokens)
        for attempt in range(settings.retries + 1):
            try:
                reply = self._attempt(body, len(asked), tokens, seconds, stop)
            except Fault as fault:
                self._count(fault)
                about = f"{settings.base_url}, model {settings.model}, {question.audio or 'a text'}"
                if not fault.retry:
                    raise RequestRefused(refused(about, fault)) from None
                if attempt == settings.retries or (fault.wait or 0) > LONGEST_RETRY_AFTER:
                    raise ServerUnavailable(unavailable(about, fault, attempt + 1)) from None
                self._pause(fault, attempt, stop)
            else:
                self._note(reply, len(asked))
                return reply.answers
        raise AssertionError("unreachable")

    def _attempt(self, body: dict, samples: int, tokens: int, seconds: float, stop: threading.Event) -> Reply:
        passage = self._limit.enter(tokens, stop)
        if passage is None:
            raise _Interrupted
        purchase = self.spending.price(seconds)
        self.spending.reserve(purchase)
        with self._lock:
            self.attempts += 1
        try:
            reply = read_reply(self._client.post(body), samples)
            self._check_identifier(reply)
        except Fault as fault:
            if not fault.bought:
                self.spending.give_back(purchase)
            raise
        self._limit.settle(passage, reply.total_tokens)
        return reply

    def _check_identifier(self, reply: Reply) -> None:
        """Refuse a completion that was received before: a vote would be counted twice."""
        if not self._settings.unique_ids or reply.identifier is None:
            return
        with self._lock:
            seen = reply.identifier in self._identifiers
            self._identifiers.add(reply.identifier)
        if seen:
            detail = (
                f"completion {reply.identifier[:80]!r} a second time: a cache or proxy repeats replies "
                "(a server that numbers none of its replies: `unique_ids: false`)"
            )
            raise Fault("repeated reply", detail, retry=True, bought=True)

    def _pause(self, fault: Fault, attempt: int, stop: threading.Event) -> None:
        delay = max(backoff(attempt), fault.wait or 0.0)
        if fault.everyone:
            self._limit.close_for(fault.wait or 0.0)
        if stop.wait(delay):
            raise _Interrupted

    def _count(self, fault: Fault) -> None:
        with self._lock:
            self.faults[fault.kind] = self.faults.get(fault.kind, 0) + 1

    def _note(self, reply: Reply, samples: int) -> None:
        """Learn from a reply whether ``n`` is honoured, and whether the model behind the name changed."""
        with self._lock:
            ignored = self._several and samples > 1 and len(reply.answers) == 1
            if ignored:
                self._several = False
            before, self._served = self._served, reply.model or self._served
        if ignored:
            warnings.warn(f"{self.model}: the server ignores `n`; one request an answer from here on", stacklevel=2)
        if before is not None and self._served != before:
            warnings.warn(
                f"{self.model}: the server now says it runs {self._served!r}, before {before!r}; pin the model",
                stacklevel=2,
            )


class _Interrupted(Exception):
    """Raised in requests that are given up because another one stopped the batch."""


def open_engine(entry: dict) -> Engine:
    """Open an ``alms`` entry of the configuration; see :class:`Settings` for its keys. Nothing is sent.

    Raises:
        UserError: A key is missing, unknown or of the wrong kind, or there is no key in the environment.
    """
    return Engine(read_settings(entry))
