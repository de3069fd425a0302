"""Distributions that a model states in its answer: one JSON object, read strictly."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies.parsing import is_refusal
from scaling_ambiguity.proxies.prompts import MODALITIES, PromptSet, read_fields
from scaling_ambiguity.proxies.synonyms import Vocabulary, normalise, spelled

TOLERANCE = 0.02  # two-decimal shares of eight classes are off by at most 8 x .005, rarely by half of that
LONGEST = 20_000  # characters; far more than an answer of a few sentences
_RULES = ("direct", "reasoned")
_PERCENT = re.compile(r"\A\s*(\d+(?:\.\d+)?)\s*%\s*\Z")
_FENCE_OPENS = re.compile(r"```(?:json)?\s*\Z", re.IGNORECASE)

_WITHIN = re.compile(r"(?:[{\[]|[\"}\]]\s*,|\"\s*:)\s*\Z")  # there is more JSON before the object


class _Rejected(ValueError):
    """Why an answer is not a distribution."""


@dataclass(frozen=True)
class Verbalised:
    """A distribution as a model stated it.

    Attributes:
        distribution: Shares in the order of the classes, summing to 1; None if there is none.
        status: ``ok``, ``refused`` or ``invalid``.
        reason: What is wrong with an answer that is not ok, else empty.
    """

    distribution: tuple[float, ...] | None
    status: str
    reason: str = ""


def parse_distribution(
    response: str,
    classes: Sequence[str] | Vocabulary,
    *,
    reasoned: bool = False,
    counts: bool = False,
    tolerance: float = TOLERANCE,
) -> Verbalised:
    """Return the distribution that an answer states.

    The answer is one JSON object, in a code fence or not, and nothing else; with ``reasoned``, any text may come
    first and the object is the last thing. Its keys are the classes (or listed synonyms), each exactly once, and no
    others. Its values are numbers from 0 to 1 that sum to 1, or percentages that sum to 100 (plain numbers or
    ``"30%"``, not mixed), within the tolerance; they are then divided by their sum. Nothing else is corrected. With
    ``counts`` they are numbers of listeners instead, whole and not all 0, which are divided by their sum.

    Args:
        response: The model's answer.
        classes: The label words, or a vocabulary of accepted answers.
        reasoned: Whether reasoning may come first.
        counts: Whether listeners are counted, not shares stated.
        tolerance: Largest distance of the sum from 1.
    """
    vocabulary = classes if isinstance(classes, Vocabulary) else spelled(classes)
    try:
        stated = _stated(_object(response, reasoned), vocabulary)
        shares = _counts(stated) if counts else _shares(stated)
        total = math.fsum(shares)
        if not counts and abs(total - 1) > tolerance:
            raise _Rejected(f"the shares sum to {total:.4g}")
    except _Rejected as error:
        declined = "{" not in response and (is_refusal(response) or vocabulary.declines(response))
        return Verbalised(None, "refused" if declined else "invalid", str(error))
    return Verbalised(tuple(share / total for share in shares), "ok")


def _object(response: str, reasoned: bool) -> list[tuple[str, Any]]:
    """Return the pairs of the JSON object that ends the answer."""
    if len(response) > LONGEST:
        raise _Rejected(f"longer than {LONGEST} characters")
    text = response.strip()
    fenced = text.endswith("```")
    body = text.removesuffix("```").rstrip() if fenced else text
    decoder = json.JSONDecoder(object_pairs_hook=_Pairs, parse_constant=_refuse_constant)
    start = body.find("{")
    while start >= 0:
        try:
            pairs, end = decoder.raw_decode(body, start)
        except RecursionError:
            raise _Rejected("nested too deeply") from None
        except ValueError:
            pairs, end = None, -1
        if end == len(body):
            before = body[:start]
            if fenced:
                if not _FENCE_OPENS.search(before):
                    raise _Rejected("a code fence is closed that was not opened before the object")
                before = _FENCE_OPENS.sub("", before)
            if _WITHIN.search(before):
                raise _Rejected("the object at the end is part of a larger one that is not closed")
            if before.strip() and not reasoned:
                raise _Rejected("text before the JSON object")
            return pairs
        start = body.find("{", start + 1 if end < 0 else end)
    raise _Rejected("no JSON object at the end")


class _Pairs(list):
    """The pairs of a JSON object in order, duplicates kept."""


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _stated(pairs: list[tuple[str, Any]], vocabulary: Vocabulary) -> dict[str, Any]:
    """Return what is stated of each class, in the order of the classes."""
    stated: dict[str, Any] = {}
    for key, value in pairs:
        label = vocabulary.labels.get(normalise(key))
        if label is None:
            raise _Rejected(f"{key!r} is not one of the classes")
        if label in stated:
            raise _Rejected(f"{label!r} is stated twice")
        stated[label] = value
    missing = [label for label in vocabulary.classes if label not in stated]
    if missing:
        raise _Rejected(f"{missing[0]!r} is missing")
    return {label: stated[label] for label in vocabulary.classes}


def _counts(stated: dict[str, Any]) -> list[float]:
    """Return counted listeners."""
    numbers = [_number(label, value) for label, value in stated.items()]
    for label, number in zip(stated, numbers, strict=True):
        if number < 0 or number != int(number):
            raise _Rejected(f"{label!r} has {number:g}, no number of listeners")
    if not any(numbers):
        raise _Rejected("no listener is counted")
    return numbers


def _shares(stated: dict[str, Any]) -> list[float]:
    """Return stated shares or percentages as shares."""
    values = list(stated.values())
    percents = [_PERCENT.match(value) if isinstance(value, str) else None for value in values]
    matches = [match for match in percents if match is not None]
    if len(matches) == len(values):
        numbers, scale = [float(match[1]) for match in matches], 100.0
    else:
        numbers = [_number(label, value) for label, value in stated.items()]
        # shares sum to about 1 and percentages to about 100: no answer can be read as both
        scale = 100.0 if math.fsum(numbers) > 50 else 1.0
    for label, number in zip(stated, numbers, strict=True):
        if not 0 <= number <= scale:
            raise _Rejected(f"{label!r} has {number:g}, outside 0 to {scale:g}")
    return [number / scale for number in numbers]


def _number(label: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Rejected(f"{label!r} has {str(value)[:40]!r}, not a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _Rejected(f"{label!r} has a number that is not finite")
    return number


def drawn_label(distribution: Sequence[float], uniform: float) -> int:
    """Return the class of one vote drawn from a distribution, by its inverse cumulative function.

    Args:
        distribution: Shares that sum to 1.
        uniform: In [0, 1), from the request's own stream.
    """
    reached = 0.0
    for index, share in enumerate(distribution):
        reached += share
        if uniform < reached:
            return index
    return max(index for index, share in enumerate(distribution) if share > 0)


def load_verbalised(path: str | Path, *, reasoned: bool = False, counts: bool = False) -> PromptSet:
    """Read the prompts that ask for a distribution (``workflow/prompts/verbalised.yaml``, ``counts.yaml``).

    Args:
        path: A prompt set whose ``rules`` are a map of ``direct`` and ``reasoned``.
        reasoned: Which of the two.
        counts: Whether they ask for numbers of listeners, not for shares.

    Raises:
        UserError: See :func:`read_fields`.
    """
    maps: dict[str, Sequence[str]] = {"rules": _RULES, "task": MODALITIES, "evidence": MODALITIES}
    data = read_fields(path, maps, "counts" if counts else "distribution")
    if "reasoned" in data:
        raise UserError(f"{path}: takes no `reasoned`; its `rules` come in two kinds, {' and '.join(_RULES)}.")
    return PromptSet(
        **{**data, "rules": tuple(data["rules"]["reasoned" if reasoned else "direct"]), "reasoned": reasoned}
    )
