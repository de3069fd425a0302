"""How servers of OpenAI's chat completions differ; imports no heavy library."""

import shlex
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Dialect:
    """What a kind of server accepts.

    Attributes:
        seed: Its name for the seed; None: it accepts none.
        neutral: Fields that leave the distribution unchanged, sent because the server would otherwise fill them in
            from the checkpoint's generation_config.json.
        reads_labels: Whether it gives the log-probabilities of named tokens (:mod:`~.label_reads`).
    """

    seed: str | None = "seed"
    neutral: dict[str, Any] = field(default_factory=dict)
    reads_labels: bool = False


# vLLM 0.33: ChatCompletionRequest.to_sampling_params takes these from generation_config.json (`--generation-config
# auto`); SGLang: `--sampling-defaults model`. A repetition penalty counts the tokens of the prompt too.
_NEUTRAL = {
    "top_k": -1,
    "min_p": 0.0,
    "repetition_penalty": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
}
DIALECTS = {
    "openai": Dialect(),
    "vllm": Dialect(neutral=_NEUTRAL, reads_labels=True),
    "sglang": Dialect(neutral=_NEUTRAL),
    # `transformers serve` makes a repetition penalty of 1 of it; top_k stays that of the checkpoint
    "transformers": Dialect(neutral={"frequency_penalty": 0.0}),
    "gemini": Dialect(seed=None),
    "mistral": Dialect(seed="random_seed"),
}
SEED_FIELDS = ("seed", "random_seed")
_BY_HOST = {
    "api.openai.com": "openai",
    "generativelanguage.googleapis.com": "gemini",
    "api.mistral.ai": "mistral",
}
_PROGRAMS = ("vllm", "sglang", "transformers")
_OF_VLLM = {"prompt_logprobs", "prompt_token_ids", "kv_transfer_params"}


def inferred_server(alm: dict[str, Any]) -> str | None:
    """Return the kind of server of an ``alms`` entry, judged by its command or host; None: not known."""
    command = (alm.get("serve") or {}).get("command")
    if command:
        words = shlex.split(command)
        names = [PurePath(words[0]).name, *(words[words.index("-m") + 1 :][:1] if "-m" in words else [])]
        return next((kind for kind in _PROGRAMS if any(name.split(".")[0] == kind for name in names)), None)
    return _BY_HOST.get(urlsplit(str(alm.get("base_url", ""))).hostname or "")


def reads_labels(alm: dict[str, Any]) -> bool:
    """Return whether the server of an ``alms`` entry, stated or inferred, gives the log-probabilities of labels."""
    return DIALECTS[alm.get("server") or inferred_server(alm) or "openai"].reads_labels


def says_vllm(reply: Any) -> bool:
    """Return whether a reply has a field that vLLM alone adds to chat completions."""
    return isinstance(reply, dict) and bool(_OF_VLLM & set(reply))


def needs_audio(alm: dict[str, Any]) -> bool:
    """Return whether the model of an ``alms`` entry refuses text alone, as OpenAI's audio models do.

    Their API: "This model requires that either input content or output modality contain audio".
    """
    if "needs_audio" in alm:
        return bool(alm["needs_audio"])
    host = urlsplit(str(alm.get("base_url", ""))).hostname
    return host == "api.openai.com" and "audio" in str(alm.get("model", ""))


def system_in_user_turn(alm: dict[str, Any]) -> bool:
    """Return whether the system role is written into the user's turn, as Mistral's tokenizer requires with a clip."""
    if "system" in alm:
        return alm["system"] == "user_turn"
    return "voxtral" in str(alm.get("model", "")).lower()


def is_same_model(said: str, allowed: list[str]) -> bool:
    """Return whether the name in a reply is among those allowed, up to spelling variants.

    Case is ignored, as are Google's prefix ``models/`` and the suffix ``@main`` that ``transformers serve`` adds.
    """
    return _plain(said) in {_plain(name) for name in allowed}


def _plain(name: str) -> str:
    return name.casefold().removeprefix("models/").removesuffix("@main")
