"""The ``alms`` entry of a server, checked before anything is sent."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from scaling_ambiguity.alms.filing import filed_as
from scaling_ambiguity.alms.http.dialects import (
    DIALECTS,
    SEED_FIELDS,
    inferred_server,
    needs_audio,
    system_in_user_turn,
)
from scaling_ambiguity.errors import UserError

_NEEDED = ("base_url", "model", "revision")
_ANYWHERE = ("engine", "gpus")
_OWNED = {
    "model", "messages", "temperature", "seed", "random_seed", "n", "logprobs", "stream", "max_tokens",
    "max_completion_tokens", "reasoning_effort",
}  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """How a server is queried.

    Attributes:
        base_url: Up to and without ``/chat/completions``, such as ``http://localhost:8000/v1``.
        model: The model's name at the server.
        revision: What the answers are stored under in addition to the model: a dated snapshot, or a commit.
        key_env: Environment variable that holds the key, or None.
        concurrency: Requests under way at once.
        requests_per_minute: Limit of this process, or None.
        tokens_per_minute: Limit of this process, or None.
        timeout_s: Seconds until the last byte of a reply.
        retries: Attempts after the first.
        samples: ``n``: many answers per request, where the server honours it; ``loop``: one request per answer.
        logprobs: Ask for log-probabilities.
        max_tokens: Longest answer.
        token_limit_field: The server's name for it: ``max_tokens`` or ``max_completion_tokens``.
        unique_ids: Whether a second reply with the ``id`` of an earlier one is a fault (a cache, a proxy).
        server: Kind of server: one of ``DIALECTS``; None: not known, treated as ``openai``.
        seed: The server's name for the seed; True: ``seed``; False: it accepts none; None: as for its kind.
        top_p: Sent with every request, or False: not sent.
        reasoning_effort: How long a reasoning model may think; its reasoning counts as tokens of the answer.
        system: ``turn``, or ``user_turn``: the system role begins the user's text.
        answers_as: Names the server may use for the model in its replies, in addition to ``model`` and ``revision``.
        needs_audio: Whether the model refuses text alone.
        extra: Further fields of the body, such as ``{min_tokens: 1}`` for vLLM.
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
    server: str | None = None
    seed: bool | str | None = None
    top_p: float | bool = 1.0
    reasoning_effort: str | None = None
    system: str = "turn"
    answers_as: str | list[str] | None = None
    needs_audio: bool = False
    extra: dict[str, Any] | None = None
    spending: dict[str, Any] | None = None

    @property
    def seed_field(self) -> str | None:
        """The server's name for the seed; None: none is sent."""
        if self.seed is None:
            return DIALECTS[self.server or "openai"].seed
        if isinstance(self.seed, bool):
            return "seed" if self.seed else None
        return self.seed

    @property
    def allowed_models(self) -> list[str]:
        """Names of the model that a reply may contain: for an alias, the snapshot's name is the revision."""
        also = [self.answers_as] if isinstance(self.answers_as, str) else self.answers_as or []
        return [self.model, self.revision, *also]

    @property
    def sampling(self) -> dict[str, Any]:
        """What every request says about sampling, except temperature and seed."""
        sent = {"model": self.model, self.token_limit_field: self.max_tokens}
        if self.top_p is not False:
            sent["top_p"] = self.top_p
        if self.reasoning_effort is not None:
            sent["reasoning_effort"] = self.reasoning_effort
        return {**sent, **DIALECTS[self.server or "openai"].neutral, **(self.extra or {})}

    @property
    def filed_as(self) -> str:
        """The revision and the sampling parameters; the token limit, like the temperature, is the request's.

        A name of the seed other than ``seed``, or its absence, is one of them.
        """
        apart = ("model", self.token_limit_field)
        parameters = {name: value for name, value in self.sampling.items() if name not in apart}
        if self.seed_field != "seed":
            parameters["seed"] = self.seed_field or False
        return filed_as(self.revision, parameters)


def read_settings(entry: dict) -> Settings:
    """Return the settings of an entry.

    Raises:
        UserError: A key is missing, unknown or of the wrong kind; values are not quoted where they may be secret.
    """
    values = {name: value for name, value in entry.items() if name not in _ANYWHERE}
    allowed = set(Settings.__dataclass_fields__)
    missing, unknown = [name for name in _NEEDED if not values.get(name)], sorted(set(values) - allowed)
    if missing or unknown:
        raise UserError(
            f"alms entry: engine `openai` misses {missing} and does not know {unknown}; it knows {sorted(allowed)}."
        )
    for name in _NEEDED:
        if not isinstance(values[name], str):
            raise UserError(f"alms entry: `{name}` has to be text; put it in quotes.")
    values["base_url"] = _checked_url(values["base_url"])
    values.setdefault("server", inferred_server(values))
    values["system"] = values.get("system") or ("user_turn" if system_in_user_turn(values) else "turn")
    values.setdefault("needs_audio", needs_audio(values))
    settings = Settings(**values)
    _check_numbers(settings)
    _check_choices(settings)
    owned = sorted(set(settings.extra or {}) & _OWNED)
    if owned:
        raise UserError(
            f"alms entry: `extra` may not set {owned}; the engine does. A server without a seed: `seed: false`; the "
            "token limit: `max_tokens`; thinking: `reasoning_effort`."
        )
    return settings


def _check_numbers(settings: Settings) -> None:
    for name, least in {"concurrency": 1, "retries": 0, "max_tokens": 1}.items():
        value = getattr(settings, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise UserError(f"alms entry: `{name}` has to be a whole number from {least} on.")
    for name in ("timeout_s", "requests_per_minute", "tokens_per_minute"):
        value = getattr(settings, name)
        if value is None and name != "timeout_s":
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
            raise UserError(f"alms entry: `{name}` has to be a number above 0.")
    top_p = settings.top_p
    if top_p is True or not isinstance(top_p, int | float) or (top_p is not False and not 0 < top_p <= 1):
        raise UserError("alms entry: `top_p` has to be a number above 0 up to 1, or false: not sent.")


def _check_choices(settings: Settings) -> None:
    for name, choices in {
        "samples": ("n", "loop"),
        "token_limit_field": ("max_tokens", "max_completion_tokens"),
        "logprobs": (True, False),
        "unique_ids": (True, False),
        "needs_audio": (True, False),
        "server": (None, *DIALECTS),
        "seed": (None, True, False, *SEED_FIELDS),
        "system": ("turn", "user_turn"),
    }.items():
        if getattr(settings, name) not in choices:
            raise UserError(f"alms entry: `{name}` has to be one of {[c for c in choices if c is not None]}.")
    for name in ("extra", "spending"):
        if not isinstance(getattr(settings, name), dict | None):
            raise UserError(f"alms entry: `{name}` has to be a mapping.")
    if not isinstance(settings.reasoning_effort, str | None):
        raise UserError("alms entry: `reasoning_effort` has to be a word, such as low.")
    also = settings.answers_as
    if not isinstance(also, str | list | None) or not all(isinstance(name, str) for name in also or []):
        raise UserError("alms entry: `answers_as` has to be a name, or a list of names.")


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
