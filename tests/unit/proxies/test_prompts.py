import pytest
import yaml

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies.prompts import load_prompts, render

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
def test_broken_prompt_files(tmp_path, prompts, change):
    data = {**vars(prompts), "rules": list(prompts.rules), **change}
    if change.get("system", 1) is None:
        del data["system"]
    (tmp_path / "p.yaml").write_text(yaml.safe_dump(data))
    with pytest.raises(UserError, match=r"p\.yaml"):
        load_prompts(tmp_path / "p.yaml")
    with pytest.raises(UserError, match="none"):
        load_prompts(tmp_path / "none.yaml")
