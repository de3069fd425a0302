"""The look at a GPU node: every fault is named with its remedy, and nothing is said against a good node."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from scaling_ambiguity.alms.before_work import parameters
from scaling_ambiguity.alms.preflight import (
    Gpu,
    gpu_faults,
    look_at_torch,
    memory_need,
    model_faults,
    scratch_faults,
)
from scaling_ambiguity.alms.registry import load_registry

SCRIPT = Path(__file__).resolve().parents[3] / "workflow" / "scripts" / "check_gpu.py"
GOOD = Gpu("H200", 150.0, 149.0, True, True)
TORCH = "2.13.0 (CUDA 12.8)"


def test_nothing_is_said_against_a_good_node(checkpoint, tmp_path):
    assert gpu_faults(TORCH, [GOOD, GOOD], 2, 100.0) == []
    assert gpu_faults(TORCH, [GOOD], 1, None) == []
    assert model_faults({"checkpoint": str(checkpoint), "gpus": 1}, None) == (checkpoint, [])
    assert model_faults({"engine": "openai", "gpus": 0}, None) == (None, [])
    assert scratch_faults(tmp_path, 0.0) == []


@pytest.mark.parametrize(
    ("gpus", "wanted", "need", "words"),
    [
        ([], 1, None, "sees 0 GPU, 1 asked for: compare the driver"),
        ([GOOD], 2, None, "sees 1 GPU, 2 asked for"),
        ([dataclasses.replace(GOOD, right=False)], 1, None, "multiplies wrongly"),
        ([dataclasses.replace(GOOD, bf16=False)], 1, None, "has no bfloat16"),
        ([GOOD], 1, 200.0, "has 150 GB, the model takes 200: ask for a larger one"),
        ([dataclasses.replace(GOOD, free_gb=10.0)], 1, 20.0, "10 of 150 GB are free, the model takes 20: another"),
    ],
)
def test_each_fault_of_a_gpu_is_named_once(gpus, wanted, need, words):
    found = gpu_faults(TORCH, gpus, wanted, need)
    assert len(found) == 1 and words in found[0]


def test_a_torch_without_cuda_is_told_from_a_job_without_gpu():
    assert "install a build of torch for CUDA" in gpu_faults("2.13.0+cpu (CUDA none)", [], 1, None)[0]


def test_faults_of_the_weights(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert "no model folder" in model_faults({"checkpoint": str(tmp_path), "gpus": 1}, None)[1][0]
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"torn")
    assert "no readable safetensors" in model_faults({"checkpoint": str(tmp_path), "gpus": 1}, None)[1][0]
    hub = {"checkpoint": "nobody/has-this", "revision": "f" * 40, "gpus": 1}
    facts = next(iter(load_registry().values()))
    found = model_faults(hub, dataclasses.replace(facts, gated=False))[1][0]
    assert "is not here, or not whole" in found and "`snakemake fetch_models`" in found and "licence" not in found
    assert "Accept its licence" in model_faults(hub, dataclasses.replace(facts, gated=True))[1][0]


def test_memory_is_that_of_the_weights_or_of_the_registry(checkpoint):
    # 1.2 x 2 bytes x parameters, and 2048 places of keys and values (2 x layers x KV heads x head size) and more
    text = json.loads((checkpoint / "config.json").read_text())["text_config"]
    head = text["hidden_size"] // text["num_attention_heads"]
    kept = 2 * text["num_hidden_layers"] * text["num_key_value_heads"] * head
    passing = 16 * text["hidden_size"] + 3 * text["intermediate_size"]
    weights, working = 2.4 * parameters(checkpoint) / 1e9, 2048 * 2 * (kept + passing) / 1e9
    assert memory_need(checkpoint, None) == pytest.approx(weights + working) and working > 0
    assert memory_need(checkpoint, None, gpus=2, served=True) == pytest.approx(weights / 2)
    facts = dataclasses.replace(load_registry()["qwen2_audio_7b"], parameters=10, gpu_memory_gb="not known")
    assert memory_need(None, facts) == pytest.approx(24)
    assert memory_need(None, facts, gpus=4) == pytest.approx(24), "one process holds it on one GPU"
    assert memory_need(None, facts, gpus=4, served=True) == pytest.approx(6)
    assert memory_need(None, None) is None


def test_faults_of_the_scratch_folder(tmp_path):
    assert "not writable" in scratch_faults(tmp_path / "absent")[0]
    assert "make room or set SA_SCRATCH" in scratch_faults(tmp_path, 1e9)[0]


def check(checkpoint, folder, gpus):
    alm = {"engine": "transformers", "checkpoint": str(checkpoint), "gpus": gpus}
    return subprocess.run(
        [sys.executable, str(SCRIPT), "--name", "big", "--alm", json.dumps(alm), "--output", str(folder / "gpu.json")],
        capture_output=True,
        text=True,
        env=os.environ,
        timeout=120,
        check=False,
    )


def test_the_program_on_this_machine(checkpoint, tmp_path):
    """Where there is a GPU it has to be found fit; where there is none, the message says so and nothing is written."""
    result = check(checkpoint, tmp_path, 1)
    if torch.cuda.is_available():
        assert result.returncode == 0, result.stderr
        assert json.loads((tmp_path / "gpu.json").read_text())["gpus"][0]["right"]
    else:
        assert result.returncode == 1 and "error: alms.big cannot work on" in result.stderr
        assert "sees 0 GPU, 1 asked for" in result.stderr and "Traceback" not in result.stderr
        assert not (tmp_path / "gpu.json").exists()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
def test_a_gpu_computes_as_the_cpu_does():
    version, gpus = look_at_torch()
    assert "CUDA none" not in version and gpus and all(gpu.right and 0 < gpu.free_gb <= gpu.memory_gb for gpu in gpus)
