"""Words that mean a label without being spelled like it, from a table, never guessed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from scaling_ambiguity.errors import UserError

_FIELDS = {"emotions", "lead_ins", "declined"}
_EDGES = " \t\r\n.,;:!?\"'`*_()[]{}<>|-“”‘’„«»"


def normalise(text: str) -> str:
    """Return ``text`` in one case, with single spaces, straight apostrophes and no punctuation around it."""
    return re.sub(r"\s+", " ", text.casefold().strip(_EDGES).replace("’", "'"))


@dataclass(frozen=True)
class Vocabulary:
    """The accepted answers for one set of classes.

    Attributes:
        classes: The label words, as the corpus spells them.
        labels: Normalised answer -> label; holds the classes themselves.
        lead_ins: Normalised words that may stand before a label, longest first.
        declined: Normalised answers that decline to choose.
    """

    classes: tuple[str, ...]
    labels: dict[str, str]
    lead_ins: tuple[str, ...] = ()
    declined: frozenset[str] = frozenset()

    def label(self, answer: str) -> str | None:
        """Return the label that ``answer`` means, alone or after one lead-in; None if it means none."""
        text = normalise(answer)
        if text in self.labels:
            return self.labels[text]
        for words in self.lead_ins:
            rest = text.removeprefix(words)
            if rest != text and not rest[:1].isalnum() and (label := self.labels.get(normalise(rest.lstrip(" :=")))):
                return label
        return None

    def declines(self, answer: str) -> bool:
        """Return whether the whole answer is one that declines to choose."""
        return normalise(answer) in self.declined


@dataclass(frozen=True)
class Synonyms:
    """A table of synonyms, for any corpus.

    Attributes:
        emotions: Emotion -> its words, normalised; every word occurs once.
        lead_ins: See :class:`Vocabulary`.
        declined: See :class:`Vocabulary`.
    """

    emotions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    lead_ins: tuple[str, ...] = ()
    declined: frozenset[str] = frozenset()

    def vocabulary(self, classes: Sequence[str]) -> Vocabulary:
        """Return the accepted answers about ``classes``.

        A class takes the words of the emotion that lists its own spelling. Where two classes are
        words of one emotion (a corpus that distinguishes joy and happiness), that emotion's other words
        mean neither and stay invalid. A class that is not in the table has only its own spelling.

        Raises:
            UserError: Two classes have the same spelling but for case and punctuation.
        """
        labels = {normalise(name): name for name in classes}
        if len(labels) != len(classes):
            raise UserError(f"classes {list(classes)}: two of them differ only in case or punctuation; rename one.")
        for words in self.emotions.values():
            meant = [labels[word] for word in words if word in labels]
            if len(meant) == 1:
                labels |= {word: meant[0] for word in words if word not in labels}
        return Vocabulary(tuple(classes), labels, self.lead_ins, self.declined - set(labels))


def spelled(classes: Sequence[str]) -> Vocabulary:
    """Return the vocabulary of the classes' own spellings, without synonyms."""
    return Synonyms().vocabulary(classes)


def load_synonyms(path: str | Path) -> Synonyms:
    """Read a table of synonyms (``workflow/prompts/synonyms.yaml``).

    Raises:
        UserError: The file is not YAML, has other fields, something other than text for a word, or a word twice.
    """
    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise UserError(f"{path}: not readable as YAML ({error}).") from error
    if not isinstance(data, dict) or set(data) != _FIELDS or not isinstance(data["emotions"], dict):
        given = sorted(map(str, data)) if isinstance(data, dict) else type(data).__name__
        raise UserError(
            f"{path}: a table of synonyms has the fields {sorted(_FIELDS)}, `emotions` a map; found {given}."
        )
    emotions = {str(name): _words(path, f"emotions.{name}", words) for name, words in data["emotions"].items()}
    lead_ins, declined = (_words(path, key, data[key]) for key in ("lead_ins", "declined"))
    seen: dict[str, str] = {}
    groups = {f"emotions.{name}": words for name, words in emotions.items()} | {"declined": declined}
    for group, words in groups.items():
        for word in words:
            if word in seen:
                raise UserError(f"{path}: {word!r} is in {seen[word]} and in {group}; keep one of them.")
            seen[word] = group
    return Synonyms(emotions, tuple(sorted(lead_ins, key=len, reverse=True)), frozenset(declined))


def _words(path: str | Path, group: str, words: object) -> tuple[str, ...]:
    if not isinstance(words, list) or not all(isinstance(word, str) and normalise(word) for word in words):
        raise UserError(f"{path}: {group} has to be a list of words; quote those that YAML reads as something else.")
    return tuple(normalise(word) for word in words)
