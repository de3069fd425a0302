"""From a model's answer to a vote: exactly one label, or no vote at all."""

import re
from collections.abc import Sequence

_EDGES = " \t\r\n.,;:!?\"'`*_()[]{}<>|-"
_REFUSAL = re.compile(
    r"\b(?:i (?:cannot|can ?not|can't|am unable|am not able|won't|do not|don't)|i'm (?:sorry|unable|not able)|"
    r"as an ai|unable to|not able to|sorry|cannot (?:determine|comply|assist))\b"
)


def parse(response: str, classes: Sequence[str]) -> tuple[str | None, str]:
    """Return (label, status) of an answer.

    The answer counts only if, without surrounding white space and punctuation and without regard
    to case, it *is* a label: an answer that merely contains one ("not happy") is not guessed at.

    Returns:
        The label and ``ok``; or None and ``refused`` (the model declined) or ``invalid`` (anything else).
    """
    text = response.casefold().strip(_EDGES)
    for label in classes:
        if text == label.casefold().strip(_EDGES):
            return label, "ok"
    return None, "refused" if _REFUSAL.search(text.replace("’", "'")) else "invalid"
