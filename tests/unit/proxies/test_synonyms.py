"""The table of synonyms: every word means one emotion, and none that a corpus tells apart."""

from pathlib import Path

import pytest

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies.synonyms import load_synonyms, normalise

SYNONYMS = Path(__file__).resolve().parents[3] / "workflow" / "prompts" / "synonyms.yaml"
EIGHT = ["angry", "sad", "happy", "surprise", "fear", "disgust", "contempt", "neutral"]


@pytest.fixture(scope="module")
def synonyms():
    return load_synonyms(SYNONYMS)


def test_classes_keep_their_spelling(synonyms):
    paper = synonyms.vocabulary(["Anger", "Happiness", "Neutral state", "Sadness"])
    assert [paper.label(text) for text in ("angry", "JOY", "neutral", "sad")] == [
        "Anger",
        "Happiness",
        "Neutral state",
        "Sadness",
    ]


def test_the_repositorys_class_sets_are_all_known(synonyms):
    cremad = ["anger", "disgust", "fear", "happy", "neutral", "sad"]
    for classes in (cremad, EIGHT, ["neutral", "happy", "sad", "angry"]):
        words = synonyms.vocabulary(classes).labels
        assert all(sum(label == name for label in words.values()) > 2 for name in classes)


def test_neighbouring_emotions_never_count(synonyms):
    words = synonyms.vocabulary(EIGHT)
    for text in ("excited", "frustrated", "calm", "bored", "annoyed", "unhappy", "other"):
        assert words.label(text) is None


def test_two_classes_of_one_emotion_keep_their_spellings_alone(synonyms):
    words = synonyms.vocabulary(["joy", "happiness", "sad"])
    assert words.label("joy") == "joy" and words.label("happiness") == "happiness"
    assert words.label("happy") is None and words.label("sorrow") == "sad"


def test_a_class_may_be_called_like_a_declining_answer(synonyms):
    words = synonyms.vocabulary(["neutral", "none"])
    assert words.label("None") == "none" and not words.declines("none") and words.declines("unclear")


def test_a_class_that_the_table_does_not_know(synonyms):
    assert synonyms.vocabulary(["sleepy", "sad"]).label("Sleepy!") == "sleepy"


def test_a_lead_in_is_a_whole_word_before_a_whole_label(synonyms):
    words = synonyms.vocabulary(EIGHT)
    assert words.label("Final answer: anger") == "angry"
    assert words.label("the speaker is - happy") == "happy"
    for text in ("answers happy", "answerhappy", "answer", "answer:", "answer: not happy", "answer: answer: happy"):
        assert words.label(text) is None


def test_normalise():
    assert normalise("  “Neutral\n State”. ") == "neutral state" and normalise("CAN’T tell…!") == "can't tell…"


def test_classes_that_differ_in_case_only(synonyms):
    with pytest.raises(UserError, match="differ only in case"):
        synonyms.vocabulary(["Happy", "happy"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "emotions: {sad: [sad, blue], calm: [blue]}\nlead_ins: []\ndeclined: []",
            "'blue' is in emotions.sad and",
        ),
        ("emotions: {sad: [sad]}\nlead_ins: []\ndeclined: [sad]", "'sad' is in emotions.sad and in declined"),
        ("emotions: {sad: [no]}\nlead_ins: []\ndeclined: []", "emotions.sad has to be a list of words"),
        ("emotions: [sad]\nlead_ins: []\ndeclined: []", "has the fields"),
        ("emotions: {}\nlead_ins: []", "has the fields"),
        ("a: [", "not readable as YAML"),
    ],
)
def test_faults_of_a_table_are_named(tmp_path, text, message):
    path = tmp_path / "words.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=message) as error:
        load_synonyms(path)
    assert str(path) in str(error.value)
