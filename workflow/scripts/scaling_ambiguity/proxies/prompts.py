"""Prompts as data: a system role, a user's turn and a few focus lines, rendered by the model's own chat template."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from scaling_ambiguity.errors import UserError

MODALITIES = ("both", "audio", "text")
_FIELDS = {"system", "task", "transcript", "classes", "rules", "focus"}


@dataclass(frozen=True)
class PromptSet:
    """What an annotator is asked.

    Attributes:
        system: The system role.
        task: First sentence of the user's turn, by modality.
        transcript: Line for the transcript, with ``{transcript}``.
        classes: Line for the label words, with ``{classes}``.
        rules: The instructions; ``{focus}`` stands for the focus line, ``{evidence}`` for what is to be used.
        evidence: What is to be used, by modality.
        focus: Focus lines by their identifier, in the order of the designs.
    """

    system: str
    task: dict[str, str]
    transcript: str
    classes: str
    rules: tuple[str, ...]
    evidence: dict[str, str]
    focus: dict[str, str]

    @property
    def focus_ids(self) -> list[str]:
        """Identifiers of the focus lines, in order."""
        return list(self.focus)

    def user_text(self, focus_id: str, transcript: str | None, classes: Sequence[str], modality: str) -> str:
        """Return the user's turn; the transcript's line is left out where there is none to show."""
        lines = [self.task[modality]]
        if modality != "audio" and transcript is not None:
            lines.append(self.transcript.format(transcript=transcript))
        names = self.classes.format(classes=", ".join(classes))
        rules = [rule.format(focus=self.focus[focus_id], evidence=self.evidence[modality]) for rule in self.rules]
        return "\n".join([*lines, names, *rules, names])


def load_prompts(path: str | Path) -> PromptSet:
    """Read a prompt set.

    Raises:
        UserError: The file is not YAML, a field is missing or unknown, or a modality has no text.
    """
    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise UserError(f"{path}: not readable as YAML ({error}).") from error
    expected = _FIELDS | {"evidence"}
    if not isinstance(data, dict) or set(data) != expected:
        found = sorted(data) if isinstance(data, dict) else type(data).__name__
        raise UserError(f"{path}: a prompt set has the fields {sorted(expected)}; found {found}.")
    for field in ("task", "evidence"):
        if set(data[field]) != set(MODALITIES):
            raise UserError(
                f"{path}: `{field}` needs one text for each of {list(MODALITIES)}; found {sorted(data[field])}."
            )
    if not data["focus"] or "{transcript}" not in data["transcript"] or "{classes}" not in data["classes"]:
        raise UserError(f"{path}: needs a focus line, {{transcript}} in `transcript` and {{classes}} in `classes`.")
    return PromptSet(**{**data, "rules": tuple(data["rules"])})


def render(
    alm_or_processor: Any,
    prompt_set: PromptSet,
    focus_id: str,
    transcript: str | None,
    classes: Sequence[str],
    modality: str,
) -> str:
    """Return the prompt as text in the model's chat format, ending where the assistant answers.

    Args:
        alm_or_processor: A loaded ALM, or its processor.
        prompt_set: The prompts.
        focus_id: Which focus line.
        transcript: The words, or None if unknown.
        classes: The label words.
        modality: ``both``, ``audio`` (transcript withheld) or ``text`` (no audio placeholder).

    Raises:
        UserError: Unknown focus line or modality, or text asked for without a transcript.
    """
    if modality not in MODALITIES or focus_id not in prompt_set.focus:
        raise UserError(
            f"no prompt for modality {modality!r}, focus {focus_id!r}; "
            f"there are {MODALITIES} and {prompt_set.focus_ids}."
        )
    if modality == "text" and transcript is None:
        raise UserError("modality `text` needs a transcript; this corpus has an utterance without one.")
    content = [{"type": "text", "text": prompt_set.user_text(focus_id, transcript, classes, modality)}]
    if modality != "text":
        content.insert(0, {"type": "audio", "audio_url": "clip"})
    conversation = [{"role": "system", "content": prompt_set.system}, {"role": "user", "content": content}]
    processor = getattr(alm_or_processor, "processor", alm_or_processor)
    return processor.apply_chat_template(conversation, add_generation_prompt=True, tokenize=False)
