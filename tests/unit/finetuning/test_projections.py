"""Every family can be fine-tuned: the language model's own projections, found by the object."""

import shutil
import sys
import warnings
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model

sys.path.insert(0, str(Path(__file__).parents[1] / "alms"))
from families import CLASSES, FAMILIES, ask, noise, open_family

from scaling_ambiguity.alms.families.known import family_of
from scaling_ambiguity.alms.inputs import embed_prompts, encode_audio
from scaling_ambiguity.alms.loading import load_alm
from scaling_ambiguity.alms.parts import parts
from scaling_ambiguity.alms.scoring import label_log_probabilities
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.finetuning.adapter import Adapter
from scaling_ambiguity.finetuning.projections import ATTENTION, projections, untrainable
from scaling_ambiguity.training.options import Lora

LORA = {"r": 2, "alpha": 4, "dropout": 0.0, "targets": ATTENTION}


def fresh(name, tmp_path_factory):
    """Return a model that is this test's own: an adapter stays in what it was injected into."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load_alm(open_family(name, tmp_path_factory).model.config._name_or_path, device="cpu")


@pytest.fixture(params=FAMILIES)
def family(request):
    return request.param


def test_training_lowers_the_loss_and_leaves_what_hears(family, tmp_path_factory, tmp_path):
    alm = fresh(family, tmp_path_factory)
    frozen = {name: value.clone() for name, value in alm.model.state_dict().items()}
    adapter = Adapter(alm, Lora(**LORA))
    adapter.reset(1)
    own = parts(adapter.module)
    layers = len(own.language_model.layers)
    assert len(adapter.parameters) == 2 * layers * len(family_of(adapter.module).attention)
    hearing = {id(p) for part in (own.audio_tower, own.projector) for p in part.parameters()}
    assert not hearing & {id(p) for p in adapter.parameters}
    inside = {id(p) for p in own.language_model.layers.parameters()}
    assert {id(p) for p in adapter.parameters} <= inside
    clips = encode_audio(alm, [noise(3, 1.0), noise(4, 0.7)])
    inputs = embed_prompts(alm, [ask(alm, "tone", "look"), ask(alm, "words", "so, she left")], clips)
    right = torch.tensor([0, 2])

    def loss():
        return torch.nn.functional.nll_loss(label_log_probabilities(alm, inputs, CLASSES), right)

    optimiser = torch.optim.Adam(adapter.parameters, 1e-3)
    before = loss()
    for _ in range(3):  # B is zero at first, A learns from the second step on
        optimiser.zero_grad()
        loss().backward()
        optimiser.step()
    after = loss()
    assert after < before
    for name, parameter in adapter.module.named_parameters():
        if not parameter.requires_grad:
            assert torch.equal(parameter, frozen[name.removeprefix("base_model.model.").replace(".base_layer", "")])
    adapter.save(tmp_path / "adapter")
    again = fresh(family, tmp_path_factory)
    PeftModel.from_pretrained(again.model, tmp_path / "adapter")
    found = torch.nn.functional.nll_loss(label_log_probabilities(again, inputs, CLASSES), right)
    assert found.item() == pytest.approx(after.item(), abs=1e-5)


def test_every_target_has_to_be_there(family, tmp_path_factory):
    alm = open_family(family, tmp_path_factory)
    with pytest.raises(UserError, match=r"no projection nosuch_proj; it has .*o_proj"):
        Adapter(alm, Lora(**LORA | {"targets": ["o_proj", "nosuch_proj"]}))


def test_what_can_be_trained_is_known_without_weights(family, tmp_path_factory):
    folder = open_family(family, tmp_path_factory).model.config._name_or_path
    assert untrainable(folder, ATTENTION) == ""
    assert "no projection nosuch_proj" in untrainable(folder, ["nosuch_proj"])


def test_projections_are_those_of_the_language_model(tmp_path_factory):
    assert set(projections(open_family("phi4_multimodal", tmp_path_factory).model)) == {
        "qkv_proj", "o_proj", "gate_up_proj", "down_proj",
    }  # fmt: skip
    paths = [p for found in projections(open_family("qwen3_omni", tmp_path_factory).model).values() for p in found]
    assert paths and not [path for path in paths if path.startswith("audio_tower") or "visual" in path]


@pytest.mark.parametrize("name", ["phi4_multimodal", "granite_speech"])
def test_the_checkpoints_own_adapter_stays_on_and_as_it_is(name, tmp_path_factory, tmp_path, capfd):
    plain = fresh(name, tmp_path_factory)
    folder = shutil.copytree(plain.model.config._name_or_path, tmp_path / "adapted")
    targets = r".*layers\.\d+\.self_attn\.o_proj"
    tuned = get_peft_model(plain.model, LoraConfig(r=4, lora_alpha=64, target_modules=targets, init_lora_weights=False))
    tuned.save_pretrained(folder / "speech-lora" if name == "phi4_multimodal" else folder)
    if name == "granite_speech":
        assert "default" in load_alm(folder, device="cpu").model.peft_config, "the name that ours would have"
    capfd.readouterr()
    alm = load_alm(folder, device="cpu")
    assert "MISSING" not in capfd.readouterr().err
    inputs = embed_prompts(alm, [ask(alm, "tone", "look")], encode_audio(alm, [noise(3, 1.0)]))
    before = label_log_probabilities(alm, inputs, CLASSES).detach()
    own = {key: value.clone() for key, value in alm.model.state_dict().items() if "lora_" in key}
    assert own
    adapter = Adapter(alm, Lora(**LORA))
    adapter.reset(1)
    found = label_log_probabilities(alm, inputs, CLASSES)
    assert torch.allclose(found, before, atol=1e-6), "a fresh adapter changes nothing, and the checkpoint's own is on"
    found[0, 0].backward()
    assert any(parameter.grad.abs().sum() > 0 for parameter in adapter.parameters)
    for key, parameter in adapter.module.named_parameters():
        path = key.removeprefix("base_model.model.")
        assert path not in own or not parameter.requires_grad
    adapter.save(tmp_path / "adapter")
    assert sorted(path.name for path in (tmp_path / "adapter").iterdir()) == [
        "adapter_config.json", "adapter_model.safetensors",
    ]  # fmt: skip
