"""Answers that state numbers of listeners: how they are written, and what a model loses on them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scaling_ambiguity.alms.beams import beam_answers
from scaling_ambiguity.alms.inputs import embed_prompts, embed_tokens, encode_audio
from scaling_ambiguity.alms.loading import LoadedALM
from scaling_ambiguity.alms.parts import parts
from scaling_ambiguity.alms.questions import object_logprob
from scaling_ambiguity.alms.sampling import sample_answers
from scaling_ambiguity.alms.scoring import end_token
from scaling_ambiguity.alms.tiny.answers import LISTENERS, Answers, Lesson, answer, every_number, listeners
from scaling_ambiguity.alms.tiny.build import build_model, build_processor
from scaling_ambiguity.alms.tiny.sound import MelSound
from scaling_ambiguity.alms.tiny.tokenizer import train_tokenizer
from scaling_ambiguity.alms.tiny.training import train
from scaling_ambiguity.proxies.prompts import lesson_prompts, render, user_texts
from scaling_ambiguity.proxies.verbalised import load_verbalised, parse_distribution

CLASSES = ["neutral", "happy", "sad", "angry"]
COUNTS = Path(__file__).resolve().parents[3] / "workflow" / "prompts" / "counts.yaml"
TARGETS = [np.array(q) for q in ([1, 0, 0, 0], [0, 0.55, 0.45, 0], [0.25, 0.25, 0.25, 0.25], [0, 0, 0.1, 0.9])]


@pytest.fixture(scope="module")
def counting():
    return load_verbalised(COUNTS, counts=True)


@pytest.fixture
def fresh(prompts, counting):
    texts = user_texts(prompts, CLASSES)
    processor = build_processor(train_tokenizer(texts + user_texts(counting, CLASSES) + every_number(CLASSES), CLASSES))
    return LoadedALM(build_model(processor, 1), processor, processor.tokenizer, torch.device("cpu"), "untrained")


def lessons_of(alm, prompts, counting):
    asked = [lesson_prompts(alm.processor, kind, "look", CLASSES) for kind in (prompts, counting)]
    return [Lesson(asked[0], target, asked[1]) for target in TARGETS]


def tone(pitch):
    return (0.3 * np.sin(2 * np.pi * pitch * np.arange(16_000) / 16_000)).astype(np.float32)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=20).filter(lambda p: sum(p) > 0.01))
def test_rounding_keeps_the_sum_and_moves_no_share_by_a_listener(p):
    p = np.array(p) / np.sum(p)
    counts = listeners(p)
    assert sum(counts) == LISTENERS and min(counts) >= 0
    assert np.abs(np.array(counts) / LISTENERS - p).max() < 1 / LISTENERS + 1e-9


def test_what_is_written_is_what_is_read():
    stated = parse_distribution(answer(CLASSES, listeners(TARGETS[1])), CLASSES, counts=True)
    np.testing.assert_allclose(stated.distribution, TARGETS[1])


def test_the_loss_is_that_of_every_token_of_the_answers(fresh, prompts, counting):
    lessons = [replace(lesson, counting=lesson.counting[:1]) for lesson in lessons_of(fresh, prompts, counting)]
    sound, chosen = MelSound(fresh, [tone(pitch) for pitch in (200, 400, 800, 1600)]), np.array([0, 1, 3])
    fresh.model.eval()
    modules, token = parts(fresh.model), fresh.tokenizer.convert_tokens_to_ids(fresh.processor.audio_token)
    draw, expected = np.random.default_rng(0), 0.0
    for _ in chosen:
        draw.integers(1)  # the prompt
    with torch.no_grad():
        loss = Answers(fresh, lessons, CLASSES, sound).counts_loss(chosen, np.random.default_rng(0))
        for i, clip in zip(chosen, sound.hear(chosen, draw), strict=True):  # one by one, token by token
            prompt = fresh.tokenizer(lessons[i].counting[0], add_special_tokens=False)["input_ids"]
            place, text = prompt.index(token), answer(CLASSES, listeners(lessons[i].target))
            tokens = [*fresh.tokenizer(text, add_special_tokens=False)["input_ids"], end_token(fresh)]
            row = [*prompt[:place], *[token] * len(clip), *prompt[place + 1 :], *tokens]
            p = modules.lm_head(modules.language_model(**embed_tokens(fresh, [row], [clip])).last_hidden_state[0])
            start = len(row) - len(tokens)
            expected -= sum(float(p.log_softmax(-1)[start + k - 1, word]) for k, word in enumerate(tokens))
    assert float(loss) == pytest.approx(expected / (3 * len(CLASSES)), rel=1e-5)


@pytest.mark.ci
def test_a_model_learns_to_write_and_is_read(fresh, prompts, counting):
    lessons = lessons_of(fresh, prompts, counting)
    sound = MelSound(fresh, [tone(pitch) for pitch in (200, 400, 800, 1600)])
    options = {"steps": 100, "batch": 8, "learning_rate": 3e-3}
    train(fresh, lessons, sound, CLASSES, options, seed=3)
    text = render(fresh, counting, "tone", "look", CLASSES, "both")
    inputs = embed_prompts(fresh, [text], encode_audio(fresh, [tone(200)]))
    (written,) = sample_answers(fresh, inputs, [0], [0.0], lambda draw, place: 0.5, longest=80)
    stated = parse_distribution(written.response, CLASSES, counts=True)
    assert stated.status == "ok", written.response

    # the object alone: all tokens but the one that ends the answer
    ids = fresh.tokenizer(written.response, add_special_tokens=False)["input_ids"]
    clip = encode_audio(fresh, [tone(200)])[0]
    prompt = fresh.tokenizer(text, add_special_tokens=False)["input_ids"]
    place = prompt.index(fresh.tokenizer.convert_tokens_to_ids(fresh.processor.audio_token))
    row = [*prompt[:place], *[prompt[place]] * len(clip), *prompt[place + 1 :], *ids]
    modules = parts(fresh.model)
    with torch.no_grad():
        logp = modules.lm_head(modules.language_model(**embed_tokens(fresh, [row], [clip])).last_hidden_state[0])
    logp = logp.log_softmax(-1)[len(row) - len(ids) - 1 :]
    each = [float(logp[k, word]) for k, word in enumerate(ids)]
    assert written.logprob_answer == pytest.approx(np.mean(each), abs=1e-5)
    assert written.logprob == pytest.approx(sum(each) + float(logp[len(ids), end_token(fresh)]), abs=1e-4)
    best = beam_answers(fresh, inputs, 3, 80)
    (same,) = [beam for beam in best if beam.response == written.response]
    assert same.logprob_answer == pytest.approx(written.logprob_answer, abs=1e-5)


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (["{", '"a"', ":", "1", "}", "<end>"], -3.0),  # the end is no part of it
        (["So", " {", '"a": 1', "}", "."], -3.0),
        (['{"a": 1}', "x", '{"b', '": 2}'], -3.5),  # the last one
        (["}", "{", "1"], None),
        (["happy", "<end>"], None),
        (["{", None, "1", "}", None], -2.5),  # tokens beyond the tokenizer's
        ([], None),
    ],
)
def test_the_object_of_an_answer_is_weighed_alone(pieces, expected):
    assert object_logprob(pieces, [-1.0 - place for place in range(len(pieces))]) == expected
