"""Convert a model's answer to a vote: exactly one label, or no vote at all."""

import re
from collections.abc import Callable, Sequence

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies.synonyms import Vocabulary, normalise, spelled

Parsed = tuple[str | None, str]
PARSERS = ("strict", "faithful")
_REFUSAL = re.compile(
    r"\Asorry\b|\b(?:i (?:cannot|can ?not|can't|could not|couldn't|am unable|am not able|am sorry|am not sure|won't|"
    r"will not|must decline|decline|(?:do not|don't) (?:know|have|feel comfortable|think i (?:can|should)))|"
    r"i'm (?:sorry|unable|not able|not sure)|as an ai|as a language model|unable to|not able to|"
    r"cannot (?:determine|comply|assist)|not possible to (?:tell|determine|say))\b"
)
_THOUGHT = re.compile(r"\A\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_THOUGHT_OPENS = re.compile(r"\A\s*<think(?:ing)?>")


def parse(response: str, classes: Sequence[str] | Vocabulary, *, reasoned: bool = False) -> Parsed:
    """Return (label, status) of an answer.

    The answer counts only if, without surrounding white space and punctuation and without regard
    to case, it *is* a label, or is listed as a synonym of one: an answer that merely contains a
    label ("not happy") is not guessed at.

    Args:
        response: The model's answer.
        classes: The label words, or a vocabulary of accepted answers (``Synonyms.vocabulary``).
        reasoned: Whether reasoning may come first; the answer is then the last line that is not empty.

    Returns:
        The label and ``ok``; or None and ``refused`` (the model declined) or ``invalid`` (anything else).
    """
    vocabulary = classes if isinstance(classes, Vocabulary) else spelled(classes)
    answer = after_reasoning(response) if reasoned else response
    label = vocabulary.label(answer)
    if label is not None:
        return label, "ok"
    return None, "refused" if vocabulary.declines(answer) or is_refusal(answer) else "invalid"


def parse_faithful(response: str, classes: Sequence[str]) -> Parsed:
    """Return (label, status) by the published rule, flaws included.

    Without surrounding white space and without regard to case: the answer equal to a label, else the
    first label in list order that occurs anywhere in the answer, else no vote. "Unhappy" is thus a
    vote for happy and "not angry, sad" one for whichever class is listed first.

    Source: arXiv 2601.14620, released code.
    """
    text = response.strip().lower()
    equal = [label for label in classes if label.lower() == text]
    within = [label for label in classes if label.lower() in text]
    if equal or within:
        return (equal or within)[0], "ok"
    return None, "refused" if is_refusal(response) else "invalid"


def parser(name: str, vocabulary: Vocabulary, *, reasoned: bool = False) -> Callable[[str], Parsed]:
    """Return the parser of an annotator: ``strict`` or ``faithful``.

    Raises:
        UserError: Unknown name, or the published rule combined with reasoning, which it does not support.
    """
    if name not in PARSERS:
        raise UserError(f"annotator parsing {name!r} is unknown; there are {PARSERS}.")
    if name == "faithful":
        if reasoned:
            raise UserError("annotator parsing `faithful` cannot follow reasoning: choose `strict`, or no reasoning.")
        return lambda response: parse_faithful(response, vocabulary.classes)
    return lambda response: parse(response, vocabulary, reasoned=reasoned)


def is_refusal(response: str) -> bool:
    """Return whether the answer reads as a refusal to answer."""
    return _REFUSAL.search(normalise(response)) is not None


def after_reasoning(response: str) -> str:
    """Return the last non-empty line after a reasoning block; empty if the block never ends."""
    rest = _THOUGHT.sub("", response, count=1)
    if _THOUGHT_OPENS.match(rest):
        return ""
    lines = [line for line in rest.splitlines() if line.strip()]
    return lines[-1] if lines else ""
