"""What was said before: shown to annotators that ask for it, from the conversation itself and never from after."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies.context import Dialogues, Turn
from scaling_ambiguity.proxies.elicitation import items
from scaling_ambiguity.proxies.prompts import load_prompts
from scaling_ambiguity.tables.turns import TURNS

PROMPTS = Path(__file__).resolve().parents[3] / "workflow" / "prompts"
CLASSES = ["neutral", "happy", "sad", "angry"]


def turns(*rows):
    frame = pd.DataFrame(rows, columns=["dialogue", "place", "utterance", "speaker", "transcript"])
    return TURNS.validate(frame.assign(start=frame["place"].astype(float)), "test")


@pytest.fixture
def spoken():
    return turns(
        ("d1", 0, "u_00", "f", "one"),
        ("d1", 1, "x_99", "m", "two, not in the run"),
        ("d1", 2, "u_01", "f", "three"),
        ("d1", 3, "u_02", "m", "four {braces}"),
        ("d2", 0, "u_03", "f", "elsewhere"),
        ("d2", 1, "u_04", "m", "later"),
    )


@pytest.fixture
def shown():
    return load_prompts(PROMPTS / "focus_context.yaml")


def test_turns_before_an_utterance_oldest_first_and_of_its_conversation_alone(spoken):
    dialogues = Dialogues(spoken.sample(frac=1, random_state=1))
    assert dialogues.before("u_02", 2) == (Turn("two, not in the run", True), Turn("three", False))
    assert [turn.words for turn in dialogues.before("u_02", 9)] == ["one", "two, not in the run", "three"]
    assert dialogues.before("u_03", 3) == dialogues.before("u_00", 3) == dialogues.before("nowhere", 3) == ()
    assert dialogues.before("u_02", 0) == ()
    assert "u_02" in dialogues and "nowhere" not in dialogues


def test_an_utterance_that_stands_twice_is_refused():
    with pytest.raises(UserError, match="'u' is two turns"):
        Dialogues(turns(("d", 0, "u", "f", "a"), ("d", 1, "u", "f", "b")))


def prompts_of(corpus, engine, options, prompts, dialogues=None, rows=None):
    rows = corpus[0].head(5) if rows is None else rows
    asked = items(rows, corpus[1], engine(), options, prompts, CLASSES, 42, dialogues)
    return {draws[0].utterance: draws[0].prompt for draws in asked}


def test_context_stands_before_the_transcript_and_is_part_of_the_request(corpus, engine, options, shown, spoken):
    asked = prompts_of(corpus, engine, options | {"context": 2}, shown, Dialogues(spoken))
    expected = (
        "What was said before, oldest first:\n"
        'The same speaker: "two, not in the run"\nThe other speaker: "three"\nTranscript: "words 2"\n'
    )
    assert expected in asked["u_02"]
    assert "four" not in asked["u_02"] and "elsewhere" in asked["u_04"] and '"one"' not in asked["u_04"]
    without = prompts_of(corpus, engine, options, shown)
    assert asked["u_00"] == without["u_00"] and "What was said" not in asked["u_00"]
    keys = [
        [draws[0].request.key for draws in items(corpus[0].head(5), corpus[1], engine(), o, shown, CLASSES, 42, d)]
        for o, d in ((options | {"context": 2}, Dialogues(spoken)), (options, None))
    ]
    assert [a == b for a, b in zip(*keys, strict=True)] == [True, False, False, True, False]


def test_without_context_and_speaker_its_prompts_are_those_of_focus(corpus, engine, options, prompts, shown):
    assert prompts_of(corpus, engine, options, shown) == prompts_of(corpus, engine, options, prompts)


def test_the_speaker_is_told_where_the_entry_says_so(corpus, engine, options, shown):
    rows = corpus[0].head(2).assign(speaker="Ses01F")
    told = prompts_of(corpus, engine, options | {"speaker": True}, shown, rows=rows)
    assert all('"\nSpeaker: Ses01F\nEmotions: ' in prompt for prompt in told.values())
    assert all("Ses01F" not in prompt for prompt in prompts_of(corpus, engine, options, shown, rows=rows).values())


def test_what_cannot_be_shown_is_refused_with_a_remedy(corpus, engine, options, prompts, shown, spoken):
    with pytest.raises(UserError, match="no conversations in known order; set context: 0"):
        prompts_of(corpus, engine, options | {"context": 2}, shown)
    with pytest.raises(UserError, match=r"no field `context`.*prompts: focus_context"):
        prompts_of(corpus, engine, options | {"context": 2}, prompts, Dialogues(spoken))
    with pytest.raises(UserError, match="no field `speaker`"):
        prompts_of(corpus, engine, options | {"speaker": True}, prompts, rows=corpus[0].assign(speaker="s"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"context": {"heading": "x"}}, "`context` needs one entry"),
        ({"context": {"heading": "h", "turn": "{who}", "same": "s", "other": "o"}}, "`context` needs a line with"),
        ({"speaker": "Speaker"}, "`speaker` needs a line with {speaker}"),
        ({"reasoned": "yes"}, "`reasoned` is true or false"),
        ({"dialogue": "x"}, "may have"),
    ],
)
def test_faults_of_the_optional_fields_are_named(tmp_path, change, message):
    path = tmp_path / "p.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load((PROMPTS / "focus.yaml").read_text()) | change))
    with pytest.raises(UserError, match=message):
        load_prompts(path)


def test_the_table_of_turns_is_checked(spoken):
    with pytest.raises(UserError, match="not a valid turns table"):
        TURNS.validate(spoken.assign(transcript=np.nan), "test")
