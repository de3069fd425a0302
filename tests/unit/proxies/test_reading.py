"""An annotator's mode, parsing rule and reasoning decide what is asked and how answers are read."""

from collections import Counter
from pathlib import Path

import pytest

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies.reading import longest_answer, prompts_for, reader_for, vocabulary_for

CLASSES = ["neutral", "happy", "sad", "angry"]
PROMPTS = Path(__file__).resolve().parents[3] / "workflow" / "prompts"
STATED = '{"neutral": 0.0, "happy": 0.7, "sad": 0.3, "angry": 0.0}'


@pytest.mark.parametrize(
    ("options", "synonyms", "expected"),
    [
        ({}, None, (None, "invalid")),
        ({"mode": "sampled"}, "synonyms.yaml", ("happy", "ok")),
        ({"mode": "readout"}, "synonyms.yaml", ("happy", "ok")),
        ({"parsing": "faithful"}, "synonyms.yaml", (None, "invalid")),
    ],
)
def test_synonyms_count_where_a_table_is_named_and_never_in_the_published_rule(options, synonyms, expected):
    vocabulary = vocabulary_for(CLASSES, synonyms and PROMPTS / synonyms)
    assert reader_for(options, vocabulary)("Happiness", ("s",)) == expected


def test_faithful_and_strict_on_one_answer():
    vocabulary = vocabulary_for(CLASSES, None)
    answers = {rule: reader_for({"parsing": rule}, vocabulary)("not happy", ()) for rule in ("strict", "faithful")}
    assert answers == {"strict": (None, "invalid"), "faithful": ("happy", "ok")}


def test_stated_distributions_become_votes_in_their_shares_and_the_same_ones_again():
    read = reader_for({"mode": "verbalised"}, vocabulary_for(CLASSES, None))
    votes = [read(STATED, (1, "answer", draw)) for draw in range(4000)]
    assert votes == [read(STATED, (1, "answer", draw)) for draw in range(4000)]
    counts = Counter(label for label, _ in votes)
    assert set(counts) == {"happy", "sad"}
    assert abs(counts["happy"] - 2800) < 4 * (4000 * 0.7 * 0.3) ** 0.5


def test_reasoning_moves_the_answer_to_the_end():
    vocabulary = vocabulary_for(CLASSES, None)
    assert reader_for({"mode": "verbalised", "reasoning": True}, vocabulary)(f"Low voice.\n{STATED}", (0,))[1] == "ok"
    assert reader_for({"mode": "verbalised"}, vocabulary)(f"Low voice.\n{STATED}", (0,)) == (None, "invalid")
    assert reader_for({"reasoning": True}, vocabulary)("Low voice.\nsad", ()) == ("sad", "ok")


def test_prompts_by_mode(prompts):
    assert prompts_for({"mode": "sampled"}, PROMPTS / "focus.yaml") == prompts
    direct = prompts_for({"mode": "verbalised"}, PROMPTS / "verbalised.yaml")
    reasoned = prompts_for({"mode": "verbalised", "reasoning": True}, PROMPTS / "verbalised.yaml")
    assert direct.focus == reasoned.focus == prompts.focus and direct.rules != reasoned.rules
    with pytest.raises(UserError, match="has the fields"):
        prompts_for({"mode": "verbalised"}, PROMPTS / "synonyms.yaml")


def test_prompts_that_ask_for_reasoning_go_with_annotators_that_read_it():
    assert prompts_for({"reasoning": True}, PROMPTS / "focus_reasoned.yaml").reasoned
    with pytest.raises(UserError, match="asks for reasoning first, but the annotator has reasoning: false"):
        prompts_for({}, PROMPTS / "focus_reasoned.yaml")
    with pytest.raises(UserError, match="asks for the emotion's name alone, but the annotator has reasoning: true"):
        prompts_for({"reasoning": True}, PROMPTS / "focus.yaml")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("The voice is low.\nThis could be neutral.\nsad", ("sad", "ok")),
        ("happy\nThe voice is low.", (None, "invalid")),
        ("Sad at first.\nIt is sad rather than angry.", (None, "invalid")),
        ("<think>happy\nangry</think>\nSad.\n\n", ("sad", "ok")),
        ("<think>happy", (None, "invalid")),
        ("It is unclear.\nI cannot tell.", (None, "refused")),
    ],
)
def test_after_reasoning_the_last_line_alone_counts(answer, expected):
    assert reader_for({"reasoning": True}, vocabulary_for(CLASSES, None))(answer, ()) == expected


def test_the_room_an_answer_gets():
    assert longest_answer({}, CLASSES) == 8
    assert longest_answer({"mode": "verbalised"}, CLASSES) == 80
    assert longest_answer({"mode": "verbalised", "reasoning": True}, CLASSES) == 464


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "guessed"}, "mode 'guessed' is unknown"),
        ({"mode": "readout", "reasoning": True}, "reads the labels at once"),
        ({"parsing": "loose"}, "parsing 'loose' is unknown"),
    ],
)
def test_what_cannot_be_read_is_refused(options, message):
    with pytest.raises(UserError, match=message):
        reader_for(options, vocabulary_for(CLASSES, None))
