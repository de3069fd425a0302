"""A job asks for as much main memory as the weights it opens take, by what is known of them beforehand."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from scaling_ambiguity.alms.main_memory import ASSUMED, main_memory_mb
from scaling_ambiguity.alms.registry import load_registry, resolve

REGISTRY = load_registry()
QWEN = resolve({"registry": "qwen2_audio_7b"}, REGISTRY)
FACTS = REGISTRY["qwen2_audio_7b"]


@pytest.fixture
def folder(tmp_path):
    """Write a checkpoint of 2.5 million parameters, in two files."""
    (tmp_path / "config.json").write_text(json.dumps({"architectures": ["Qwen2AudioForConditionalGeneration"]}))
    for number, rows in enumerate((1500, 1000)):
        save_file({f"weight{number}": np.zeros((rows, 1000), np.float16)}, tmp_path / f"model-{number}.safetensors")
    return {"engine": "transformers", "checkpoint": str(tmp_path), "gpus": 0}


@pytest.fixture
def nothing_fetched(tmp_path, monkeypatch):
    """Point the hub's client to an empty cache."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))


def test_of_the_registry():
    """8.4 billion parameters: 2 bytes each for a GPU, 4 without, and a fifth beside."""
    assert FACTS.parameters == 8.4 and QWEN["gpus"] == 1
    assert main_memory_mb(QWEN, FACTS) == 4000 + 20_160
    assert main_memory_mb(QWEN | {"gpus": 0}, FACTS) == 4000 + 40_320
    assert main_memory_mb(QWEN, FACTS, copies=2, beside=12_000) == 12_000 + 40_320


def test_of_the_files_where_they_are(folder):
    assert main_memory_mb(folder, None) == 4000 + 12
    assert main_memory_mb(folder | {"gpus": 2}, FACTS, copies=3) == 4000 + 18


def test_on_the_cpu_keys_and_values_of_a_prompt_come_on_top(folder):
    layer = "language_model.model.layers.{}.self_attn.{}_proj.weight"
    shapes = {layer.format(n, k): np.zeros((500, 1), np.float16) for n in range(2) for k in "kv"}
    save_file(shapes, Path(folder["checkpoint"]) / "model-2.safetensors")
    # 2 layers x (500 keys + 500 values) x 4 bytes x 2048 places, and 2000 parameters more
    assert main_memory_mb(folder, None) == 4000 + math.ceil(12.0096 + 2 * 1000 * 4 * 2048 / 1e6)


def test_where_nothing_is_known_as_much_as_the_usual_model(nothing_fetched):
    unknown = {"engine": "transformers", "checkpoint": "somebody/something", "gpus": 1}
    assert main_memory_mb(unknown, None) == 4000 + 1.2 * 2 * ASSUMED / 1e6
    assert main_memory_mb(QWEN, replace(FACTS, parameters="not known")) == main_memory_mb(unknown, None)


def test_who_opens_no_weights_asks_for_none():
    assert main_memory_mb({"engine": "openai", "base_url": "https://x", "gpus": 0}, FACTS) == 4000
    assert main_memory_mb({"engine": "replay", "gpus": 0}, None, copies=2, beside=1) == 1
    assert main_memory_mb({"engine": "transformers", "checkpoint": "x", "gpus": 0, "trained_on": {}}, None) == 4000
    served = {"engine": "openai", "serve": {"command": "vllm serve"}, "checkpoint": "a/b", "gpus": 1}
    assert main_memory_mb(served, FACTS) == 4000 + 20_160
