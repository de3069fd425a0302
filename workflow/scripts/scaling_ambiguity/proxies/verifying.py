"""How a verifier is asked about candidates, and how its answers are read: one whole number, strictly."""

import re
from collections.abc import Sequence
from pathlib import Path

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies.parsing import parse
from scaling_ambiguity.proxies.prompts import MODALITIES, PromptSet, read_fields

PICK, SCORE = QUESTIONS = ("pick", "score")
HIGHEST = 10  # score
_NEEDED = {PICK: ("{number}", "{candidate}"), SCORE: ("{candidate}",)}
_SIGN = re.compile(r"[-−–+]\d")


def load_verifier(path: str | Path, question: str) -> PromptSet:
    """Read the prompts that ask a verifier (``workflow/prompts/verifier.yaml``).

    Args:
        path: A prompt set of kind ``verify``, whose ``rules`` and ``candidate`` are maps of ``pick`` and ``score``.
        question: Which of the two.

    Raises:
        UserError: See :func:`read_fields`; or a line of ``candidate`` lacks a placeholder that it needs.
    """
    maps: dict[str, Sequence[str]] = dict.fromkeys(("task", "evidence"), MODALITIES)
    data = read_fields(path, maps | dict.fromkeys(("rules", "candidate"), QUESTIONS), "verify")
    if "reasoned" in data:
        raise UserError(f"{path}: takes no `reasoned`: a verifier answers with a number alone.")
    for name, places in _NEEDED.items():
        if not all(place in str(data["candidate"][name]) for place in places):
            raise UserError(f"{path}: `candidate.{name}` needs a line with {' and '.join(places)}.")
    return PromptSet(**data | {"rules": tuple(data["rules"][question]), "candidate": str(data["candidate"][question])})


def accepted(question: str, shown: int) -> tuple[str, ...]:
    """Return the accepted answers: the numbers of ``shown`` candidates from 1, or the scores from 0."""
    return tuple(map(str, range(1, shown + 1) if question == PICK else range(HIGHEST + 1)))


def read_number(response: str, numbers: Sequence[str]) -> tuple[str | None, str]:
    """Return (number, status) of an answer: exactly one of ``numbers``, without white space and punctuation around it.

    Nothing is searched for in a sentence; a number with a sign is none. The status is ``ok``, ``refused`` or
    ``invalid``.
    """
    if _SIGN.search(response):
        return None, "invalid"
    return parse(response, numbers)
