from pathlib import Path

import pytest
import yaml

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies.prompts import load_prompts, render

PROMPTS = Path(__file__).resolve().parents[3] / "workflow" / "prompts"
CLASSES = ["neutral", "happy", "sad", "angry"]


def test_structure(engine, prompts):
    assert len(prompts.focus_ids) == 5
    text = render(engine(), prompts, "tone", "we won", CLASSES, "both")
    assert text.startswith("system: ") and "<|AUDIO|>" in text
    assert text.index("we won") < text.index("neutral, happy, sad, angry") < text.index(prompts.focus["tone"])
    assert text.count("neutral, happy, sad, angry") == 2


def test_what_is_withheld_is_not_shown(engine, prompts):
    audio = render(engine(), prompts, "tone", "we won", CLASSES, "audio")
    text = render(engine(), prompts, "tone", "we won", CLASSES, "text")
    assert "we won" not in audio and "<|AUDIO|>" in audio and "Transcript" not in audio
    assert "we won" in text and "<|AUDIO|>" not in text
    unknown = render(engine(), prompts, "tone", None, CLASSES, "both")
    assert "Transcript" not in unknown and "None" not in unknown


def test_braces_in_a_transcript_are_words(engine, prompts):
    assert "{focus} {0}" in render(engine(), prompts, "tone", "{focus} {0}", CLASSES, "both")


@pytest.mark.parametrize(
    ("focus", "modality", "transcript"), [("x", "both", "a"), ("tone", "x", "a"), ("tone", "text", None)]
)
def test_impossible_prompts(engine, prompts, focus, modality, transcript):
    with pytest.raises(UserError):
        render(engine(), prompts, focus, transcript, CLASSES, modality)


@pytest.mark.parametrize(
    "change", [{"extra": 1}, {"focus": {}}, {"transcript": "x"}, {"task": {"both": "x"}}, {"system": None}]
)
def test_broken_prompt_files(tmp_path, change):
    with pytest.raises(UserError, match=r"p\.yaml"):
        load_prompts(changed(tmp_path, **change))
    with pytest.raises(UserError, match="none"):
        load_prompts(tmp_path / "none.yaml")


def changed(tmp_path, source="focus", **fields):
    data = yaml.safe_load((PROMPTS / f"{source}.yaml").read_text()) | fields
    path = tmp_path / "p.yaml"
    path.write_text(yaml.safe_dump({key: value for key, value in data.items() if value is not None}, sort_keys=False))
    return path


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("rules", ["- {focus} {candidate}"], r"`rules`.*shows \{candidate\}.*can show \{evidence\}, \{focus\}"),
        ("rules", ["- {0}"], r"shows \{0\}"),
        ("rules", ["- a } alone"], "written twice"),
        ("transcript", "{transcript} {speaker}", r"`transcript`.*shows \{speaker\}"),
        ("classes", "{classes} {focus}", "`classes`"),
        ("kind", "distribution", r"`kind` is 'distribution', and prompts of kind `vote` are asked for"),
    ],
)
def test_a_field_that_shows_what_it_cannot_is_named(tmp_path, field, value, said):
    with pytest.raises(UserError, match=rf"p\.yaml: .*{said}"):
        load_prompts(changed(tmp_path, **{field: value}))


def test_a_file_without_kind_asks_as_before_and_the_kind_is_in_no_prompt(tmp_path, prompts):
    assert load_prompts(changed(tmp_path, kind=None)) == prompts and prompts.kind == "vote"
    assert not any("kind" in prompts.user_text(focus, "w", ["sad"], "both") for focus in prompts.focus_ids)
