"""The on-line step: how often and how far, the same after a resume, and never outside of training."""

import os
import signal

import numpy as np
import pytest
import torch

from scaling_ambiguity.alms.audio import load_waveform
from scaling_ambiguity.alms.inputs import encode_audio
from scaling_ambiguity.augmentation.transforms import change_pitch, change_speed
from scaling_ambiguity.finetuning.inputs import FrozenInputs
from scaling_ambiguity.proxies.prompts import load_prompts
from scaling_ambiguity.training import online as module
from scaling_ambiguity.training.interrupts import listening
from scaling_ambiguity.training.online import PITCH, SPEED, OnlineStep
from scaling_ambiguity.training.vectors import VectorInputs

ONLINE = {"probability": 0.3, "semitones": 1, "speed": [0.95, 1.05]}


@pytest.fixture
def frozen(alm, gather, settings):
    """Return the training part of the corpus as model inputs."""
    return FrozenInputs(alm, load_prompts(settings.prompts), gather().train, settings.classes, "train")


def test_share_kinds_and_ranges_are_the_published_ones():
    step = OnlineStep(**ONLINE)
    draws = [step.draw(7, number, f"x_{item}") for number in range(100) for item in range(100)]
    altered = [draw for draw in draws if draw is not None]
    # four standard deviations of a binomial
    assert abs(len(altered) / len(draws) - 0.3) < 4 * np.sqrt(0.3 * 0.7 / len(draws))
    pitch, speed = (np.array([value for kind, value in altered if kind == name]) for name in (PITCH, SPEED))
    assert abs(len(pitch) / len(altered) - 0.5) < 4 * np.sqrt(0.25 / len(altered))
    assert (-1 <= pitch.min() < -0.99) and (0.99 < pitch.max() <= 1) and abs(pitch.mean()) < 0.06
    assert (0.95 <= speed.min() < 0.9505) and (1.0495 < speed.max() <= 1.05) and abs(speed.mean() - 1) < 0.003


def test_a_draw_depends_on_seed_step_and_item_alone():
    step = OnlineStep(probability=1.0, semitones=1.0, speed=(0.95, 1.05))
    assert step.draw(1, 2, "a") == OnlineStep(probability=1.0, semitones=1.0, speed=(0.95, 1.05)).draw(1, 2, "a")
    assert len({step.draw(1, 2, "a"), step.draw(2, 2, "a"), step.draw(1, 3, "a"), step.draw(1, 2, "b")}) == 4


def test_altered_clips_are_encoded_by_themselves_and_the_others_are_untouched(frozen, alm):
    step = OnlineStep(probability=0.5, semitones=1.0, speed=(0.8, 1.25))
    rows = list(range(len(frozen)))
    drawn = {row: step.draw(3, 0, frozen.examples.utterances[row]) for row in rows}
    assert {kind for kind, _ in filter(None, drawn.values())} == {PITCH, SPEED} and None in drawn.values()
    for row in rows:
        heard, plain = (found.batch([row])["inputs_embeds"] for found in (step.at(frozen, 3, 0), frozen))
        if drawn[row] is None:
            assert torch.equal(heard, plain)
            continue
        kind, value = drawn[row]
        wave = load_waveform(frozen.examples.paths[row])
        wave = change_pitch(wave, value) if kind == PITCH else change_speed(wave, value)
        audio = encode_audio(alm, [wave])[0]
        expected = frozen.batch([row], {row: audio})["inputs_embeds"]
        assert torch.equal(heard, expected)
        assert heard.shape != plain.shape or not torch.equal(heard, plain)
        text = plain.shape[1] - len(frozen.encode(load_waveform(frozen.examples.paths[row])))
        assert heard.shape[1] - len(audio) == text, "the prompt's words are those of the plain recording"


def test_only_training_clips_are_altered_and_the_training_notices(train, gather, tmp_path, monkeypatch):
    heard = set()

    def noted(path):
        heard.add(path)
        return load_waveform(path)

    monkeypatch.setattr(module, "load_waveform", noted)
    without = train(tmp_path / "without")
    assert not heard
    altered = train(tmp_path / "with", online=ONLINE | {"probability": 1.0})
    parts = gather()
    assert heard and heard <= set(parts.train.paths)
    assert not heard & set(parts.validation.paths + parts.test.paths)
    same = [name for name in without if without[name] == altered[name]]
    assert not [name for name in same if name.endswith((".parquet", "adapter_model.safetensors"))]
    first = [files["run-0/curve.csv"].decode().splitlines()[1].split(",") for files in (without, altered)]
    assert first[0] == first[1], "the validation before the first step hears the recordings as they are"


def test_stopped_and_resumed_it_ends_with_the_same_bytes(train, tmp_path, monkeypatch):
    online = ONLINE | {"probability": 0.6}
    undisturbed = train(tmp_path / "undisturbed", online=online)
    taken, step = [0], torch.optim.AdamW.step

    def stopped(self, *arguments, **options):
        taken[0] += 1
        if taken[0] == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return step(self, *arguments, **options)

    monkeypatch.setattr(torch.optim.AdamW, "step", stopped)
    with listening() as interrupts, pytest.raises(SystemExit):
        train(tmp_path / "again", online=online, interrupts=interrupts)
    assert train(tmp_path / "again", online=online) == undisturbed
    # a state of other settings is not gone on from
    assert train(tmp_path / "other", online=ONLINE) != undisturbed


def test_a_peer_hears_altered_clips(gather, vectors_of, tower):
    part = gather().train
    inputs = VectorInputs(vectors_of(part.utterances, part.paths), part, tower)
    step = OnlineStep(probability=0.5, semitones=1.0, speed=(0.95, 1.05))
    rows = list(range(len(inputs)))
    heard, plain = (found.batch(rows)["features"] for found in (step.at(inputs, 3, 0), inputs))
    drawn = [step.draw(3, 0, name) is not None for name in inputs.examples.utterances]
    assert (heard != plain).any(dim=1).tolist() == drawn and any(drawn) and not all(drawn)
    for row, name in enumerate(inputs.examples.utterances):
        kind, value = step.draw(3, 0, name) or (None, 0.0)
        if kind == PITCH:
            vector = tower().encode(change_pitch(load_waveform(part.paths[row]), value)).astype(np.float16)
            np.testing.assert_array_equal(heard[row], vector.astype(np.float32))
