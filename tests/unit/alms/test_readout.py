import json
import shutil

import numpy as np
import pytest
import soundfile
import torch
from scipy.stats import chisquare

from scaling_ambiguity.alms.drawing import draw_labels
from scaling_ambiguity.alms.engines import transformers as engines
from scaling_ambiguity.alms.inputs import embed_prompts, encode_audio
from scaling_ambiguity.alms.loading import load_alm
from scaling_ambiguity.alms.parts import parts
from scaling_ambiguity.alms.questions import Question
from scaling_ambiguity.alms.readout import read_labels
from scaling_ambiguity.alms.scoring import end_token, end_tokens, label_log_probabilities, label_tokens
from scaling_ambiguity.alms.tiny.answers import Lesson
from scaling_ambiguity.alms.tiny.sound import MelSound
from scaling_ambiguity.alms.tiny.training import train
from scaling_ambiguity.proxies.prompts import render
from scaling_ambiguity.seeds import uniform

CLASSES = ["neutral", "happy", "sad", "angry"]
SPLIT = ["neutral", "happy indeed", "sad", "gloomy"]
NESTED = ["sad", "sad indeed", "angry"]
NUMBER = 2000


@pytest.fixture(scope="module")
def inputs(alm, waveforms, texts):
    return embed_prompts(alm, texts, encode_audio(alm, waveforms))


@pytest.fixture(scope="module")
def taught(checkpoint, prompts, tmp_path_factory):
    """Return the folder of a model that has learned to answer with a label, a clip in it, and the prompt."""
    folder = shutil.copytree(checkpoint, tmp_path_factory.mktemp("taught") / "model")
    alm = load_alm(folder, device="cpu")
    clip = np.random.default_rng(9).normal(0, 0.1, 24_000).astype(np.float32)
    soundfile.write(folder / "clip.wav", clip, 16_000, subtype="FLOAT")
    text = render(alm, prompts, "tone", "look", CLASSES, "both")
    lesson = Lesson([text, text], np.array([0.4, 0.3, 0.2, 0.1]))
    options = {"steps": 40, "batch": 4, "learning_rate": 3e-3}
    train(alm, [lesson] * 4, MelSound(alm, [clip] * 4), CLASSES, options, seed=3)
    alm.model.eval().save_pretrained(folder)
    return folder, text


def by_hand(alm, text, waveform, tokens):
    """Return log p of a token string by one plain forward: no padding, no cache."""
    inputs = embed_prompts(alm, [text], encode_audio(alm, [waveform]))
    embeds = torch.cat([inputs["inputs_embeds"], alm.model.get_input_embeddings()(torch.tensor([tokens]))], dim=1)
    with torch.no_grad():
        logp = alm.model(inputs_embeds=embeds).logits[0].double().log_softmax(-1)
    start = inputs["inputs_embeds"].shape[1] - 1
    last = logp[start + len(tokens) - 1, end_tokens(alm) if tokens[-1] == end_token(alm) else tokens[-1:]]
    return sum(float(logp[start + step, token]) for step, token in enumerate(tokens[:-1])) + float(last.logsumexp(0))


@pytest.mark.parametrize("classes", [CLASSES, SPLIT, NESTED])
def test_label_strings_are_scored_exactly(alm, inputs, texts, waveforms, classes):
    found = read_labels(alm, inputs, classes)
    for row, (text, waveform) in enumerate(zip(texts, waveforms, strict=True)):
        expected = [by_hand(alm, text, waveform, tokens) for tokens in label_tokens(alm, classes)]
        assert found[row].tolist() == pytest.approx(expected, abs=1e-4)
    assert (found.exp().sum(1) < 1).all()
    with torch.no_grad():
        normalised = label_log_probabilities(alm, inputs, classes).double()
    assert torch.allclose(found.log_softmax(-1), normalised, atol=1e-4)


@pytest.mark.parametrize(("classes", "nodes"), [(CLASSES, 0), (SPLIT, None)])
def test_prompts_are_read_once(alm, inputs, monkeypatch, classes, nodes):
    model, seen = parts(alm.model).language_model, []
    forward = model.forward
    monkeypatch.setattr(
        model, "forward", lambda *a, **k: seen.append(tuple(k["inputs_embeds"].shape[:2])) or forward(*a, **k)
    )
    read_labels(alm, inputs, classes)
    batch, width = inputs["inputs_embeds"].shape[:2]
    inner = sum(len(tokens) - 1 for tokens in label_tokens(alm, classes))
    assert inner == nodes or (nodes is None and inner > 1)
    assert seen == [(batch, width + inner)]


def test_labels_are_drawn_in_proportion():
    scores = torch.tensor([[0.5, 0.3, 0.1, 0.02]], dtype=torch.float64).log()
    grid = [(step + 0.5) / 1000 for step in range(1000)]
    for temperature in (1.0, 0.5, 2.0):
        answers = draw_labels(scores, CLASSES, [1] * 4, [0] * 1000, [temperature] * 1000, lambda draw: grid[draw])
        found = [sum(answer.response == label for answer in answers) / 1000 for label in CLASSES]
        weights = np.array([0.5, 0.3, 0.1, 0.02]) ** (1 / temperature)
        assert found == pytest.approx(list(weights / weights.sum()), abs=1.5e-3)
    (greedy,) = draw_labels(scores, CLASSES, [1, 2, 3, 4], [0], [0.0], lambda draw: 0.999)
    assert greedy.response == "neutral" and greedy.logprob == pytest.approx(np.log(0.5)) and greedy.tokens == 1
    assert np.exp(greedy.label_logprobs) == pytest.approx([0.5, 0.3, 0.1, 0.02])
    last = draw_labels(scores, CLASSES, [1] * 4, [0], [1.0], lambda draw: 1 - 2**-53)
    assert last[0].response == "angry"


def test_sampled_answers_agree_with_the_read_out(taught):
    folder, text = taught
    engine = engines.open_engine({"checkpoint": str(folder)})
    clip = folder / "clip.wav"
    (read,) = engine.answer([Question(text, clip, 1.0, ("r",), tuple(CLASSES))], uniform)
    sampled = engine.answer([Question(text, clip, 1.0, ("chi", draw)) for draw in range(NUMBER)], uniform)
    counts = [sum(answer.response == label and answer.ended for answer in sampled) for label in CLASSES]
    share = np.exp(read.label_logprobs)
    assert share.sum() > 0.95 and share.min() > 0.03
    expected = np.array([*share, 1 - share.sum()]) * NUMBER
    result = chisquare([*counts, NUMBER - sum(counts)], expected)
    assert result.pvalue > 1e-3
    # The same test has the power to tell: a little hotter is another distribution.
    heated = np.exp(np.array(read.label_logprobs) / 1.5)
    assert chisquare(counts, heated / heated.sum() * sum(counts)).pvalue < 1e-3


def test_drawing_from_the_read_out_agrees_too(taught):
    folder, text = taught
    engine = engines.open_engine({"checkpoint": str(folder)})
    questions = [Question(text, folder / "clip.wav", 1.0, ("d", draw), tuple(CLASSES)) for draw in range(NUMBER)]
    answers = engine.answer(questions, uniform)
    share = np.exp(answers[0].label_logprobs)
    counts = [sum(answer.response == label for answer in answers) for label in CLASSES]
    assert chisquare(counts, share / share.sum() * NUMBER).pvalue > 1e-3


def test_a_checkpoints_generation_config_changes_nothing(taught, tmp_path):
    folder, text = taught
    loud = shutil.copytree(folder, tmp_path / "loud")
    settings = {"do_sample": True, "top_k": 1, "top_p": 0.1, "temperature": 0.01, "repetition_penalty": 9.0}
    settings |= {"bad_words_ids": [[5]], "max_new_tokens": 1, "min_p": 0.9}
    (loud / "generation_config.json").write_text(json.dumps(settings))
    asked = [Question(text, folder / "clip.wav", 0.9, ("g", draw)) for draw in range(40)]
    asked.append(Question(text, folder / "clip.wav", 0.9, ("g",), tuple(CLASSES)))
    plain, other = (engines.open_engine({"checkpoint": str(path)}) for path in (folder, loud))
    assert other.alm.model.generation_config.top_k == 1
    assert plain.answer(asked, uniform) == other.answer(asked, uniform)
