"""The registry of audio-language models: facts with sources, and how a configuration uses them."""

import datetime
import difflib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from scaling_ambiguity.errors import UserError

REGISTRY = Path(__file__).resolve().parents[3] / "resources" / "alms.yaml"
NOT_KNOWN, NOT_APPLICABLE, NONE = "not known", "not applicable", "none"


@dataclass(frozen=True)
class Entry:
    """What is known about one model; every fact may be ``not known``. See ``workflow/resources/alms.yaml``.

    Attributes:
        key: Name in the registry.
        name: Name in print.
        of: ``benchmark`` or ``today``.
        engine: ``transformers`` or ``openai``.
        checkpoint: Its name on a hub, a server or an API.
        loads_by: Class of transformers, or ``none``.
        packages: Packages that it needs in addition to transformers.
        revision: Commit, or dated snapshot of an API.
        licence: Licence under which it may be used.
        gated: Whether a key or an accepted licence is needed.
        parameters: Billions.
        gpu_memory_gb: Published minimum GPU memory, GB.
        context: Tokens.
        longest_audio_s: Seconds of one clip.
        base_url: Of the server, or ``none``.
        key_env: Environment variable with the key, or ``none``.
        retires: Day from which it no longer answers, as announced.
        seconds_a_clip: Measured seconds per clip on one GPU.
        ran_here: What was run with it in this repository.
        remarks: What else has to be known.
        sources: Where the facts are from.
        asked_with: Further keys of an ``alms`` entry that its server needs.
    """

    key: str
    name: str
    of: str
    engine: str
    checkpoint: str
    loads_by: str
    packages: tuple[str, ...]
    revision: str
    licence: str
    gated: bool | str
    parameters: float | str
    gpu_memory_gb: float | str
    context: int | str
    longest_audio_s: float | str
    base_url: str
    key_env: str
    retires: datetime.date | str
    seconds_a_clip: float | str
    ran_here: str
    remarks: tuple[str, ...]
    sources: tuple[str, ...]
    asked_with: dict[str, Any] = field(default_factory=dict)

    @property
    def asked_as(self) -> str:
        """The model name sent to a server: an API's dated snapshot, so that answers are stored under what was sent."""
        of_hub = "/" in self.checkpoint
        return self.checkpoint if of_hub or self.revision == NOT_KNOWN else self.revision


_WORDS = {
    "of": ("benchmark", "today"),
    "engine": ("transformers", "openai"),
}
_NUMBERS = ("parameters", "gpu_memory_gb", "context", "longest_audio_s", "seconds_a_clip")
_TEXTS = ("name", "checkpoint", "class", "revision", "licence", "base_url", "key_env", "ran_here")
_LISTS = ("packages", "remarks", "sources")
_KEYS = {*_WORDS, *_NUMBERS, *_TEXTS, *_LISTS, "gated", "retires"}
_OPTIONAL = {"asked_with"}


def load_registry(path: str | Path = REGISTRY) -> dict[str, Entry]:
    """Read and check the registry, in the order of the file.

    Raises:
        UserError: Not YAML; an entry lacks a key, has one too many, or a value of the wrong kind; a model that
            this process loads has no class, or one behind a server no address; an entry without a source.
    """
    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise UserError(f"{path}: not readable as YAML ({error}).") from error
    if not isinstance(data, dict) or not data:
        raise UserError(f"{path}: a registry is a map of entries; found {type(data).__name__}.")
    return {key: _entry(f"{path}: {key}", key, facts) for key, facts in data.items()}


def _entry(where: str, key: str, facts: Any) -> Entry:
    if not isinstance(facts, dict) or set(facts) - _OPTIONAL != _KEYS:
        given = set(facts) if isinstance(facts, dict) else set()
        raise UserError(
            f"{where}: missing {sorted(_KEYS - given)}, unknown {sorted(map(str, given - _KEYS - _OPTIONAL))}. "
            f"Give every key; what no source says is `{NOT_KNOWN}`."
        )
    for name, words in _WORDS.items():
        if facts[name] not in words:
            raise UserError(f"{where}.{name} = {facts[name]!r} is not accepted; expected one of {list(words)}.")
    for name in _NUMBERS:
        number = isinstance(facts[name], int | float) and not isinstance(facts[name], bool) and facts[name] > 0
        if not number and facts[name] not in (NOT_KNOWN, NOT_APPLICABLE):
            raise UserError(f"{where}.{name} = {facts[name]!r} is not accepted; expected a number above 0.")
    for name in _TEXTS:
        if not isinstance(facts[name], str) or not facts[name].strip():
            raise UserError(f"{where}.{name} = {facts[name]!r} is not accepted; expected text, in quotes if need be.")
    for name in _LISTS:
        if not isinstance(facts[name], list) or not all(isinstance(item, str) for item in facts[name]):
            raise UserError(f"{where}.{name} is not accepted; expected a list of texts.")
    if not isinstance(facts["gated"], bool) and facts["gated"] != NOT_KNOWN:
        raise UserError(f"{where}.gated = {facts['gated']!r} is not accepted; expected true, false or `{NOT_KNOWN}`.")
    if type(facts["retires"]) is not datetime.date and facts["retires"] not in (NOT_KNOWN, NOT_APPLICABLE):
        raise UserError(f"{where}.retires = {facts['retires']!r} is not accepted; expected a date, YYYY-MM-DD.")
    if facts["engine"] == "transformers" and facts["class"] == NONE:
        raise UserError(f"{where}: engine `transformers` needs a class; use engine `openai` for a model without one.")
    if facts["engine"] == "openai" and not facts["base_url"].startswith(("http://", "https://")):
        raise UserError(f"{where}.base_url = {facts['base_url']!r} is not accepted; expected http:// or https://.")
    if not facts["sources"]:
        raise UserError(f"{where}: no source. Say where the facts are from, or leave the entry out.")
    if not isinstance(facts.get("asked_with", {}), dict) or (facts["engine"] != "openai" and "asked_with" in facts):
        raise UserError(f"{where}.asked_with is not accepted; expected keys of an alms entry with engine `openai`.")
    checked: dict[str, Any] = {name: facts[name] for name in _KEYS - {"class", *_LISTS}}
    checked |= {name: tuple(facts[name]) for name in _LISTS} | {"asked_with": facts.get("asked_with", {})}
    return Entry(key=key, loads_by=facts["class"], **checked)


def resolve(alm: dict[str, Any], registry: dict[str, Entry]) -> dict[str, Any]:
    """Return the entry of a configuration, completed from the registry.

    ``{registry: qwen2_audio_7b, gpus: 2}`` becomes ``{engine, checkpoint, revision, gpus: 2}``; engine `openai`
    takes base_url, model, revision, key_env and what else its server needs. What the configuration itself says
    wins; a fact that is not known is left out, so that the engine asks for it or pins it itself. An entry
    without ``registry`` is returned as it is.

    Args:
        alm: An ``alms`` entry of the configuration.
        registry: The registry.

    Raises:
        UserError: There is no such entry.
    """
    if "registry" not in alm:
        return alm
    key = alm["registry"]
    if key not in registry:
        close = difflib.get_close_matches(str(key), registry, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise UserError(f"config: alms registry = {key!r} is not a known entry.{hint} Accepted: {', '.join(registry)}.")
    entry = registry[key]
    if entry.engine == "transformers":
        taken = {"engine": "transformers", "checkpoint": entry.checkpoint, "revision": entry.revision, "gpus": 1}
    else:
        taken = {
            "engine": "openai",
            "base_url": entry.base_url,
            "model": entry.asked_as,
            "revision": entry.revision,
            "key_env": entry.key_env,
            "gpus": 0,
            **entry.asked_with,
        }
    taken = {name: value for name, value in taken.items() if value not in (NOT_KNOWN, NONE)}
    return taken | {name: value for name, value in alm.items() if name != "registry"}


def resolve_all(config: dict[str, Any], path: str | Path = REGISTRY) -> dict[str, Any]:
    """Return a configuration with every ALM resolved; the registry is read only if one names it.

    To be called before the configuration is checked against its schema, which knows engines and no registry.

    Raises:
        UserError: An ALM names an entry that is not there, or the registry has a fault.
    """
    alms = config.get("alms")
    if not isinstance(alms, dict) or not any(isinstance(alm, dict) and "registry" in alm for alm in alms.values()):
        return config
    registry = load_registry(path)
    filled = {name: resolve(alm, registry) if isinstance(alm, dict) else alm for name, alm in alms.items()}
    return {**config, "alms": filled}


def registered(config: dict[str, Any]) -> dict[str, str]:
    """Return ALM -> entry of the registry that it names, for those of a configuration that name one."""
    alms = config.get("alms")
    entries = alms.items() if isinstance(alms, dict) else ()
    return {name: alm["registry"] for name, alm in entries if isinstance(alm, dict) and "registry" in alm}
