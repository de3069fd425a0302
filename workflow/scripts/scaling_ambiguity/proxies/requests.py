"""A request to a model: its parts, and the key under which its answer is stored permanently."""

import hashlib
import json
from dataclasses import MISSING, dataclass, fields, replace
from functools import cached_property
from typing import Any

from scaling_ambiguity.alms.filing import without_limit

VERSION = 2


@dataclass(frozen=True)
class Request:
    """What determines an answer, and nothing else: no code, shard, path, corpus or number of votes.

    A field added later needs a default, which leaves all keys unchanged: fields with their default value are not
    hashed.

    Attributes:
        model: Name of the checkpoint.
        revision: Commit or content hash of its weights.
        prompt_sha256: Hash of the rendered prompt (system role, focus line, transcript, label words, modality).
        audio_sha256: Hash of the sound file; ``none:<utterance>`` if there is no sound input, so that utterances with
            the same words get their own votes, whichever shard asks first.
        temperature: Sampling temperature.
        seed: The run's seed.
        draw: Number of the draw, from 0.
        limit: Token limit of the answer; None where tokens are not drawn one by one.
    """

    model: str
    revision: str
    prompt_sha256: str
    audio_sha256: str
    temperature: float
    seed: int
    draw: int
    limit: int | None = None

    @cached_property
    def key(self) -> str:
        """SHA-256 of the version of the key and of the request's parts, 64 hexadecimal digits."""
        given = {field.name: getattr(self, field.name) for field in fields(self) if not _is_default(self, field)}
        return text_sha256(json.dumps({"version": VERSION, **given}, sort_keys=True))

    @cached_property
    def question(self) -> str:
        """The key without the limit, common to all limits of one question."""
        return self.key if self.limit is None else replace(self, limit=None).key

    @property
    def stream(self) -> tuple:
        """The source of the draw's randomness; independent of its position and limit."""
        return (self.seed, "answer", self.audio_sha256, self.prompt_sha256, self.draw)

    def answered_by(self, record: dict[str, Any], repeats: bool = True) -> bool:
        """Return whether the stored answer to this question, at whatever limit, is the answer at this limit.

        Where the same question gives the same answer (the same seed draws the same tokens), an answer that ended within
        this limit is the same at any other, and one that was cut at this limit or later is cut here too; so only
        answers cut earlier are requested again. Otherwise, keeping the short and redrawing the long ones would favour
        short answers, so another limit is another request. Failed answers are not reused for another limit.

        Args:
            record: A stored answer; see :func:`upgraded`.
            repeats: Whether the same question gives the same answer.
        """
        limit = record.get("limit")
        if self.limit is None or limit == self.limit:
            return True
        if not repeats or record["status"] == "failed":
            return False
        if record["status"] == "cut":
            return limit is None or limit >= self.limit
        tokens = record["tokens"]
        return tokens <= self.limit if tokens is not None else limit is None or limit <= self.limit


def _is_default(request: Request, field: Any) -> bool:
    return field.default is not MISSING and getattr(request, field.name) == field.default


def upgraded(record: dict[str, Any]) -> dict[str, Any]:
    """Return a stored answer in the current format.

    Version 1 had no limit among the request's parts: for a cut answer it is the number of its tokens, and a
    server's was in the revision, among the sampling parameters. It took every finish reason but ``stop``
    for a cut; an answer with fewer tokens than the limit was not cut, and counts as ended.
    """
    if record.get("version") == VERSION:
        return record
    status, tokens = record["status"], record["tokens"]
    revision, limit = without_limit(record["revision"])
    if status == "cut" and limit is not None and tokens is not None and tokens < limit:
        status = "answered"
    if limit is None and status == "cut":
        limit = tokens
    parts = {field.name: record[field.name] for field in fields(Request) if field.default is MISSING}
    request = Request(**parts | {"revision": revision}, limit=None if record.get("label_logprobs") else limit)
    return {**record, **identity(request), "status": status}


def identity(request: Request) -> dict[str, Any]:
    """Return the part of a stored record that identifies the question; the two keys come first."""
    parts = {field.name: getattr(request, field.name) for field in fields(request)}
    return {"key": request.key, "question": request.question, "version": VERSION, **parts}


def text_sha256(text: str) -> str:
    """Return the SHA-256 of a text, 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()
