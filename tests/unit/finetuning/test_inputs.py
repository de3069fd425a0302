"""The audio reaches the loss, and an utterance is presented alike in training and in evaluation."""

import pytest
import soundfile
import torch

from scaling_ambiguity.alms.scoring import label_log_probabilities
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.finetuning.adapter import Adapter
from scaling_ambiguity.finetuning.inputs import FrozenInputs
from scaling_ambiguity.finetuning.shortcut import last_position_only
from scaling_ambiguity.proxies.prompts import load_prompts
from scaling_ambiguity.training.examples import Examples
from scaling_ambiguity.training.losses import choose_loss, nll
from scaling_ambiguity.training.options import Lora
from scaling_ambiguity.training.vectors import VectorInputs


@pytest.fixture
def frozen(alm, gather, settings):
    def make(examples):
        return FrozenInputs(alm, load_prompts(settings.prompts), examples, settings.classes, "test")

    return make


def test_audio_changes_the_loss_and_its_gradient(alm, gather, settings, frozen):
    inputs = frozen(gather().train)
    adapter = Adapter(alm, Lora(**settings.options["lora"]))
    adapter.reset(1)
    rows = list(range(12))

    def loss_and_gradient():
        loss = nll(label_log_probabilities(alm, inputs.batch(rows), settings.classes), inputs.targets(rows)).mean()
        gradient = torch.autograd.grad(loss, adapter.parameters, allow_unused=False)
        return loss.item(), torch.cat([part.flatten() for part in gradient])

    loss, gradient = loss_and_gradient()
    assert loss_and_gradient()[0] == loss
    inputs._audio = inputs._audio[::-1]
    shuffled, other = loss_and_gradient()
    assert abs(shuffled - loss) > 1e-6
    assert not torch.allclose(gradient, other)


def test_training_and_evaluation_inputs_are_equal(gather, frozen, alm, settings):
    part = gather().train
    unlabelled = Examples(part.utterances[3:4], part.paths[3:4], part.transcripts[3:4], None)
    trained, judged = frozen(part).batch([3]), frozen(unlabelled).batch([0])
    for key in trained:
        torch.testing.assert_close(trained[key], judged[key], rtol=0, atol=1e-6)
    with torch.inference_mode():
        alone = label_log_probabilities(alm, judged, settings.classes)
        among = label_log_probabilities(alm, frozen(part).batch(list(range(12))), settings.classes)[3:4]
    torch.testing.assert_close(alone, among, rtol=0, atol=1e-5)


def test_test_part_has_no_targets(gather, frozen):
    with pytest.raises(ValueError, match="no targets"):
        frozen(gather().test).targets([0])


def test_no_audio(frozen):
    with pytest.raises(UserError, match="u1"):
        frozen(Examples(["u1"], [None], ["words"], None))


def test_clips_without_audio_tokens_are_all_named_before_any_training(frozen, gather, vectors_of, tower, tmp_path):
    part, short = gather().train, tmp_path / "short.wav"
    soundfile.write(short, [0.1, -0.1] * 80, 16_000)
    paths = [short, part.paths[1], short]
    examples = Examples(["u1", "u2", "u3"], paths, ["words"] * 3, None)
    with pytest.raises(UserError, match=r"utterances u1, u3: the clip is too short .*160 samples"):
        frozen(examples)
    vectors = vectors_of(examples.utterances, paths)
    with pytest.raises(UserError, match=r"utterances u1, u3: the clip is too short .*160 samples"):
        VectorInputs(vectors, examples, tower)


def test_only_the_language_model_is_trained(alm, settings):
    adapter = Adapter(alm, Lora(**settings.options["lora"]))
    trained = [name for name, parameter in adapter.module.named_parameters() if parameter.requires_grad]
    assert len(trained) == 2 * 4 * alm.model.config.text_config.num_hidden_layers
    assert all("language_model" in name and "lora_" in name for name in trained)


def test_dropout_is_the_adapters_alone(alm, settings):
    adapter = Adapter(alm, Lora(**settings.options["lora"]))
    adapter.train(True)
    names = [name for name, module in adapter.module.named_modules() if module.training]
    assert names and all("lora_dropout" in name for name in names)


def test_shortcut_is_exact(alm, gather, settings, frozen):
    inputs = frozen(gather().train)
    adapter = Adapter(alm, Lora(**settings.options["lora"]))
    adapter.reset(1)

    def outcome():
        logp = label_log_probabilities(alm, inputs.batch([0, 5, 7]), settings.classes)
        return logp.detach(), torch.autograd.grad(nll(logp, inputs.targets([0, 5, 7])).mean(), adapter.parameters)

    whole = outcome()
    with last_position_only(alm, settings.classes):  # a handle: removed at the end
        short = outcome()
        again = outcome()
    torch.testing.assert_close(short, whole, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(again, short, rtol=0, atol=0)
    torch.testing.assert_close(outcome(), whole, rtol=0, atol=0)


def test_shortcut_leaves_long_labels_alone(alm, gather, frozen):
    labels = ["neutral", "happy", "an unheard-of feeling"]
    inputs = frozen(gather().test)
    with torch.inference_mode():
        whole = label_log_probabilities(alm, inputs.batch([0, 1]), labels)
        assert last_position_only(alm, labels) is None
        torch.testing.assert_close(label_log_probabilities(alm, inputs.batch([0, 1]), labels), whole, rtol=0, atol=0)


def test_loss_formula():
    q, p = torch.tensor([[0.5, 0.25, 0.25]]), torch.tensor([[0.5, 0.5, 0.0]])
    assert nll(q.log(), p).mean().item() == pytest.approx(0.5 * 0.693147 + 0.5 * 1.386294, abs=1e-5)


@pytest.mark.parametrize("protocol", [{"head": "attention", "loss": "nll"}, {"head": "labels", "loss": "mse"}])
def test_unknown_loss(protocol):
    with pytest.raises(UserError, match="accepted"):
        choose_loss(protocol)
