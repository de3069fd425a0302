"""What is sent: chat messages in the OpenAI format, a clip as base64 ``input_audio``."""

import base64
import copy
import io
import json
import wave
from pathlib import Path
from typing import Any

import numpy as np

from scaling_ambiguity.alms.audio import load_waveform
from scaling_ambiguity.corpora.heard import SAMPLE_RATE

_CHARACTERS_PER_TOKEN = 4
_TOKENS_PER_AUDIO_SECOND = 25


class ChatMessages:
    """Takes the place of a local model's processor: a rendered prompt is the JSON of its chat messages.

    Args:
        system_in_user_turn: The system role begins the user's text, as :mod:`alms.families.voxtral` renders it in this
            process: Mistral's tokenizer accepts no system turn together with a clip.
    """

    def __init__(self, system_in_user_turn: bool = False) -> None:
        self._joined = system_in_user_turn

    def apply_chat_template(
        self, conversation: list[dict], add_generation_prompt: bool = True, tokenize: bool = False
    ) -> str:
        """Return the messages as JSON with sorted keys; a clip is an ``input_audio`` part without data.

        The server's own chat template is applied by the server; ``add_generation_prompt`` is its default.

        Raises:
            ValueError: Tokens are asked for, or a part is neither text nor audio.
        """
        if tokenize or not add_generation_prompt:
            raise ValueError("a prompt for a server is text that the assistant's turn follows")
        turns = _system_joined(conversation) if self._joined else conversation
        return json.dumps(
            [{"role": turn["role"], "content": _content(turn["content"])} for turn in turns],
            ensure_ascii=False,
            sort_keys=True,
        )


def _system_joined(conversation: list[dict]) -> list[dict]:
    """Return the conversation with the system turns' text moved to the beginning of the user's first text."""
    system = "".join(f"{turn['content']}\n\n" for turn in conversation if turn["role"] == "system")
    turns = copy.deepcopy([turn for turn in conversation if turn["role"] != "system"])
    if isinstance(turns[0]["content"], str):
        turns[0]["content"] = system + turns[0]["content"]
    else:
        text = next(part for part in turns[0]["content"] if part["type"] == "text")
        text["text"] = system + text["text"]
    return turns


def _content(content: str | list[dict]) -> str | list[dict]:
    return content if isinstance(content, str) else [_part(part) for part in content]


def _part(part: dict) -> dict:
    if part["type"] == "text":
        return {"type": "text", "text": part["text"]}
    if part["type"] == "audio":
        return {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}
    raise ValueError(f"a part of type {part['type']!r} cannot be sent")


def encode_wav(waveform: np.ndarray) -> str:
    """Return samples (n,), about [-1, 1] at 16 kHz, as a base64 WAV file of 16-bit samples.

    Samples that were 16-bit keep their values; others are rounded to the nearest step of 2^-15, values beyond
    the range are clipped.
    """
    steps = np.clip(np.rint(waveform.astype(np.float64) * 32768), -32768, 32767).astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(steps.tobytes())
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def read_clip(path: Path) -> tuple[str, float]:
    """Return a sound file as base64 WAV, and its seconds.

    Raises:
        UserError: As :func:`load_waveform`.
    """
    waveform = load_waveform(path)
    return encode_wav(waveform), len(waveform) / SAMPLE_RATE


def messages_with_audio(prompt: str, clip: str | None) -> list[dict[str, Any]]:
    """Return the messages of a rendered prompt with its clip filled in.

    Raises:
        ValueError: The prompt's places for a clip do not match ``clip``.
    """
    messages = json.loads(prompt)
    places = [
        part["input_audio"]
        for turn in messages
        if isinstance(turn["content"], list)
        for part in turn["content"]
        if part["type"] == "input_audio"
    ]
    if len(places) != int(clip is not None):
        raise ValueError(f"the prompt has {len(places)} places for audio and {int(clip is not None)} clips")
    for place in places:
        place["data"] = clip
    return messages


def request_body(
    messages: list[dict],
    sampling: dict[str, Any],
    temperature: float,
    seed: int,
    samples: int,
    logprobs: bool,
    seed_field: str | None = "seed",
) -> dict[str, Any]:
    """Return the body of a chat completion: every sampling parameter is explicit, none is left to a server's default.

    Args:
        messages: The chat.
        sampling: Model, token limit, top_p, what the kind of server needs, and the entry's ``extra``.
        temperature: Sampling temperature.
        seed: The request's seed.
        samples: Choices asked for; ``n`` is left out if it is 1.
        logprobs: Whether log-probabilities of the answer's tokens are asked for.
        seed_field: The server's name for the seed; None: it accepts none.
    """
    body = {**copy.deepcopy(sampling), "messages": messages, "temperature": temperature}
    if seed_field is not None:
        body[seed_field] = seed
    if samples > 1:
        body["n"] = samples
    if logprobs:
        body["logprobs"] = True
    return body


def estimated_tokens(prompt: str, audio_seconds: float, samples: int, longest: int) -> int:
    """Return about how many tokens a request will be counted as, for the limit of tokens per minute.

    Text of 4 characters per token, audio of 25 tokens per second (Qwen2-Audio's rate), and every sample at its longest.
    """
    text = len(prompt) // _CHARACTERS_PER_TOKEN + 1
    return text + int(_TOKENS_PER_AUDIO_SECOND * audio_seconds + 0.5) + samples * longest
