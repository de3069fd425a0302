"""What a training leaves: a record, a curve, a card, and an exported folder that peft opens."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest
import torch
from peft import PeftModel

from scaling_ambiguity.alms.loading import load_alm
from scaling_ambiguity.alms.scoring import label_log_probabilities
from scaling_ambiguity.code_identity import SCRIPTS
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.finetuning.export import check_safetensors
from scaling_ambiguity.finetuning.inputs import FrozenInputs
from scaling_ambiguity.proxies.prompts import load_prompts
from scaling_ambiguity.tables.predictions import PREDICTIONS
from scaling_ambiguity.training.artifacts import git_commit
from scaling_ambiguity.training.curve import draw_curve

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_record_and_card(train, tmp_path, settings, checkpoint):
    train(tmp_path)
    record = json.loads((tmp_path / "run-1/run.json").read_text())
    assert record["device"] == "cpu" and record["classes"] == settings.classes and record["loss"] == "nll"
    assert len(record["code"]) == 16 and record["checkpoint"] == str(checkpoint)
    assert record["git_commit"] is None or len(record["git_commit"]) == 40
    assert set(record["versions"]) >= {"torch", "transformers", "peft", "accelerate", "python"}
    assert record["seconds"] > 0 and len(record["data_fingerprint"]) == len(record["training_fingerprint"]) == 64
    card = (tmp_path / "run-1/README.md").read_text()
    for text in (record["checkpoint"], record["data_fingerprint"], "12 for train, 4 for validation, 4 for test"):
        assert text in card
    assert f"{record['trainable_parameters']:,} trained parameters, 6 steps" in card


def test_exported_folder_opens_with_peft(train, run, tmp_path, gather, checkpoint, settings):
    settings.options["learning_rate"] = 0.05
    train(tmp_path / "runs")
    script = str(SCRIPTS / "export_adapter.py")
    runs = [str(tmp_path / f"runs/run-{seed}") for seed in (0, 1)]
    run([script, "--runs", *runs, "--below", str(tmp_path / "runs"), "--output", str(tmp_path / "out")])
    folder = tmp_path / "out/run-1"
    alm = load_alm(checkpoint, device="cpu")
    inputs = FrozenInputs(alm, load_prompts(settings.prompts), gather().test, settings.classes, "test")

    def said():
        with torch.inference_mode():
            return label_log_probabilities(alm, inputs.batch([0, 1, 2, 3]), settings.classes).exp().numpy()

    bare = said()
    PeftModel.from_pretrained(alm.model, folder)
    table = PREDICTIONS.read(tmp_path / "runs/seed-1.parquet").filter(like="p_").to_numpy()
    np.testing.assert_allclose(said(), table, atol=1e-6)
    assert np.abs(bare - table).max() > 1e-3, "the adapter does something"
    sums = [line.split("  ") for line in (folder / "SHA256SUMS").read_text().splitlines()]
    names = {name for _, name in sums}
    assert names == {path.name for path in folder.iterdir()} - {"SHA256SUMS"}
    assert names >= {"adapter_model.safetensors", "adapter_config.json", "README.md", "run.json", "curve.png"}
    for digest, name in sums:
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    config = json.loads((folder / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(checkpoint) and config["revision"] is None


def test_damaged_adapter_is_not_exported(train, run, tmp_path):
    train(tmp_path / "runs")
    weights = tmp_path / "runs/run-0/adapter/adapter_model.safetensors"
    check_safetensors(weights)
    weights.write_bytes(weights.read_bytes()[:-4])
    command = [str(SCRIPTS / "export_adapter.py"), "--runs", str(tmp_path / "runs/run-0")]
    command += ["--below", str(tmp_path / "runs"), "--output", str(tmp_path / "out")]
    assert "expected. Remove its folder" in run(command, expected=1)
    assert not (tmp_path / "out").exists()
    assert "fine-tunes nothing" in run([command[0], *command[3:]], expected=1)
    weights.write_bytes(b"torn")
    with pytest.raises(UserError, match="not a safetensors file"):
        check_safetensors(weights)


def test_curve_is_drawn_the_same_twice(tmp_path):
    nan = float("nan")
    curve = pd.DataFrame({"step": [0, 5, 10], "train_loss": [nan, 1.2, 1.0], "validation_loss": [1.4, 1.1, 1.3]})
    draw_curve(curve, 5, tmp_path / "a.png")
    draw_curve(curve, 5, tmp_path / "b.png")
    draw_curve(curve.assign(train_loss=[nan, 1.2, 1.1]), 5, tmp_path / "c.png")
    a, b, c = ((tmp_path / f"{name}.png").read_bytes() for name in "abc")
    assert a == b != c and a.startswith(b"\x89PNG")


def test_commit_is_read_from_gits_own_files(tmp_path):
    deep = tmp_path / "repository/workflow/scripts"
    deep.mkdir(parents=True)
    git = tmp_path / "repository/.git"
    (git / "refs/heads").mkdir(parents=True)
    (git / "HEAD").write_text(f"{COMMIT}\n")
    assert git_commit(deep) == COMMIT
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    assert git_commit(deep) is None, "no commit yet"
    (git / "packed-refs").write_text(f"# pack-refs\n{COMMIT} refs/heads/main\n{COMMIT[::-1]} refs/heads/mainline\n")
    assert git_commit(deep) == COMMIT
    (git / "refs/heads/main").write_text(COMMIT[::-1] + "\n")
    assert git_commit(deep) == COMMIT[::-1]
    (git / "worktrees/side").mkdir(parents=True)
    (git / "worktrees/side/HEAD").write_text("ref: refs/heads/main\n")
    (git / "worktrees/side/commondir").write_text("../..\n")
    (tmp_path / "side").mkdir()
    (tmp_path / "side/.git").write_text(f"gitdir: {git}/worktrees/side\n")
    assert git_commit(tmp_path / "side") == COMMIT[::-1]
