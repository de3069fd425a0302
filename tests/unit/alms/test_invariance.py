"""The same clip alone and in padded batches: whatever stands beside it, the same log-probabilities to 1e-4."""

import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile

from scaling_ambiguity.alms.engines.transformers import Engine
from scaling_ambiguity.alms.questions import Question
from scaling_ambiguity.seeds import uniform

sys.path.insert(0, str(Path(__file__).resolve().parent))

from families import CLASSES, FAMILIES, ask, noise, open_family

SPLIT = ("neutral", "happy indeed", "sad", "gloomy")
# Lengths that end inside and at the edge of windows and chunks of 1, 2 and 4 s; silence; longer than 30 s.
LENGTHS = (0.31, 1.0, 4.0, 2.37, 1.01, 0.5, 30.6, 7.9, 2.0, 0.7, 0.73, 1.5, 3.99, 2.9, 0.9)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    waves = [noise(seed, seconds) for seed, seconds in enumerate(LENGTHS)] + [np.zeros(20_000, np.float32)]
    for place, wave in enumerate(waves):
        soundfile.write(folder / f"{place:02d}.wav", wave, 16_000, subtype="FLOAT")
    return sorted(folder.iterdir())


@pytest.mark.ci
@pytest.mark.parametrize("family", FAMILIES)
def test_alone_and_in_batches(family, clips, tmp_path_factory):
    alm = open_family(family, tmp_path_factory)
    engine = Engine(alm, "tiny")
    focus = ("tone", "words", "subtle_cues")
    questions = [
        # Prompts of different lengths, and every fifth without a clip, so that each batch is padded.
        Question(
            ask(alm, focus[place % 3], "so it goes " * (place % 4), "text" if place % 5 == 4 else "both"),
            None if place % 5 == 4 else clip,
            1.0,
            ("invariance", place),
            SPLIT,
        )
        for place, clip in enumerate(clips)
    ]
    sampled = [Question(q.prompt, q.audio, 0.8, q.stream) for q in questions]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Qwen2-Audio's window cuts the long clips, alone and in batches
        pairs = [engine.answer(list(pair), uniform) for pair in zip(questions, sampled, strict=True)]
        alone, voices = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        for size in (2, 8, 16):
            for start in range(0, len(questions), size):
                batch = slice(start, start + size)
                # In batches of 8 generated answers are asked for too; the batch's order is turned round.
                generated = sampled[batch] if size == 8 else []
                found = engine.answer([*questions[batch][::-1], *generated], uniform)
                count = len(questions[batch])
                for expected, answer in zip(alone[batch][::-1], found[:count], strict=True):
                    assert answer.label_logprobs == pytest.approx(expected.label_logprobs, abs=1e-4)
                for expected, answer in zip(voices[batch], found[count:], strict=False):
                    assert answer.response == expected.response
                    assert answer.logprob == pytest.approx(expected.logprob, abs=1e-4 * expected.tokens)
    assert len({answer.label_logprobs for answer in alone}) == len(alone)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_comparison_would_notice_padding(family, tmp_path_factory):
    from scaling_ambiguity.alms.inputs import embed_prompts
    from scaling_ambiguity.alms.readout import read_labels

    alm = open_family(family, tmp_path_factory)
    texts = [ask(alm, "tone", "look", "text"), ask(alm, "tone", "look " * 40, "text")]
    together = embed_prompts(alm, texts, [None, None])
    expected = read_labels(alm, embed_prompts(alm, texts[:1], [None]), CLASSES)[0]
    assert abs(read_labels(alm, together, CLASSES)[0] - expected).max() < 1e-4
    leaking = together | {"attention_mask": together["attention_mask"] * 0 + 1}
    assert abs(read_labels(alm, leaking, CLASSES)[0] - expected).max() > 1e-3
