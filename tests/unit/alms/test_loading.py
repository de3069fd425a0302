import json
import shutil

import pytest

from scaling_ambiguity.alms.loading import folder_revision, load_alm
from scaling_ambiguity.errors import UserError


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
