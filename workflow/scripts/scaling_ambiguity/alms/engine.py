"""What an engine is: how an audio-language model is queried, whoever runs it, and the capabilities it declares."""

import importlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

from scaling_ambiguity.alms.questions import Answer, Question
from scaling_ambiguity.errors import UserError

Capability = Literal["sample", "beam", "read_labels"]
_MEANING = {
    "sample": "draws answers token by token",
    "beam": "searches for the most probable answers",
    "read_labels": "reads the log-probabilities of label words",
}
_REMEDY = {
    "sample": "choose an ALM of engine `transformers` or `openai`",
    "beam": "draw samples instead, or choose an ALM whose engine has `beam` among its capabilities",
    "read_labels": "choose mode `sampled` or `verbalised`, an ALM of engine `transformers`, or one that vLLM serves "
    "(`server: vllm`)",
}


class Engine(Protocol):
    """Answers questions on behalf of one model.

    An engine is a module of ``alms.engines`` with a class ``Engine``, which names one of the three protocols below as
    its base, so that mypy rejects an incomplete one, and a function ``open_engine(entry)``.

    Attributes:
        model: The model's name, under which answers are stored.
        revision: Identifies its weights and, where they change answers, the sampling settings.
        processor: Renders a conversation in the model's chat format, by ``apply_chat_template``.
        longest: Token limit of an answer, which is part of the question; None: answers of any limit are accepted.
        repeats: Whether the same question gives the same answer: the same seed draws the same tokens.
        capabilities: What can be asked for: ``sample``, answers drawn token by token at a temperature; ``beam``, the
            most probable answers that a beam search finds; ``read_labels``, the log-probabilities of the labels of a
            question, from one prefill.
        answers_only: Whether only stored answers exist, and none is ever requested.
        asks_alone: Whether an answer depends on its question alone and is paid for, so that only what is missing
            is requested; else whole batches are computed, because neighbours change the last digits of a result.
        clips_at_once: Number of utterances per call.
    """

    model: str
    revision: str
    processor: Any
    longest: int | None
    repeats: bool
    capabilities: frozenset[Capability]
    answers_only: bool
    asks_alone: bool
    clips_at_once: int

    @classmethod
    def able(cls, entry: dict[str, Any]) -> frozenset[Capability]:
        """Return which of the capabilities an entry has: all, unless its server lacks some."""
        return cls.capabilities

    def remarks(self) -> list[str]:
        """Return lines for the log about what was noticed while questions were answered."""
        return []

    def close(self) -> None:
        """Release what the engine started; no question may follow."""
        return None


class BatchEngine(Engine, Protocol):
    """A model in this process, which answers batches."""

    answers_only: Literal[False] = False
    asks_alone: Literal[False] = False

    def prepare(self, questions: Sequence[Question]) -> Any:
        """Return what can be computed without the model; may run in a thread and changes no answer."""
        return None

    def answer(
        self, questions: Sequence[Question], uniform: Callable[..., float], prepared: Any = None
    ) -> list[Answer]:
        """Return an answer to each question, in their order.

        Args:
            questions: Any number.
            uniform: ``uniform(*stream, step)`` in [0, 1), from which all randomness comes.
            prepared: What :meth:`prepare` returned for the same questions; None: it is done now.
        """


class StreamEngine(Engine, Protocol):
    """A model behind a server, whose answers are yielded as they arrive."""

    answers_only: Literal[False] = False
    asks_alone: Literal[True] = True

    def stream(
        self,
        questions: Sequence[Question],
        uniform: Callable[..., float],
        go_on: Callable[[], bool] = lambda: True,
        proven: Question | None = None,
    ) -> Iterator[tuple[int, Answer]]:
        """Yield (position of the question, answer) as answers arrive, each once.

        Args:
            questions: Any number.
            uniform: ``uniform(*stream, 0)`` in [0, 1), from which a request's seed comes.
            go_on: Called before each request; whether any more are to be sent.
            proven: A question that this server answered before, if there is any.
        """


class PublishedEngine(Engine, Protocol):
    """A model that need not exist any more.

    Attributes:
        folder: Its published answers, an answer store.
    """

    answers_only: Literal[True] = True
    asks_alone: Literal[False] = False
    folder: Path


AnyEngine: TypeAlias = BatchEngine | StreamEngine | PublishedEngine


def open_engine(
    entry: dict[str, Any], wanted: Capability, asked_by: str, server_log: str | Path = "server.log"
) -> AnyEngine:
    """Open an ``alms`` entry by the name of its engine; one with ``serve`` starts its own server.

    Args:
        entry: The entry, with what the job adds to it.
        wanted: What the engine has to be capable of.
        asked_by: Who needs it, for messages, e.g. ``annotators.tiny, mode `readout```.
        server_log: What the server of an entry with ``serve`` prints.

    Raises:
        UserError: The engine is not capable of it (checked before anything is opened), or cannot be opened.
    """
    name = entry["engine"]
    module = importlib.import_module(f"scaling_ambiguity.alms.engines.{name}")
    can = module.Engine.able(entry)
    if wanted not in can:
        raise UserError(
            f"{asked_by}: needs an engine that {_MEANING[wanted]} (`{wanted}`), and engine `{name}` of its ALM does "
            f"not here; it has {', '.join(f'`{name}`' for name in sorted(can))}. To go on, {_REMEDY[wanted]}."
        )
    if "serve" in entry:  # imported here so that other annotators do not depend on it
        return importlib.import_module("scaling_ambiguity.alms.served").open_served(entry, server_log)
    return module.open_engine(entry)
