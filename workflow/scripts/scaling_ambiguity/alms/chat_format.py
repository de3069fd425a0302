"""A model's chat format without the model: where the system role and the user's turn are placed in a rendered prompt.

Stored answers are keyed by the hash of the rendered prompt. With the format stored next to them they are found
even when the model, its processor or its server no longer exists.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scaling_ambiguity.errors import UserError

_SYSTEM, _USER = "system role 5e1f", "turn of the user 5e1f"
_AWKWARD = ' "é"\n\\'  # these characters change when encoded as JSON


@dataclass(frozen=True)
class ChatFormat:
    """What a processor's chat template makes of a system role and a user's turn.

    Attributes:
        heard: Rendered prompt of a turn with a clip, with markers in place of the two texts.
        silent: The same for a turn without a clip.
        encoding: ``plain``, or ``json`` if the texts appear in it as JSON strings.
    """

    heard: str
    silent: str
    encoding: str

    def apply_chat_template(
        self, conversation: list[dict], add_generation_prompt: bool = True, tokenize: bool = False
    ) -> str:
        """Return the rendered prompt of a system role and one user's turn, as the processor returned it.

        Raises:
            ValueError: Tokens are requested, or the conversation has another structure.
        """
        if tokenize or not add_generation_prompt or [turn["role"] for turn in conversation] != ["system", "user"]:
            raise ValueError("a chat format renders a system role and one user's turn, as text")
        content = conversation[1]["content"]
        frame = self.heard if any(part["type"] == "audio" for part in content) else self.silent
        texts = {_SYSTEM: conversation[0]["content"], _USER: "".join(part.get("text", "") for part in content)}
        first, second = sorted(texts, key=lambda mark: frame.find(mark))
        before, _, rest = frame.partition(first) if first in frame else ("", "", frame)
        between, _, after = rest.partition(second)
        start = before + self._encoded(texts[first]) if first in frame else ""
        return start + between + self._encoded(texts[second]) + after

    def _encoded(self, text: str) -> str:
        return json.dumps(text, ensure_ascii=False)[1:-1] if self.encoding == "json" else text

    def as_json(self) -> dict[str, str]:
        """Return the fields, to be written as JSON."""
        return asdict(self)


def conversation_of(system: str, user: str, heard: bool) -> list[dict[str, Any]]:
    """Return a system role and one user's turn, with a clip before its text or without."""
    content = [{"type": "text", "text": user}]
    if heard:
        content.insert(0, {"type": "audio", "audio_url": "clip"})
    return [{"role": "system", "content": system}, {"role": "user", "content": content}]


def chat_format(processor: Any) -> ChatFormat | None:
    """Return the chat format of a processor; None if a prompt cannot be assembled from its parts.

    The format is tried on texts with quotes, line breaks and letters beyond ASCII before it is returned.
    """
    with_clip, silent = frames = [
        processor.apply_chat_template(conversation_of(_SYSTEM, _USER, clip), add_generation_prompt=True, tokenize=False)
        for clip in (True, False)
    ]
    if any(frame.count(_USER) != 1 or frame.count(_SYSTEM) > 1 for frame in frames):
        return None
    for encoding in ("plain", "json"):
        candidate = ChatFormat(with_clip, silent, encoding)
        if all(
            candidate.apply_chat_template(asked)
            == processor.apply_chat_template(asked, add_generation_prompt=True, tokenize=False)
            for clip in (True, False)
            for asked in [conversation_of(f"a{_AWKWARD}b", f"c{_AWKWARD}d\n- {{e}}", clip)]
        ):
            return candidate
    return None


def read_kept_format(path: Path) -> dict[str, Any]:
    """Return what is stored next to the answers of a model: its name, its revision and its chat format.

    Raises:
        UserError: The file cannot be read, or has other contents.
    """
    return read_published(path, ("model", "revision", "format"))


def read_published(path: Path, keys: tuple[str, ...]) -> dict[str, Any]:
    """Return the JSON map in a file stored next to answers; it has to hold ``keys``.

    Raises:
        UserError: The file cannot be read, or has other contents.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not readable ({error}); fetch the published answers again.") from error
    if not isinstance(value, dict) or not set(keys) <= set(value):
        raise UserError(f"{path}: has to be a map with {list(keys)}; fetch the published answers again.")
    return value
