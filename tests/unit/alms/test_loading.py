import json
import shutil
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from scaling_ambiguity.alms import loading
from scaling_ambiguity.alms.engines.transformers import open_engine
from scaling_ambiguity.alms.loading import folder_revision, load_alm
from scaling_ambiguity.encoders.alm_tower import Tower
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.finetuning.lora import open_base
from scaling_ambiguity.training.options import Execution, TrainingOptions

sys.path.insert(0, str(Path(__file__).resolve().parent))

from families import FAMILIES, open_family


def test_it_is_a_real_qwen2_audio(alm):
    assert type(alm.model).__name__ == "Qwen2AudioForConditionalGeneration"
    assert type(alm.processor).__name__ == "Qwen2AudioProcessor"
    assert alm.tokenizer.padding_side == "left" and not alm.model.training


def test_revision_is_of_the_content_not_of_the_place(alm, checkpoint, tmp_path):
    copy = shutil.copytree(checkpoint, tmp_path / "copy")
    assert folder_revision(copy) == alm.revision
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"changed": True}))
    assert folder_revision(copy) != alm.revision


def test_missing_checkpoints_are_user_errors(tmp_path):
    for name in (tmp_path / "none", "resources/models/nowhere"):
        with pytest.raises(UserError, match="no such model folder"):
            load_alm(name)
    with pytest.raises(UserError, match=r"no config\.json"):
        load_alm(tmp_path)


def test_weights_other_than_safetensors_are_refused(checkpoint, tmp_path):
    copy = shutil.copytree(checkpoint, tmp_path / "copy")
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(UserError, match="cannot be opened"):
        load_alm(copy)


def places_of(model) -> set[str]:
    tensors = [*model.parameters(), *model.buffers()]
    assert len(tensors) > 20
    return {tensor.device.type for tensor in tensors}


WAYS = {
    "annotator": lambda entry: open_engine(entry).alm,
    "encoder of clips (encode_audio)": lambda entry: load_alm(entry["checkpoint"]),
    "trainee": lambda entry: open_base(entry, TrainingOptions.model_construct(execution=Execution(), quantised=None)),
    "tower of an ALM": lambda entry: Tower(entry)._alm,
}


@pytest.mark.parametrize("way", WAYS)
def test_all_weights_reach_the_device_whichever_way_a_model_is_opened(checkpoint, monkeypatch, way):
    monkeypatch.setattr(loading, "default_device", lambda: torch.device("meta"))
    alm = WAYS[way]({"checkpoint": str(checkpoint)})
    assert alm.device.type == "meta" and places_of(alm.model) == {"meta"}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_reaches_the_device_that_is_asked_for(family, tmp_path_factory):
    folder = open_family(family, tmp_path_factory).model.config.name_or_path
    assert places_of(load_alm(folder, device="meta").model) == {"meta"}
    assert places_of(load_alm(folder, device="meta", placed=False).model) == {"cpu"}, "for the caller to place"


def altered(checkpoint, folder, change) -> Path:
    """Return a copy of a checkpoint whose tensors were changed."""
    copy = shutil.copytree(checkpoint, folder)
    tensors = load_file(copy / "model.safetensors")
    change(tensors)
    save_file(tensors, copy / "model.safetensors", {"format": "pt"})
    return copy


def test_weights_that_the_files_lack_are_refused_by_name(checkpoint, tmp_path):
    def lose(tensors):
        lost = [name for name in tensors if "multi_modal_projector" in name or name.endswith("lm_head.weight")]
        assert len(lost) == 3
        for name in lost:
            del tensors[name]

    with pytest.raises(UserError, match=r"lm_head\.weight is missing; .*multi_modal_projector.* is missing"):
        load_alm(altered(checkpoint, tmp_path / "lost", lose), device="cpu")


def test_weights_of_another_shape_are_refused_by_name(checkpoint, tmp_path):
    def cut(tensors):
        name = next(name for name in tensors if name.endswith("norm.weight") and "language_model" in name)
        tensors[name] = tensors[name][:-1].clone()

    with pytest.raises(UserError, match=r"norm\.weight is \(\d+,\) in the files and \(\d+,\) in the model"):
        load_alm(altered(checkpoint, tmp_path / "cut", cut), device="cpu")


def test_a_torn_file_is_refused(checkpoint, tmp_path):
    copy = shutil.copytree(checkpoint, tmp_path / "torn")
    whole = (copy / "model.safetensors").read_bytes()
    (copy / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="cannot be opened"):
        load_alm(copy, device="cpu")


def test_parts_that_are_not_opened_may_lie_beside(checkpoint, tmp_path):
    def add(tensors):
        tensors["talker.model.norm.weight"] = torch.ones(3)

    assert load_alm(altered(checkpoint, tmp_path / "talker", add), device="cpu").model is not None


@pytest.mark.filterwarnings("ignore:.*has no speech-lora")
def test_tied_weights_are_not_missing(tmp_path, tmp_path_factory):
    def tie(tensors):
        del tensors["lm_head.weight"]

    plain = open_family("phi4_multimodal", tmp_path_factory).model.config.name_or_path
    copy = altered(plain, tmp_path / "tied", tie)
    with pytest.raises(UserError, match=r"lm_head\.weight is missing"):
        load_alm(copy, device="cpu")
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"tie_word_embeddings": True}))
    model = load_alm(copy, device="cpu").model
    assert torch.equal(model.lm_head.weight, model.get_input_embeddings().weight)


def test_a_programming_error_is_not_blamed_on_the_checkpoint(checkpoint, monkeypatch):
    def broken(_):
        raise ValueError("a bug of this library")

    monkeypatch.setattr(loading, "folder_revision", broken)
    with pytest.raises(ValueError, match="a bug of this library"):
        load_alm(checkpoint, device="cpu")
