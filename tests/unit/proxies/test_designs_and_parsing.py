from collections import Counter

import pytest

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies.designs import assign
from scaling_ambiguity.proxies.parsing import parse

FOCUS, HEAT = list("abcde"), [0.1, 0.2, 0.3, 0.4, 0.5]
CLASSES = ["neutral", "happy", "sad", "angry"]


def test_crossed_meets_every_pair_once_and_is_balanced_early():
    draws = [assign("crossed", j, FOCUS, HEAT) for j in range(25)]
    assert len(set(draws)) == 25
    for start in range(0, 25, 5):
        block = draws[start : start + 5]
        assert {f for f, _ in block} == set(FOCUS) and {t for _, t in block} == set(HEAT)


@pytest.mark.parametrize("temperatures", range(1, 8))
@pytest.mark.parametrize("lines", range(1, 7))
def test_crossed_meets_every_pair_once_whatever_their_numbers(lines, temperatures):
    number = lines * temperatures
    pairs = [assign("crossed", j, "abcdef"[:lines], [*range(temperatures)]) for j in range(2 * number)]
    assert len(set(pairs[:number])) == number == len(set(pairs[number:]))
    assert all(len({line for line, _ in pairs[k : k + lines]}) == lines for k in range(0, number, lines))


def test_confounded_meets_five_pairs_only():
    draws = Counter(assign("confounded", j, FOCUS, HEAT) for j in range(20))
    assert len(draws) == 5 and set(draws.values()) == {4}


def test_unknown_design():
    with pytest.raises(UserError, match="'random' is unknown"):
        assign("random", 0, FOCUS, HEAT)


@pytest.mark.parametrize("text", ["happy", " Happy.\n", "HAPPY", '"happy"', "**happy**", "happy!"])
def test_exact_labels(text):
    assert parse(text, CLASSES) == ("happy", "ok")


@pytest.mark.parametrize("text", ["", ".", "not happy", "happy or sad", "happiness", "unhappy", "the emotion is sad"])
def test_nothing_is_guessed(text):
    assert parse(text, CLASSES) == (None, "invalid")


@pytest.mark.parametrize(
    "text", ["I cannot tell from this.", "I'm sorry, but no.", "As an AI model", "I don’t know", "Unable to answer"]
)
def test_refusals(text):
    assert parse(text, CLASSES) == (None, "refused")


def test_classes_keep_their_spelling():
    assert parse("neutral state", ["Neutral state"]) == ("Neutral state", "ok")
