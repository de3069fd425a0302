import numpy as np
import pytest
import soundfile

from scaling_ambiguity.alms import encodings
from scaling_ambiguity.alms.engines import transformers as engines
from scaling_ambiguity.alms.questions import Question
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.proxies.prompts import render
from scaling_ambiguity.seeds import uniform

CLASSES = ["neutral", "happy", "sad", "angry"]


@pytest.fixture
def questions(alm, prompts, tmp_path):
    result = []
    for i in range(3):
        path = tmp_path / f"{i}.wav"
        soundfile.write(path, np.random.default_rng(i).normal(0, 0.1, 16_000), 16_000)
        for focus in ("tone", "words"):
            text = render(alm, prompts, focus, "look", CLASSES, "both")
            result += [Question(text, path, 0.8, (i, focus, draw)) for draw in range(4)]
        text = render(alm, prompts, "tone", f"look {i}", CLASSES, "text")
        result.append(Question(text, None, 0.8, (i, "text")))
    return result


def test_each_clip_is_encoded_once_and_each_prompt_read_once(checkpoint, questions, monkeypatch):
    engine = engines.open_engine({"engine": "transformers", "checkpoint": str(checkpoint), "gpus": 0})
    encoded, prompted = [], []
    encode, embed = encodings.audio_features, engines.embed_prompts
    monkeypatch.setattr(encodings, "audio_features", lambda alm, waves: encoded.extend(waves) or encode(alm, waves))
    monkeypatch.setattr(engines, "embed_prompts", lambda alm, texts, a: prompted.extend(texts) or embed(alm, texts, a))
    answers = engine.answer(questions, uniform)
    assert len(encoded) == 3 and len(prompted) == 3 * 2 + 3 and len(answers) == len(questions)


def test_an_answer_does_not_depend_on_the_other_questions(checkpoint, questions):
    engine = engines.open_engine({"engine": "transformers", "checkpoint": str(checkpoint)})
    together = engine.answer(questions, uniform)
    for question, answer in list(zip(questions, together, strict=True))[::5]:
        alone = engine.answer([question], uniform)[0]
        assert alone.response == answer.response
        assert alone.logprob == pytest.approx(answer.logprob, abs=1e-4)


def test_unknown_or_missing_keys():
    with pytest.raises(UserError, match="temperature"):
        engines.open_engine({"checkpoint": "x", "temperature": 1})
    with pytest.raises(UserError, match="checkpoint"):
        engines.open_engine({})
