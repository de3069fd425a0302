"""The ``alms`` entry of a server, checked before anything is sent."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from scaling_ambiguity.alms.filing import filed_as
from scaling_ambiguity.errors import UserError

_NEEDED = ("base_url", "model", "revision")
_ANYWHERE = ("engine", "gpus")
_OWNED = {"model", "messages", "temperature", "seed", "n", "logprobs", "stream", "max_tokens", "max_completion_tokens"}


@dataclass(frozen=True)
class Settings:
    """How a server is asked.

    Attributes:
        base_url: Up to and without ``/chat/completions``, such as ``http://localhost:8000/v1``.
        model: The model's name at the server.
        revision: What the answers are filed under beside the model: a dated snapshot, or a commit.
        key_env: Environment variable that holds the key, or None.
        concurrency: Requests under way at once.
        requests_per_minute: Limit of this process, or None.
        tokens_per_minute: Limit of this process, or None.
        timeout_s: Seconds until the last byte of a reply.
        retries: Attempts after the first.
        samples: ``n``: many answers a request, where the server honours it; ``loop``: one request an answer.
        logprobs: Ask for log-probabilities.
        max_tokens: Longest answer.
        token_limit_field: What the server calls it: ``max_tokens`` or ``max_completion_tokens``.
        unique_ids: Whether a second reply with the ``id`` of an earlier one is a fault (a cache, a proxy).
        extra: Further fields of the body, such as ``{top_k: -1, repetition_penalty: 1.0}`` for vLLM.
        spending: See :class:`~scaling_ambiguity.alms.http.spending.Spending`.
    """

    base_url: str
    model: str
    revision: str
    key_env: str | None = None
    concurrency: int = 4
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    timeout_s: float = 120.0
    retries: int = 10
    samples: str = "loop"
    logprobs: bool = False
    max_tokens: int = 8
    token_limit_field: str = "max_tokens"
    unique_ids: bool = True
    extra: dict[str, Any] | None = None
    spending: dict[str, Any] | None = None

    @property
    def sampling(self) -> dict[str, Any]:
        """What every request says about sampling, the temperature apart."""
        return {"model": self.model, self.token_limit_field: self.max_tokens, "top_p": 1.0, **(self.extra or {})}

    @property
    def filed_as(self) -> str:
        """The revision and the sampling parameters; the token limit, like the temperature, is the request's."""
        apart = ("model", self.token_limit_field)
        return filed_as(self.revision, {name: value for name, value in self.sampling.items() if name not in apart})


def read_settings(entry: dict) -> Settings:
    """Return the settings of an entry.

    Raises:
        UserError: A key is missing, unknown or of the wrong kind; values are not quoted where they may be secret.
    """
    values = {name: value for name, value in entry.items() if name not in _ANYWHERE}
    known = set(Settings.__dataclass_fields__)
    missing, unknown = [name for name in _NEEDED if not values.get(name)], sorted(set(values) - known)
    if missing or unknown:
        raise UserError(
            f"alms entry: engine `openai` misses {missing} and does not know {unknown}; it knows {sorted(known)}."
        )
    for name in _NEEDED:
        if not isinstance(values[name], str):
            raise UserError(f"alms entry: `{name}` has to be text; put it in quotes.")
    settings = Settings(**{**values, "base_url": _checked_url(values["base_url"])})
    whole = {"concurrency": 1, "retries": 0, "max_tokens": 1}
    for name, least in whole.items():
        value = getattr(settings, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise UserError(f"alms entry: `{name}` has to be a whole number from {least} on.")
    for name in ("timeout_s", "requests_per_minute", "tokens_per_minute"):
        value = getattr(settings, name)
        if value is None and name != "timeout_s":
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
            raise UserError(f"alms entry: `{name}` has to be a number above 0.")
    for name, choices in {
        "samples": ("n", "loop"),
        "token_limit_field": ("max_tokens", "max_completion_tokens"),
        "logprobs": (True, False),
        "unique_ids": (True, False),
    }.items():
        if getattr(settings, name) not in choices:
            raise UserError(f"alms entry: `{name}` has to be one of {list(choices)}.")
    for name in ("extra", "spending"):
        if not isinstance(getattr(settings, name), dict | None):
            raise UserError(f"alms entry: `{name}` has to be a mapping.")
    owned = sorted(set(settings.extra or {}) & _OWNED)
    if owned:
        raise UserError(f"alms entry: `extra` may not set {owned}; the engine does.")
    return settings


def _checked_url(url: str) -> str:
    """Return the URL without a slash at its end.

    Raises:
        UserError: It is no http(s) URL, or holds a user name, password or query, where keys hide.
    """
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
    except ValueError:
        fine = False
    if not fine or "@" in parts.netloc or parts.query or parts.fragment:
        raise UserError(
            "alms entry: `base_url` has to be like http://localhost:8000/v1, without user name, password or query; "
            "a key is named by `key_env`."
        )
    return url.rstrip("/").removesuffix("/chat/completions")
