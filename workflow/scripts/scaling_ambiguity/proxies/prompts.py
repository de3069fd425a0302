"""Prompts as data: a system role, a user's turn and a few focus lines, rendered by the model's own chat template."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies.context import Turn
from scaling_ambiguity.proxies.control_tokens import as_text

MODALITIES = ("both", "audio", "text")
_FIELDS = {"system", "task", "transcript", "classes", "rules", "evidence", "focus"}
_OPTIONAL = {"context", "speaker", "reasoned"}
_CONTEXT = ("heading", "turn", "same", "other")


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
        context: What stands before the transcript where earlier turns are shown: ``heading``, ``turn`` (with
            ``{who}`` and ``{words}``) and what ``who`` is, ``same`` or ``other`` speaker; None: they cannot be.
        speaker: Line for the speaker's name, with ``{speaker}``; None: it cannot be shown.
        reasoned: Whether the rules ask for reasoning before the answer.
    """

    system: str
    task: dict[str, str]
    transcript: str
    classes: str
    rules: tuple[str, ...]
    evidence: dict[str, str]
    focus: dict[str, str]
    context: dict[str, str] | None = None
    speaker: str | None = None
    reasoned: bool = False

    @property
    def focus_ids(self) -> list[str]:
        """Identifiers of the focus lines, in order."""
        return list(self.focus)

    def user_text(
        self,
        focus_id: str,
        transcript: str | None,
        classes: Sequence[str],
        modality: str,
        before: Sequence[Turn] = (),
        speaker: str | None = None,
    ) -> str:
        """Return the user's turn; lines without anything to show are left out, words of the corpus are text."""
        lines = [self.task[modality]]
        if before:
            assert self.context is not None, "render() refuses turns that cannot be shown"
            lines.append(self.context["heading"])
            who = {True: self.context["same"], False: self.context["other"]}
            lines += [
                self.context["turn"].format(who=who[turn.same_speaker], words=as_text(turn.words)) for turn in before
            ]
        if modality != "audio" and transcript is not None:
            lines.append(self.transcript.format(transcript=as_text(transcript)))
        if speaker is not None:
            assert self.speaker is not None, "render() refuses a name that cannot be shown"
            lines.append(self.speaker.format(speaker=as_text(speaker)))
        names = self.classes.format(classes=", ".join(classes))
        rules = [rule.format(focus=self.focus[focus_id], evidence=self.evidence[modality]) for rule in self.rules]
        return "\n".join([*lines, names, *rules, names])


def load_prompts(path: str | Path) -> PromptSet:
    """Read a prompt set.

    Raises:
        UserError: See :func:`read_fields`.
    """
    data = read_fields(path, {"task": MODALITIES, "evidence": MODALITIES})
    return PromptSet(**{**data, "rules": tuple(data["rules"])})


def read_fields(path: str | Path, kinds: dict[str, Sequence[str]]) -> dict[str, Any]:
    """Return the fields of a prompt set as they stand in its file.

    Args:
        path: The file, YAML.
        kinds: Fields that are maps, and the keys that each has.

    Raises:
        UserError: The file is not YAML, a field is missing or unknown, a map has other keys, or a line lacks the
            place for what it is to show.
    """
    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise UserError(f"{path}: not readable as YAML ({error}).") from error
    if not isinstance(data, dict) or set(data) - _OPTIONAL != _FIELDS:
        found = sorted(map(str, data)) if isinstance(data, dict) else type(data).__name__
        raise UserError(
            f"{path}: a prompt set has the fields {sorted(_FIELDS)} and may have {sorted(_OPTIONAL)}; found {found}."
        )
    for field, keys in (kinds | ({"context": _CONTEXT} if "context" in data else {})).items():
        if not isinstance(data[field], dict) or set(data[field]) != set(keys):
            found = sorted(map(str, data[field])) if isinstance(data[field], dict) else type(data[field]).__name__
            raise UserError(f"{path}: `{field}` needs one entry for each of {list(keys)}; found {found}.")
    if not data["focus"] or "{transcript}" not in data["transcript"] or "{classes}" not in data["classes"]:
        raise UserError(f"{path}: needs a focus line, {{transcript}} in `transcript` and {{classes}} in `classes`.")
    places = {"context": ("{who}", "{words}"), "speaker": ("{speaker}",)}
    for field, names in places.items():
        line = data["context"]["turn"] if field in data and field == "context" else data.get(field, "".join(names))
        if not isinstance(line, str) or not all(name in line for name in names):
            raise UserError(f"{path}: `{field}` needs a line with {' and '.join(names)}.")
    if not isinstance(data.get("reasoned", False), bool):
        raise UserError(f"{path}: `reasoned` is true or false; found {data['reasoned']!r}.")
    return data


def render(
    alm_or_processor: Any,
    prompt_set: PromptSet,
    focus_id: str,
    transcript: str | None,
    classes: Sequence[str],
    modality: str,
    before: Sequence[Turn] = (),
    speaker: str | None = None,
) -> str:
    """Return the prompt as text in the model's chat format, ending where the assistant answers.

    Args:
        alm_or_processor: A loaded ALM, or its processor.
        prompt_set: The prompts.
        focus_id: Which focus line.
        transcript: The words, or None if unknown.
        classes: The label words.
        modality: ``both``, ``audio`` (transcript withheld) or ``text`` (no audio placeholder).
        before: Earlier turns of the conversation, oldest first.
        speaker: Name of the speaker, or None if it is not told.

    Raises:
        UserError: Unknown focus line or modality, text asked for without a transcript, or turns or a speaker that
            the prompt set has no line for.
    """
    if modality not in MODALITIES or focus_id not in prompt_set.focus:
        raise UserError(
            f"no prompt for modality {modality!r}, focus {focus_id!r}; "
            f"there are {MODALITIES} and {prompt_set.focus_ids}."
        )
    if modality == "text" and transcript is None:
        raise UserError("modality `text` needs a transcript; this corpus has an utterance without one.")
    if (before and prompt_set.context is None) or (speaker is not None and prompt_set.speaker is None):
        field = "speaker" if prompt_set.context is not None or not before else "context"
        raise UserError(
            f"the prompt set has no field `{field}`, which the annotator asks for; use one that has, such as "
            "`prompts: focus_context`, or add the field to yours (workflow/prompts/focus_context.yaml shows it)."
        )
    text = prompt_set.user_text(focus_id, transcript, classes, modality, before, speaker)
    content = [{"type": "text", "text": text}]
    if modality != "text":
        content.insert(0, {"type": "audio", "audio_url": "clip"})
    conversation = [{"role": "system", "content": prompt_set.system}, {"role": "user", "content": content}]
    processor = getattr(alm_or_processor, "processor", alm_or_processor)
    return processor.apply_chat_template(conversation, add_generation_prompt=True, tokenize=False)
