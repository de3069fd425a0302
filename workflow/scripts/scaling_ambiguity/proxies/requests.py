"""A request to a model: what it is made of, and the key under which its answer is kept for ever."""

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

    A field that is added later needs a default, which leaves all keys as they are: what has its default value is not
    hashed.

    Attributes:
        model: Name of the checkpoint.
        revision: Commit or content hash of its weights.
        prompt_sha256: Hash of the rendered prompt (system role, focus line, transcript, label words, modality).
        audio_sha256: Hash of the sound file; ``none:<utterance>`` if it is not heard, so that utterances of the
            same words get votes of their own, whichever shard asks first.
        temperature: Sampling temperature.
        seed: The run's seed.
        draw: Number of the draw, from 0.
        limit: Most tokens that the answer may have before it is cut; None where none is drawn one by one.
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
        """The key without the limit: what all limits of one question have in common."""
        return self.key if self.limit is None else replace(self, limit=None).key

    @property
    def stream(self) -> tuple:
        """What the randomness of the draw is derived from: neither its place nor its limit."""
        return (self.seed, "answer", self.audio_sha256, self.prompt_sha256, self.draw)

    def answered_by(self, record: dict[str, Any], repeats: bool = True) -> bool:
        """Return whether the stored answer to this question, at whatever limit, is the answer at this limit.

        Where a question repeats its answer (the same seed draws the same tokens), an answer that ended within this
        limit is the same at any other, and one that was cut at this limit or later is cut here too; so only what was
        cut earlier is asked again. Where it does not, keeping the short and drawing the long ones again would favour
        short answers: another limit is another request. What failed is not kept for another limit.

        Args:
            record: A stored answer; see :func:`upgraded`.
            repeats: Whether the question repeats its answer.
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
    """Return a stored answer as today's code stores it.

    Version 1 had no limit among the request's parts: of an answer that was cut it is the number of its tokens, and a
    server's stood in the revision, among the sampling parameters. It took every reason to end but ``stop``
    for a cut: an answer with fewer tokens than the limit was none, and counts as ended.
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
    """Return the part of a stored record that says what was asked; the two keys come first."""
    parts = {field.name: getattr(request, field.name) for field in fields(request)}
    return {"key": request.key, "question": request.question, "version": VERSION, **parts}


def text_sha256(text: str) -> str:
    """Return the SHA-256 of a text, 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()
