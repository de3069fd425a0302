"""An answer is a label, a listed synonym of one, or no vote; the published rule stands beside it, flaws included."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies.parsing import after_reasoning, is_refusal, parse, parse_faithful, parser
from scaling_ambiguity.proxies.synonyms import load_synonyms, normalise, spelled

SYNONYMS = Path(__file__).resolve().parents[3] / "workflow" / "prompts" / "synonyms.yaml"
CLASSES = ["neutral", "happy", "sad", "angry"]
PAPER = ["Anger", "Happiness", "Neutral state", "Sadness"]


@pytest.fixture(scope="module")
def vocabulary():
    return load_synonyms(SYNONYMS).vocabulary(CLASSES)


# an answer, its vote by the strict rule with synonyms, its vote by the published rule
ANSWERS = [
    ("happy", "happy", "happy"),
    ("Happiness.", "happy", None),
    ("Answer: **Angry**", "angry", "angry"),
    ("The dominant emotion is sadness", "sad", "sad"),
    ("emotion = fear", None, None),
    ("unhappy", None, "happy"),
    ("not happy", None, "happy"),
    ("The speaker is not angry", None, "angry"),
    ("not angry but sad", None, "sad"),
    ("happy or sad", None, "happy"),
    ("saddle", None, "sad"),
    ("excited", None, None),
    ("", None, None),
    ("   ", None, None),
    ("neutral\nhappy", None, "neutral"),
]


@pytest.mark.parametrize(("answer", "strict", "faithful"), ANSWERS)
def test_the_two_rules_side_by_side(vocabulary, answer, strict, faithful):
    assert parse(answer, vocabulary)[0] == strict
    assert parse_faithful(answer, CLASSES)[0] == faithful


def test_faithful_prefers_equality_and_then_list_order():
    assert parse_faithful("angry at heart", ["angry", "angry at heart"]) == ("angry at heart", "ok")
    assert parse_faithful("Sadness, no anger", PAPER) == ("Anger", "ok")
    assert parse_faithful(" neutral STATE ", PAPER) == ("Neutral state", "ok")
    assert parse_faithful("neutral", PAPER) == (None, "invalid")


@pytest.mark.parametrize(
    "answer",
    ["I can't tell.", "I'm not sure", "Unclear", "none of the above", "N/A", "Sorry!", "It is not possible to say."],
)
def test_declining_is_told_from_nonsense(vocabulary, answer):
    assert parse(answer, vocabulary) == (None, "refused")


@pytest.mark.parametrize("answer", ["She says sorry", "banana", "I don't hear any anger", "{}"])
def test_nonsense_is_not_a_refusal(vocabulary, answer):
    assert parse(answer, vocabulary) == (None, "invalid")


def test_reasoning_first_and_the_answer_last(vocabulary):
    argument = "The words are happy.\nThe voice is angry and tense.\n\nAnswer: sad\n"
    assert parse(argument, vocabulary, reasoned=True) == ("sad", "ok")
    assert parse(argument, vocabulary) == (None, "invalid")
    assert parse("Answer: sad\nbecause the voice is low", vocabulary, reasoned=True) == (None, "invalid")
    assert parse("<think>happy? angry?</think>\nsad", vocabulary, reasoned=True) == ("sad", "ok")
    assert parse("<think>It must be\nangry", vocabulary, reasoned=True) == (None, "invalid")
    assert after_reasoning("\n\n") == ""


def test_a_parser_is_chosen_by_name(vocabulary):
    assert parser("strict", vocabulary)("not happy") == (None, "invalid")
    assert parser("faithful", vocabulary)("not happy") == ("happy", "ok")
    assert parser("strict", vocabulary, reasoned=True)("well\nhappy") == ("happy", "ok")
    with pytest.raises(UserError, match="'loose' is unknown"):
        parser("loose", vocabulary)
    with pytest.raises(UserError, match="cannot follow reasoning"):
        parser("faithful", vocabulary, reasoned=True)


@given(st.text(max_size=60))
def test_any_text_gives_a_label_only_if_it_is_one(text):
    label, status = parse(text, CLASSES)
    assert (label is not None) == (status == "ok")
    assert label is None or normalise(text) == label
    assert parse(text, spelled(CLASSES)) == (label, status)
    assert is_refusal(text) in (True, False)
