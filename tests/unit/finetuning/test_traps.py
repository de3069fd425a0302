"""What went wrong in published code and must not here: clips that reach no batch, other prompts, a loss that stays."""

import numpy as np
import pytest
import soundfile
import torch

from scaling_ambiguity.training.examples import Examples
from scaling_ambiguity.training.loop import Training, train_seed
from scaling_ambiguity.training.options import TrainingOptions
from scaling_ambiguity.training.schedule import Batches


@pytest.fixture
def opened(trainee, settings):
    settings.options["lora"] |= {"dropout": 0.0, "r": 8}
    return trainee()


@pytest.fixture
def inputs(opened, tmp_path):
    """Thirty-two tones of four pitches; every pitch has its own distribution, so the floor of the loss is known."""
    laws = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8], [0.4, 0.3, 0.3]])
    time, paths = np.arange(6400) / 16_000, []
    for item in range(32):
        paths.append(tmp_path / f"{item:02d}.wav")
        tone = np.sin(2 * np.pi * (200, 600, 1500, 3500)[item % 4] * time + item)
        soundfile.write(paths[-1], 0.2 * tone, 16_000)
    names = [path.stem for path in paths]
    examples = Examples(names, paths, ["It is late."] * 32, laws[np.arange(32) % 4])
    return opened.inputs(examples, "tones")


@pytest.fixture
def seen(opened, monkeypatch):
    """Collect the inputs of every forward pass of a training."""
    collected = []
    whole = opened.log_distributions

    def noted(batch):
        collected.append(batch | {"learns": torch.is_grad_enabled()})
        return whole(batch)

    monkeypatch.setattr(opened, "log_distributions", noted)
    return collected


def learn(opened, inputs, settings, tmp_path, **options):
    changed = settings.options | {"batch": 8, "learning_rate": 0.02, "clip": 5.0} | options
    training = Training(TrainingOptions(**changed), seed=4, state=tmp_path / "state", fingerprint="traps")
    return train_seed(opened, inputs, inputs, training)


def test_loss_falls_to_the_entropy_of_the_labels(opened, inputs, settings, tmp_path):
    targets = inputs.examples.targets
    floor = -(targets * np.log(targets)).sum(1).mean()
    prior = targets.mean(0)
    by_prior = -(targets * np.log(prior)).sum(1).mean()
    trained = learn(opened, inputs, settings, tmp_path, steps=150, evaluate_every=50)
    best = min(row["validation_loss"] for row in trained.curve)
    assert floor - 1e-6 <= best < floor + 0.1 * (by_prior - floor), (floor, best, by_prior)


def test_clips_are_in_every_batch(opened, inputs, settings, tmp_path, seen):
    learn(opened, inputs, settings, tmp_path, steps=6, evaluate_every=2)
    batches = Batches(inputs.examples.utterances, 8, 4)
    trained = [batch for batch in seen if batch["learns"]][2:]  # the estimate of memory comes first
    assert len(trained) == 6
    for step, batch in enumerate(trained):
        for row, embeds in zip(batches.rows(step), batch["inputs_embeds"], strict=True):
            clip = inputs._audio[row]
            windows = embeds.unfold(0, len(clip), 1).transpose(1, 2)
            there = (windows == clip).flatten(1).all(1)
            assert int(there.sum()) == 1, "this very clip stands in its prompt, once"


def test_presented_alike_in_training_and_evaluation(opened, inputs, settings, tmp_path, seen):
    learn(opened, inputs, settings, tmp_path, steps=4, evaluate_every=4)
    judged = next(batch for batch in seen if not batch["learns"] and len(batch["inputs_embeds"]) == 32)
    batches = Batches(inputs.examples.utterances, 8, 4)
    trained = [batch for batch in seen if batch["learns"]][2:]
    for step, batch in enumerate(trained):
        for place, row in enumerate(batches.rows(step)):
            for key in ("inputs_embeds", "position_ids"):
                one = batch[key][place][batch["attention_mask"][place].bool()]
                other = judged[key][row][judged["attention_mask"][row].bool()]
                assert torch.equal(one, other), "token by token, padding apart"
    assert {row for step in range(4) for row in batches.rows(step)} == set(range(32))


def test_configured_sampler_is_the_one_in_use(opened, inputs, settings, tmp_path, seen):
    """Grouped by length, a batch of two lengths would show in its padding."""
    inputs._texts = [text + " late" * (30 if row % 2 else 0) for row, text in enumerate(inputs._texts)]

    def padding(**execution):
        del seen[:]
        learn(opened, inputs, settings, tmp_path / str(len(execution)), steps=4, evaluate_every=4, execution=execution)
        return sum(int((batch["attention_mask"] == 0).sum()) for batch in seen if batch["learns"])

    assert padding() > 0
    assert padding(group_by_length=True) == 0
