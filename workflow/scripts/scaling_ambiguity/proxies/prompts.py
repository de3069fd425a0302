"""Prompts as data: a system role, a user's turn and a few focus lines, rendered by the model's own chat template."""

import string
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies.context import Turn
from scaling_ambiguity.proxies.control_tokens import as_text

MODALITIES = ("both", "audio", "text")
# Prompts with both modalities are used eight times as often as those with one: a trained model is to cope with a
# missing modality, not to specialise in it.
BOTH_SHARE = 8
_FIELDS = {"system", "task", "transcript", "classes", "rules", "evidence", "focus"}
_OPTIONAL = {"context", "speaker", "reasoned", "kind"}
KINDS = ("vote", "distribution", "counts", "verify")
# the placeholders each field may use; other fields are shown verbatim
_PLACES = {
    "transcript": {"transcript"},
    "classes": {"classes"},
    "speaker": {"speaker"},
    "context": {"who", "words"},
    "candidate": {"candidate", "number"},
    "rules": {"focus", "evidence"},
}
_CONTEXT = ("heading", "turn", "same", "other")


@dataclass(frozen=True)
class PromptSet:
    """The prompts of an annotator.

    Attributes:
        system: The system role.
        task: First sentence of the user's turn, by modality.
        transcript: Line for the transcript, with ``{transcript}``.
        classes: Line for the label words, with ``{classes}``.
        rules: The instructions; ``{focus}`` is replaced by the focus line, ``{evidence}`` by the evidence to use.
        evidence: The evidence to use, by modality.
        focus: Focus lines by their identifier, in the order of the designs.
        context: Text before the transcript where earlier turns are shown: ``heading``, ``turn`` (with
            ``{who}`` and ``{words}``) and the words for ``who``, ``same`` or ``other`` speaker; None: they cannot be
            shown.
        speaker: Line for the speaker's name, with ``{speaker}``; None: it cannot be shown.
        reasoned: Whether the rules ask for reasoning before the answer.
        kind: The kind of answer: ``vote``, a label; ``distribution``, shares of the labels; ``counts``, numbers of
            listeners by label; ``verify``, a judgement of candidates, i.e. of answers given to another prompt.
        candidate: Line for a candidate, with ``{candidate}`` and, where there are several, ``{number}`` from 1; only of
            a prompt set that verifies.
        judged: The candidates as they are shown; see :meth:`judging`.
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
    kind: str = "vote"
    candidate: str | None = None
    judged: tuple[str, ...] | None = None

    @property
    def focus_ids(self) -> list[str]:
        """Identifiers of the focus lines, in order."""
        return list(self.focus)

    def judging(self, *candidates: str) -> "PromptSet":
        """Return the prompts that ask for a judgement of candidates, shown in this order.

        Raises:
            UserError: These prompts do not verify.
        """
        if self.kind != "verify":
            raise UserError(f"a prompt set of kind `{self.kind}` judges no candidate; use one of kind `verify`.")
        return replace(self, judged=candidates)

    def user_text(
        self,
        focus_id: str,
        transcript: str | None,
        classes: Sequence[str],
        modality: str,
        before: Sequence[Turn] = (),
        speaker: str | None = None,
    ) -> str:
        """Return the user's turn; lines with nothing to show are left out, words of the corpus are plain text."""
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
        if self.candidate is not None:
            assert self.judged is not None, "render() refuses to verify nothing"
            shown = enumerate(map(as_text, self.judged), start=1)
            lines += [self.candidate.format(number=number, candidate=candidate) for number, candidate in shown]
        names = self.classes.format(classes=", ".join(classes))
        rules = [rule.format(focus=self.focus[focus_id], evidence=self.evidence[modality]) for rule in self.rules]
        return "\n".join([*lines, names, *rules, names])


def lesson_prompts(processor: Any, prompts: PromptSet, transcript: str | None, classes: Sequence[str]) -> list[str]:
    """Return the prompts about one clip that a small model is trained with, those with both modalities repeated.

    Without a transcript there are none of words alone.
    """

    def rendered(modality: str) -> list[str]:
        return [render(processor, prompts, focus, transcript, classes, modality) for focus in prompts.focus_ids]

    words = [] if transcript is None else rendered("text")
    return rendered("both") * BOTH_SHARE + rendered("audio") + words


def user_texts(prompts: PromptSet, classes: Sequence[str]) -> list[str]:
    """Return the user's turn by focus line and modality, without a transcript: what a tokenizer is trained on."""
    return [prompts.user_text(focus, "", classes, way) for focus in prompts.focus_ids for way in MODALITIES]


def load_prompts(path: str | Path) -> PromptSet:
    """Read a prompt set that asks for a label.

    Raises:
        UserError: See :func:`read_fields`.
    """
    data = read_fields(path, {"task": MODALITIES, "evidence": MODALITIES}, "vote")
    return PromptSet(**{**data, "rules": tuple(data["rules"])})


def read_fields(path: str | Path, maps: dict[str, Sequence[str]], kind: str) -> dict[str, Any]:
    """Return the fields of a prompt set as given in its file, and its kind.

    Args:
        path: The file, YAML.
        maps: Fields that are maps, and the keys that each has.
        kind: The expected kind; a file that does not declare its kind is taken to be of this kind.

    Raises:
        UserError: The file is not YAML or of another kind, a field is missing or unknown, a map has other keys, or a
            line lacks a placeholder it needs, or has one that its field cannot fill.
    """
    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise UserError(f"{path}: not readable as YAML ({error}).") from error
    declared = data.get("kind", kind) if isinstance(data, dict) else kind
    if declared != kind:
        raise UserError(
            f"{path}: `kind` is {declared!r}, and prompts of kind `{kind}` are asked for; there are {KINDS}. Name "
            "other prompts, or another mode of the annotator."
        )
    fields = _FIELDS | ({"candidate"} if kind == "verify" else set())
    if not isinstance(data, dict) or set(data) - _OPTIONAL != fields:
        given = sorted(map(str, data)) if isinstance(data, dict) else type(data).__name__
        raise UserError(
            f"{path}: a prompt set has the fields {sorted(fields)} and may have {sorted(_OPTIONAL)}; found {given}."
        )
    for field, keys in (maps | ({"context": _CONTEXT} if "context" in data else {})).items():
        if not isinstance(data[field], dict) or set(data[field]) != set(keys):
            given = sorted(map(str, data[field])) if isinstance(data[field], dict) else type(data[field]).__name__
            raise UserError(f"{path}: `{field}` needs one entry for each of {list(keys)}; found {given}.")
    if not data["focus"] or "{transcript}" not in data["transcript"] or "{classes}" not in data["classes"]:
        raise UserError(f"{path}: needs a focus line, {{transcript}} in `transcript` and {{classes}} in `classes`.")
    places = {"context": ("{who}", "{words}"), "speaker": ("{speaker}",)}
    for field, names in places.items():
        line = data["context"]["turn"] if field in data and field == "context" else data.get(field, "".join(names))
        if not isinstance(line, str) or not all(name in line for name in names):
            raise UserError(f"{path}: `{field}` needs a line with {' and '.join(names)}.")
    if not isinstance(data.get("reasoned", False), bool):
        raise UserError(f"{path}: `reasoned` is true or false; found {data['reasoned']!r}.")
    for field in _PLACES.keys() & data.keys():
        _check_places(path, field, data[field])
    return data | {"kind": kind}


def _check_places(path: str | Path, field: str, value: Any) -> None:
    """Refuse a line with a placeholder that its field cannot fill, or with an unmatched brace."""
    if field == "context":
        value = value["turn"]
    rules = value.values() if isinstance(value, dict) else [value]
    for line in (line for rule in rules for line in (rule if isinstance(rule, list) else [rule])):
        try:
            names = {name for _, name, _, _ in string.Formatter().parse(str(line)) if name is not None}
        except ValueError as error:
            raise UserError(
                f"{path}: `{field}`, {str(line)!r}: {error}; a brace that is text is written twice."
            ) from None
        unknown = sorted(names - _PLACES[field])
        if unknown:
            raise UserError(
                f"{path}: `{field}`, {str(line)!r}: shows {{{unknown[0]}}}, which is unknown there; it can show "
                f"{', '.join(f'{{{name}}}' for name in sorted(_PLACES[field]))}. A brace that is text is written twice."
            )


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
        speaker: Name of the speaker, or None if it is not shown.

    Raises:
        UserError: Unknown focus line or modality, modality text without a transcript, or turns or a speaker that
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
    if prompt_set.kind == "verify" and prompt_set.judged is None:
        raise UserError("a prompt set of kind `verify` is rendered about a candidate; see PromptSet.judging.")
    text = prompt_set.user_text(focus_id, transcript, classes, modality, before, speaker)
    content = [{"type": "text", "text": text}]
    if modality != "text":
        content.insert(0, {"type": "audio", "audio_url": "clip"})
    conversation = [{"role": "system", "content": prompt_set.system}, {"role": "user", "content": content}]
    processor = getattr(alm_or_processor, "processor", alm_or_processor)
    return processor.apply_chat_template(conversation, add_generation_prompt=True, tokenize=False)
