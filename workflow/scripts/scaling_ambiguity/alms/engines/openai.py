"""Engine `openai`: an audio-language model behind any server with OpenAI's chat completions."""

import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from scaling_ambiguity.alms.drawing import draw_labels
from scaling_ambiguity.alms.engine import Capability, StreamEngine
from scaling_ambiguity.alms.http.batch import Batch, Interrupted, ItemFailed
from scaling_ambiguity.alms.http.client import Client
from scaling_ambiguity.alms.http.dialects import is_same_model, reads_labels
from scaling_ambiguity.alms.http.faults import (
    AnotherServer,
    EngineStopped,
    Fault,
    RequestRefused,
    ServerUnavailable,
    another_model,
    concerns_all,
    refused,
    unavailable,
    unstated_vllm,
)
from scaling_ambiguity.alms.http.keys import read_key
from scaling_ambiguity.alms.http.label_reads import (
    LabelTokens,
    find_label_tokens,
    following_body,
    read_following,
)
from scaling_ambiguity.alms.http.limits import RateLimit
from scaling_ambiguity.alms.http.outages import Outages
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


class Engine(StreamEngine):
    """Queries a server; answers are yielded as they arrive.

    Attributes:
        model: The model's name at the server.
        revision: The entry's revision and the sampling parameters, under which answers are stored.
        processor: Renders a prompt as the JSON of its chat messages.
        longest: Most tokens an answer may have.
        attempts: Number of requests sent, failed ones included.
        faults: Number of failed attempts by kind.
    """

    capabilities: frozenset[Capability] = frozenset({"sample", "read_labels"})
    clips_at_once = _CLIPS_HELD

    def __init__(self, settings: Settings) -> None:
        self.model = settings.model
        self.revision = settings.filed_as
        self.longest = settings.max_tokens
        self.repeats = settings.samples == "loop" and settings.seed_field is not None
        self.processor = ChatMessages(settings.system == "user_turn")
        self.spending = Spending(settings.spending)
        self.attempts = 0
        self.faults: dict[str, int] = {}
        self._settings = settings
        self._client = Client(settings.base_url, read_key(settings.key_env), settings.timeout_s)
        self._limit = RateLimit(settings.requests_per_minute, settings.tokens_per_minute)
        self._lock = threading.Lock()
        self._identifiers: set[str] = set()
        self._outages = Outages()
        self._several = settings.samples == "n"
        self._clip = lru_cache(_CLIPS_HELD)(read_clip)
        self._label_tokens: dict[tuple[str, ...], LabelTokens] = {}
        self._looking = threading.Lock()

    @classmethod
    def able(cls, entry: dict[str, Any]) -> frozenset[Capability]:
        """Return what the server of an entry can be asked for: vLLM alone gives the log-probabilities of labels."""
        return cls.capabilities if reads_labels(entry) else frozenset({"sample"})

    def connect(self, base_url: str) -> None:
        """Use another address from here on: that of a server started after the engine was opened."""
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
        except UserError as error:  # an unreadable clip
            raise EngineStopped(str(error), received) from None
        return [received[place] for place in range(len(questions))]

    def stream(
        self,
        questions: Sequence[Question],
        uniform: Callable[..., float],
        go_on: Callable[[], bool] = lambda: True,
        proven: Question | None = None,
    ) -> Iterator[tuple[int, Answer]]:
        """Yield (position of the question, answer) as answers arrive, each once.

        A question that the server cannot answer gets a fault as its answer, once the question is known to be the cause
        (see :class:`Outages`). On a permanent fault of the server, requests under way are waited for and their
        answers yielded first.

        Args:
            questions: Any number.
            uniform: ``uniform(*stream, 0)`` in [0, 1) gives a request's seed, 31 bits.
            go_on: Called before each request; whether any more are to be sent.
            proven: A question that this server answered before, if there is any.

        Raises:
            SpendingReached: The spending cap is reached.
            ServerUnavailable: All attempts at some requests failed, none succeeded in between, and a question answered
                before is no longer answered.
            RequestRefused: The server refuses requests, and would refuse any other.
            AnotherServer: Another model, or a kind of server other than the entry states, answers.
            UserError: A clip cannot be read, labels cannot be read out (see :func:`find_label_tokens`), or a text of a
                model that takes none alone.
        """
        self._check(questions)
        self._outages.begin(proven is not None)
        batch = Batch(deque(self._groups(questions)), go_on, self._settings.concurrency, answered=proven)
        with ThreadPoolExecutor(self._settings.concurrency, thread_name_prefix="ask") as threads:
            try:
                while batch.running or batch.more():
                    while batch.more() and len(batch.running) < batch.width:
                        places, *rest = self._split(batch.waiting.popleft(), questions)
                        batch.waiting.extendleft(reversed(rest))
                        asked = [questions[place] for place in places]
                        batch.running[threads.submit(self._ask, asked, uniform, batch.stop)] = places
                    for future in batch.finished():
                        yield from self._received(future, batch, questions, uniform)
            finally:
                batch.stop.set()
        if batch.first is None:
            yield from self._outages.rest()
            if self._outages.open and batch.last_failure is not None:
                batch.first = self._still_fails(batch.last_failure, batch, uniform)
                yield from self._outages.answered() if batch.first is None else ()
        if batch.first is not None:
            raise batch.first

    def _check(self, questions: Sequence[Question]) -> None:
        silent = next((question for question in questions if question.audio is None), None)
        if self._settings.needs_audio and silent is not None:
            raise UserError(
                f"{self.model}, {silent.about}: this model refuses text alone; ask it with modality `audio` or `both`, "
                "or write `needs_audio: false` in the alms entry if it does not."
            )

    def _received(
        self, future: Future, batch: Batch, questions: Sequence[Question], uniform: Callable[..., float]
    ) -> list[tuple[int, Answer]]:
        """Return the answers of a finished request, and earlier ones that had been withheld."""
        places, error = batch.running.pop(future), future.exception()
        if error is None:
            answers = future.result()
            batch.answered = questions[places[0]]
            if len(answers) < len(places):
                batch.waiting.appendleft(places[len(answers) :])
            return [*self._outages.answered(), *zip(places, answers, strict=False)]
        if isinstance(error, ItemFailed):
            item = questions[places[0]].about
            batch.last_failure = error.stopped
            failed = Answer("", None, None, False, fault=str(error))
            draws = [(place, failed) for place in places]
            by_the_server = isinstance(error.stopped, RequestRefused)
            failed_draws = self._outages.failed(item, draws, error.answers, by_the_server)
            if not self._outages.down:
                if not failed_draws:
                    batch.elsewhere([questions[group[0]].about == item for group in batch.waiting])
                return failed_draws
            error = self._still_fails(error.stopped, batch, uniform)
            if error is None:
                return self._outages.answered()
        batch.give_up(error)
        return []

    def _still_fails(self, stopped: EngineStopped, batch: Batch, uniform: Callable[..., float]) -> EngineStopped | None:
        """Repeat a question that was answered before; return why the server is given up, None if it answers.

        This distinguishes many bad items in a row from a dead server. The answer does not count as a draw and is not
        kept.
        """
        if batch.answered is None:
            return stopped
        again = replace(batch.answered, stream=(*batch.answered.stream, "again"))
        try:
            self._ask([again], uniform, threading.Event())
        except ItemFailed:
            return stopped
        except EngineStopped as other:
            return other
        return None

    def _split(self, places: list[int], questions: Sequence[Question]) -> list[list[int]]:
        """Return the requests for draws of one prompt: one where the server honours ``n``, else one per draw.

        Draws from a read-out stay together: it is read once.
        """
        together = self._several or questions[places[0]].labels is not None
        return [places] if together else [[place] for place in places]

    def _groups(self, questions: Sequence[Question]) -> list[list[int]]:
        """Return the positions covered by each request: draws of one clip, prompt and temperature, or single draws.

        Draws from one read-out may be of several temperatures.
        """
        groups: dict[tuple, list[int]] = {}
        for place, question in enumerate(questions):
            alone = question.temperature if self._several else place
            how = alone if question.labels is None else question.labels
            groups.setdefault((question.prompt, question.audio, how), []).append(place)
        return list(groups.values())

    def _ask(self, asked: list[Question], uniform: Callable[..., float], stop: threading.Event) -> list[Answer]:
        """Return the answers to one request: as many as the server gave, at least one."""
        question, settings = asked[0], self._settings
        clip, seconds = (None, 0.0) if question.audio is None else self._clip(question.audio)
        messages = messages_with_audio(question.prompt, clip)
        if question.labels is not None:
            return self._read_out(asked, messages, seconds, uniform, stop)
        seed = int(uniform(*question.stream, 0) * 2**31)
        heat, name = question.temperature, settings.seed_field
        body = request_body(messages, settings.sampling, heat, seed, len(asked), settings.logprobs, name)
        tokens = estimated_tokens(question.prompt, seconds, len(asked), settings.max_tokens)

        def attempt() -> Reply:
            return self._attempt(body, tokens, seconds, stop, lambda data: read_reply(data, len(asked)))

        reply = self._reply(question, attempt, set(body), stop)
        self._note(reply, len(asked))
        return reply.answers

    def _read_out(
        self,
        asked: list[Question],
        messages: list[dict[str, Any]],
        seconds: float,
        uniform: Callable[..., float],
        stop: threading.Event,
    ) -> list[Answer]:
        """Read the log-probabilities of the labels of one prompt, a request per beginning, and draw from them."""
        question, settings = asked[0], self._settings
        labels = question.labels or ()
        known = self._tokens_of(question, labels, stop)
        estimate = estimated_tokens(question.prompt, seconds, 1, 1)
        served: set[str | None] = set()

        def following(text: str, tokens: list[int]) -> dict[int, float]:
            body = following_body(messages, settings.sampling, settings.token_limit_field, text, tokens)

            def attempt() -> Reply:
                return self._attempt(body, estimate, seconds, stop, lambda data: read_following(data, tokens))

            reply = self._reply(question, attempt, set(body), stop)
            self._note(reply, 1)
            served.add(reply.model)
            return reply.following

        scores = np.array([known.scores(following)])
        lengths, heat = [len(label) for label in known.tokens], [one.temperature for one in asked]
        drawn = draw_labels(
            scores, labels, lengths, [0] * len(asked), heat, lambda draw: uniform(*asked[draw].stream, 0)
        )
        return [replace(answer, served=next(iter(served))) for answer in drawn]

    def _tokens_of(self, question: Question, labels: tuple[str, ...], stop: threading.Event) -> LabelTokens:
        """Return the tokens of labels, looked up once in the life of the engine."""

        def look(path: str, body: dict[str, Any], read: Callable[[Any], Any]) -> Any:
            return self._reply(question, lambda: read(self._client.post(body, path)), set(body), stop, path)

        with self._looking:
            if labels not in self._label_tokens:
                self._label_tokens[labels] = find_label_tokens(look, self._settings.model, labels)
            return self._label_tokens[labels]

    def _reply(
        self, question: Question, attempt: Callable[[], Any], sent: set[str], stop: threading.Event, path: str = ""
    ) -> Any:
        """Return what an attempt returns, repeated after faults that pass.

        Args:
            question: The one it is about.
            attempt: Sends a request; raises :class:`Fault`.
            sent: Fields of the request.
            stop: Ends the wait between two attempts.
            path: Named in messages, where it is not that of chat completions.
        """
        settings = self._settings
        where = f"{settings.base_url} ({path} of that server)" if path else settings.base_url
        context = f"{where}, model {settings.model}, {question.about}"
        answers = 0
        for number in range(settings.retries + 1):
            try:
                return attempt()
            except Fault as fault:
                self._count(fault)
                answers = answers if number else self._outages.answers
                if not fault.retry:
                    stopped: EngineStopped = RequestRefused(refused(context, fault, sent))
                    for_all = concerns_all(fault, sent) and not self._outages.proven
                    raise (ItemFailed(fault, stopped, answers) if fault.item and not for_all else stopped) from None
                last = number >= self._outages.retries(question.about, settings.retries)
                if last or (fault.wait or 0) > LONGEST_RETRY_AFTER:
                    stopped = ServerUnavailable(unavailable(context, fault, number + 1))
                    raise (ItemFailed(fault, stopped, answers) if fault.item else stopped) from None
                self._pause(fault, number, stop)
        raise AssertionError("unreachable")

    def _attempt(
        self, body: dict, tokens: int, seconds: float, stop: threading.Event, read: Callable[[Any], Reply]
    ) -> Reply:
        """Send one request and return its reply, as ``read`` makes it of the decoded body."""
        passage = self._limit.enter(tokens, stop)
        if passage is None:
            raise Interrupted
        purchase = self.spending.price(seconds)
        self.spending.reserve(purchase)
        with self._lock:
            self.attempts += 1
        try:
            reply = read(self._client.post(body))
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
                "(for a server whose replies have no unique ids, set `unique_ids: false`)"
            )
            raise Fault("repeated reply", detail, retry=True, bought=True, item=False)

    def _pause(self, fault: Fault, attempt: int, stop: threading.Event) -> None:
        delay = max(backoff(attempt), fault.wait or 0.0)
        if fault.everyone:
            self._limit.close_for(fault.wait or 0.0)
        if stop.wait(delay):
            raise Interrupted

    def _count(self, fault: Fault) -> None:
        with self._lock:
            self.faults[fault.kind] = self.faults.get(fault.kind, 0) + 1

    def _note(self, reply: Reply, samples: int) -> None:
        """Learn from a reply whether ``n`` is honoured, and check that the requested model answered.

        Raises:
            AnotherServer: Another one answered.
        """
        settings = self._settings
        with self._lock:
            ignored = self._several and samples > 1 and len(reply.answers) == 1
            if ignored:
                self._several = False
        if ignored:
            warnings.warn(f"{self.model}: the server ignores `n`; one request per answer from here on", stacklevel=2)
        if reply.model is not None and not is_same_model(reply.model, settings.allowed_models):
            raise AnotherServer(another_model(settings.base_url, settings.model, reply.model))
        if settings.server is None and reply.vllm:
            raise AnotherServer(unstated_vllm(settings.base_url))


def open_engine(entry: dict) -> Engine:
    """Open an ``alms`` entry of the configuration; see :class:`Settings` for its keys. Nothing is sent.

    Raises:
        UserError: A key is missing, unknown or of the wrong kind, or there is no key in the environment.
    """
    return Engine(read_settings(entry))
