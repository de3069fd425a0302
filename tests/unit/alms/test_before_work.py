"""What speaks against asking a model is said with its remedy, before any work, and nothing else is."""

import datetime
import json
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from scaling_ambiguity.alms import before_work, preflight
from scaling_ambiguity.alms.before_work import Place, has_class, obstacles, parameters, refusal
from scaling_ambiguity.alms.registry import load_registry, registered, resolve

TODAY = datetime.date(2026, 1, 1)
LAPTOP = Place(local=True, gpus=0, memory_gb=1.0, keys=set(), today=TODAY)
LOGIN = Place(local=False, gpus=0, memory_gb=1.0, keys=set(), today=TODAY)
TINY = {"engine": "transformers", "checkpoint": "resources/models/tiny", "gpus": 0, "trained_on": {}}
SERVER = {"engine": "openai", "model": "m", "revision": "r", "gpus": 0}


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"architectures": ["Qwen2AudioForConditionalGeneration"]}))
    save_file({"a": np.zeros((3, 5), np.float16), "b": np.zeros(7, np.float32)}, folder / "model.safetensors")
    return {"engine": "transformers", "checkpoint": str(folder), "gpus": 0}


def test_nothing_speaks_against_what_the_run_makes_itself_or_what_is_there(model):
    assert obstacles(TINY, None, LAPTOP) == obstacles(model, None, LAPTOP) == []


def test_text_alone_is_not_asked_of_a_model_that_takes_none():
    entry = SERVER | {"base_url": "https://api.openai.com/v1", "model": "gpt-audio-1.5"}
    (reason,) = obstacles(entry, None, LOGIN, False, ["gpt_text"])
    assert "refuses text alone" in reason and "leave gpt_text out of the run (run.annotators" in reason
    assert obstacles(entry, None, LOGIN) == obstacles(entry | {"needs_audio": False}, None, LOGIN, False, ["a"]) == []
    assert obstacles(entry | {"model": "gpt-5"}, None, LOGIN, False, ["a"]) == []
    assert obstacles(SERVER | {"base_url": "https://h/v1", "needs_audio": True}, None, LOGIN, False, ["a"])


def test_labels_are_read_out_of_a_server_that_gives_their_probabilities():
    entry = SERVER | {"base_url": "https://h/v1"}
    (reason,) = obstacles(entry, None, LOGIN, reading=["gpt_readout"])
    assert (
        "mode `readout` of gpt_readout" in reason and "`server: vllm`" in reason and "leave gpt_readout out" in reason
    )
    assert obstacles(entry, None, LOGIN) == obstacles(entry | {"server": "vllm"}, None, LOGIN, reading=["a"]) == []
    served = SERVER | {"serve": {"command": "vllm serve m --port {port}"}}
    assert obstacles(served, None, LOGIN, reading=["a"]) == []


def test_a_gpu_is_missed_on_this_machine_alone(model):
    (reason,) = obstacles(model | {"gpus": 1}, None, LAPTOP)
    assert "asks for 1 GPU, this machine has 0" in reason and "--profile slurm" in reason
    assert obstacles(model | {"gpus": 1}, None, LOGIN) == []


def test_parameters_are_counted_from_the_headers_and_have_to_fit(model):
    assert parameters(Path(model["checkpoint"])) == 22
    (reason,) = obstacles(model, None, Place(True, 0, 1e-7, set(), TODAY))
    assert "of memory without a GPU" in reason
    need = 1.2 * 4 * 22 / 1e9
    assert obstacles(model, None, Place(True, 0, need * 1.001, set(), TODAY)) == []
    assert obstacles(model, None, Place(True, 0, need * 0.999, set(), TODAY))
    assert obstacles(model, None, Place(False, 0, 1e-7, set(), TODAY)) == []
    (Path(model["checkpoint"]) / "broken.safetensors").write_bytes(b"\xff" * 4)
    assert parameters(Path(model["checkpoint"])) == 22


@pytest.mark.parametrize(
    ("config", "words"),
    [(None, "no config.json"), ('{"architectures": ["NoSuchModel"]}', "no class NoSuchModel"), ("{", "cannot be read")],
)
def test_a_folder_that_holds_no_usable_model(model, config, words):
    path = Path(model["checkpoint"]) / "config.json"
    path.unlink() if config is None else path.write_text(config)
    (reason,) = obstacles(model, None, LOGIN)
    assert words in reason


def test_a_folder_that_is_not_there(model):
    for name in (model["checkpoint"] + "2", "models/a/b", "tiny"):
        (reason,) = obstacles(model | {"checkpoint": name}, None, LOGIN)
        assert f"no such model folder: {name}" in reason


def test_a_checkpoint_of_the_hub_offline(model, monkeypatch, tmp_path):
    alm = model | {"checkpoint": "org/model"}
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    assert obstacles(alm, None, LAPTOP) == []
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (reason,) = obstacles(alm, None, LAPTOP)
    assert "was not fetched and HF_HUB_OFFLINE is set" in reason
    (tmp_path / "hub" / "models--org--model").mkdir(parents=True)
    assert obstacles(alm, None, LAPTOP) == []


def test_a_class_is_found_in_the_sources_of_transformers_without_importing_it():
    assert has_class("Qwen2AudioForConditionalGeneration") and has_class("Qwen3OmniMoeThinkerForConditionalGeneration")
    assert not has_class("Qwen2AudioForConditional") and not has_class("none") and not has_class("a b (.*")


def test_a_key_a_server_and_its_program(monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    api = SERVER | {"base_url": "https://api.example.org/v1", "key_env": "EXAMPLE_KEY"}
    assert obstacles(api, None, LOGIN) == ["no key: `export EXAMPLE_KEY=...` before the run"]
    assert obstacles(api, None, Place(True, 0, 1.0, {"EXAMPLE_KEY"}, TODAY)) == []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        here = SERVER | {"base_url": f"http://127.0.0.1:{listener.getsockname()[1]}/v1"}
        assert obstacles(here, None, LAPTOP) == []
    (reason,) = obstacles(here, None, LAPTOP)
    assert "no server at http://127.0.0.1" in reason and obstacles(here, None, LOGIN) == []
    served = {"engine": "openai", "gpus": 0, "checkpoint": "org/model", "serve": {"command": "no_such {port}"}}
    (reason,) = obstacles(served, None, LAPTOP)
    assert "no_such is not installed" in reason and obstacles(served, None, LOGIN) == []
    served["serve"]["command"] = "python serve.py"
    (reason,) = obstacles(served, None, LOGIN)
    assert "has to hold {port}" in reason


def test_a_retired_model_may_still_be_read_from_stored_answers():
    registry = load_registry()
    facts = registry["gemini_2_0_flash"]
    alm = resolve({"registry": "gemini_2_0_flash"}, registry)
    late = Place(True, 0, 1.0, {"GEMINI_API_KEY"}, facts.retires)
    (reason,) = obstacles(alm, facts, late)
    assert f"retired on {facts.retires}" in reason
    assert obstacles(alm, facts, late, has_answers=True) == []
    assert obstacles(alm, facts, Place(True, 0, 1.0, {"GEMINI_API_KEY"}, facts.retires - datetime.timedelta(1))) == []


def test_the_registry_tells_of_packages_and_licences(monkeypatch):
    registry = load_registry()
    facts = replace(registry["voxtral_mini_3b"], gated=True, packages=("no_such_package",), loads_by="NoSuchModel")
    alm = resolve({"registry": "voxtral_mini_3b", "gpus": 0}, registry)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    reasons = " | ".join(obstacles(alm, facts, LAPTOP))
    assert "no class NoSuchModel" in reasons and "pip install no_such_package" in reasons and "HF_TOKEN" in reasons


def test_the_command_for_a_package_that_wants_an_older_numpy_leaves_the_lock_alone(monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    absent, find = ("mistral_common", "peft"), before_work.find_spec
    monkeypatch.setattr(before_work, "find_spec", lambda package: None if package in absent else find(package))
    facts = replace(load_registry()["voxtral_mini_3b"], packages=absent)
    (reason,) = obstacles(resolve({"registry": "voxtral_mini_3b", "gpus": 0}, load_registry()), facts, LAPTOP)
    command = "`pip install --no-deps mistral_common tiktoken pydantic-extra-types pycountry`"
    assert reason == f"not installed: {command} and `pip install peft`"


def test_names_in_the_registry_are_known_before_they_are_resolved():
    config = {"alms": {"a": {"registry": "qwen2_audio_7b"}, "b": TINY, "c": "x"}}
    assert registered(config) == {"a": "qwen2_audio_7b"} and registered({}) == registered({"alms": "x"}) == {}


def test_the_refusal_names_every_entry_and_reason():
    text = refusal({"alms.a": ["one", "two"], "alms.b": [], "encoders.c": ["three"]})
    assert [line.strip() for line in text.splitlines()[1:4]] == ["alms.a: one", "alms.a: two", "encoders.c: three"]
    assert refusal({"b": []}) == ""


def test_looking_imports_no_model_library():
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import scaling_ambiguity.alms.before_work as b;"
        "b.this_place(True); b.has_class('x'); print([m for m in ('torch', 'transformers') if m in sys.modules])"
    )
    scripts = str(Path(before_work.__file__).parents[2])
    result = subprocess.run([sys.executable, "-c", code, scripts], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_what_is_to_be_adapted_is_looked_for_before_any_work(tmp_path):
    names = ("model.layers.0.self_attn.qkv_proj", "model.layers.0.self_attn.o_proj", "model.norm")
    save_file({f"{name}.weight": np.zeros(2, np.float16) for name in names}, tmp_path / "model.safetensors")
    assert before_work.against_training(tmp_path, "attention") == []
    assert before_work.against_training(tmp_path, ["o_proj"]) == []
    (reason,) = before_work.against_training(tmp_path, ["q_proj", "o_proj"])
    assert "no projection q_proj; there are o_proj, qkv_proj, or `attention`" in reason
    assert before_work.against_training(tmp_path / "nothing here yet", ["q_proj"]) == []


def test_every_file_of_the_index_has_to_be_there_and_alone_counts(model, tmp_path, monkeypatch):
    folder = Path(model["checkpoint"])
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    save_file({"a": np.zeros(1000, np.float16)}, folder / "consolidated.safetensors")
    index = {"a": "model-00001-of-00002.safetensors", "c": "model-00002-of-00002.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))
    assert parameters(folder) == 22, "the second copy that no class opens is not counted"
    assert before_work.missing_weights(folder) == ["model-00002-of-00002.safetensors"]
    (reason,) = obstacles(model, None, LOGIN)
    assert "not whole, model-00002-of-00002.safetensors missing" in reason
    (_, (fault,)) = preflight.model_faults(model, None)
    assert "model-00002-of-00002.safetensors missing" in fault
    commit = "a" * 40
    snapshot = tmp_path / "hub" / "models--owner--name" / "snapshots" / commit
    shutil.copytree(folder, snapshot)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    hub_entry = model | {"checkpoint": "owner/name", "revision": commit}
    (_, (fault,)) = preflight.model_faults(hub_entry, None)
    assert "not here whole: model-00002-of-00002.safetensors missing" in fault
    save_file({"c": np.zeros(3, np.float16)}, snapshot / "model-00002-of-00002.safetensors")
    assert preflight.model_faults(hub_entry, None) == (snapshot, [])
    (folder / "model.safetensors.index.json").write_text("{")
    assert before_work.missing_weights(folder) == ["model.safetensors.index.json"]
