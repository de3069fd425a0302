"""The registry of models: complete, sourced, resolved as said, and honest about what cannot run here."""

import datetime
import re
import socket
import subprocess
import sys
from dataclasses import replace

import pandas as pd
import pytest
import yaml

from scaling_ambiguity.alms.availability import Machine, conditions, needed_gb, reasons_against, this_machine
from scaling_ambiguity.alms.engines.openai import open_engine
from scaling_ambiguity.alms.registry import REGISTRY, load_registry, resolve, resolve_all
from scaling_ambiguity.alms.registry_text import costs, listing
from scaling_ambiguity.code_identity import SCRIPTS
from scaling_ambiguity.configuration.checked import checked_config
from scaling_ambiguity.errors import UserError

EIGHT = {
    "qwen2_audio_7b",
    "qwen2_5_omni_7b",
    "audio_flamingo_2",
    "ultravox_v0_3",
    "ultravox_v0_4",
    "gpt_4o_audio",
    "gemini_2_0_flash",
    "gemini_2_5_pro",
}


@pytest.fixture(scope="module")
def registry():
    return load_registry()


@pytest.fixture
def machine(registry):
    """Return a machine on which everything runs."""
    return Machine(
        gpus_gb=(141.0,),
        memory_gb=900.0,
        classes={entry.loads_by for entry in registry.values()},
        imports=lambda package: True,
        engines={"transformers", "openai"},
        keys={"OPENAI_API_KEY", "GEMINI_API_KEY", "DASHSCOPE_API_KEY", "HF_TOKEN"},
        answers=lambda url: True,
        holds=lambda checkpoint: True,
        today=datetime.date(2026, 1, 1),
    )


def test_the_benchmarks_eight_and_todays(registry):
    assert {key for key, entry in registry.items() if entry.of == "benchmark"} == EIGHT
    assert {entry.of for entry in registry.values()} == {"benchmark", "today"} and len(registry) == 21
    assert all(entry.sources for entry in registry.values())


def test_models_that_this_process_loads_have_a_class_of_the_installed_transformers(registry):
    classes = this_machine().classes
    for entry in registry.values():
        assert (entry.engine == "transformers") == (entry.loads_by != "none")
        assert entry.engine != "transformers" or entry.loads_by in classes, entry.key


def test_models_of_a_hub_are_pinned_by_a_commit_with_its_source_or_say_what_to_give(registry):
    for entry in registry.values():
        if entry.engine == "transformers" and entry.revision != "not known":
            assert re.fullmatch("[0-9a-f]{40}", entry.revision), entry.key
            assert any(source.startswith("commit: ") for source in entry.sources), entry.key
        elif entry.engine == "transformers":
            assert any("ive `revision`" in remark for remark in entry.remarks), entry.key
    assert "ive `revision`" in " ".join(registry["audio_flamingo_next"].remarks)


def test_a_local_model_is_resolved_to_its_checkpoint_and_what_is_said_wins(registry):
    alm = resolve({"registry": "qwen2_audio_7b"}, registry)
    assert alm == {
        "engine": "transformers",
        "checkpoint": "Qwen/Qwen2-Audio-7B-Instruct",
        "revision": registry["qwen2_audio_7b"].revision,
        "gpus": 1,
    }
    assert resolve({"registry": "qwen2_audio_7b", "gpus": 2, "checkpoint": "/data/q"}, registry) == alm | {
        "gpus": 2,
        "checkpoint": "/data/q",
    }
    own = {"engine": "transformers", "checkpoint": "resources/models/tiny", "gpus": 0}
    assert resolve(own, registry) is own


def test_a_served_model_is_resolved_to_an_address_and_the_name_of_a_key(registry):
    assert resolve({"registry": "gpt_4o_audio"}, registry) == {
        "engine": "openai",
        "base_url": "https://api.openai.com/v1",
        "model": "gpt-4o-audio-preview-2025-06-03",  # what is sent is what answers are filed under
        "revision": "gpt-4o-audio-preview-2025-06-03",
        "key_env": "OPENAI_API_KEY",
        "gpus": 0,
    }
    ultravox = resolve({"registry": "ultravox_v0_3", "base_url": "http://node7:9000/v1"}, registry)
    assert ultravox["base_url"] == "http://node7:9000/v1" and "key_env" not in ultravox and "revision" not in ultravox
    for key in registry:
        assert "not known" not in resolve({"registry": key}, registry).values()


@pytest.mark.parametrize("key", ["gemini_2_5_pro", "gemini_3_8_flash"])
def test_a_model_that_thinks_is_given_room_to_and_its_server_no_seed(registry, monkeypatch, key):
    monkeypatch.setenv("GEMINI_API_KEY", "planted-0123456789")
    engine = open_engine(resolve({"registry": key}, registry))
    assert engine.longest == 2048 and not engine.repeats
    assert '"reasoning_effort": "low"' in engine.revision and '"seed": false' in engine.revision
    assert open_engine(resolve({"registry": key, "max_tokens": 9}, registry)).longest == 9


def test_a_configuration_is_resolved_as_a_whole_and_passes_the_schema():
    config = yaml.safe_load((SCRIPTS.parents[1] / "config.yaml").read_text())
    assert resolve_all(config) is config and resolve_all({"alms": "{}"}) == {"alms": "{}"}
    named = {**config, "alms": {**config["alms"], "big": {"registry": "qwen2_audio_7b"}}}
    filled = resolve_all(named)
    assert filled["alms"]["big"]["checkpoint"] == "Qwen/Qwen2-Audio-7B-Instruct"
    assert filled["alms"]["tiny"] == config["alms"]["tiny"] and named["alms"]["big"] == {"registry": "qwen2_audio_7b"}
    assert checked_config(filled)["alms"]["big"]["gpus"] == 1


def test_an_unknown_entry_is_refused_with_a_suggestion(registry):
    with pytest.raises(UserError, match=r"'qwen2_audio' is not a known entry. Did you mean 'qwen2_audio_7b'"):
        resolve({"registry": "qwen2_audio"}, registry)


def test_nothing_speaks_against_a_model_where_all_is_there(registry, machine):
    for entry in registry.values():
        assert reasons_against(entry, machine) == [], entry.key


@pytest.mark.parametrize(
    ("key", "lacking", "reason"),
    [
        ("qwen2_audio_7b", {"classes": set()}, "no class Qwen2AudioForConditionalGeneration"),
        ("qwen2_audio_7b", {"gpus_gb": (16.0,)}, "takes 20 GB of GPU memory, the largest GPU has 16"),
        ("qwen2_audio_7b", {"gpus_gb": (), "memory_gb": 39.0}, "no GPU; on the CPU it takes 40 GB"),
        ("qwen3_omni_30b", {"gpus_gb": (48.0, 48.0)}, "takes 76 GB of GPU memory"),
        ("voxtral_small_24b", {"gpus_gb": ()}, "no GPU, and its size is not known"),
        ("voxtral_mini_3b", {"imports": lambda package: package != "mistral_common"}, "not installed: mistral_common"),
        ("gpt_4o_audio", {"keys": {"GEMINI_API_KEY"}}, "set the environment variable OPENAI_API_KEY"),
        ("gpt_4o_audio", {"today": datetime.date(2026, 5, 8)}, "retired on 2026-05-07"),
        ("ultravox_v0_4", {"answers": lambda url: False}, "no server at http://127.0.0.1:8000/v1"),
        ("ultravox_v0_4", {"engines": {"transformers"}}, "engine `openai` is not part of this version"),
    ],
)
def test_each_lack_is_a_reason_and_the_only_one(registry, machine, key, lacking, reason):
    (found,) = reasons_against(registry[key], replace(machine, **lacking))
    assert reason in found


def test_a_gated_checkpoint_needs_a_token(registry, machine):
    gated = replace(registry["phi_4_multimodal"], gated=True)
    assert reasons_against(gated, machine) == []
    (found,) = reasons_against(gated, replace(machine, keys=set()))
    assert "HF_TOKEN" in found


def test_the_day_of_retirement_is_too_late(registry, machine):
    day = registry["gpt_4o_audio"].retires
    assert reasons_against(registry["gpt_4o_audio"], replace(machine, today=day - datetime.timedelta(1))) == []
    (reason,) = reasons_against(registry["gpt_4o_audio"], replace(machine, today=day))
    assert "retired on 2026-05-07" in reason


def test_memory_is_weights_or_the_published_amount_with_a_margin(registry):
    assert needed_gb(registry["qwen2_audio_7b"]) == pytest.approx((1.2 * 2 * 8.40, 1.2 * 4 * 8.40))
    assert needed_gb(registry["qwen3_omni_30b"]) == pytest.approx((1.2 * 2 * 31.72, 1.2 * 4 * 31.72))
    assert needed_gb(registry["qwen2_5_omni_7b"]) == pytest.approx((1.2 * 2 * 8.93, 1.2 * 4 * 8.93))
    assert needed_gb(registry["ultravox_v0_3"]) == (None, None)


def test_conditions(registry, machine):
    bare = replace(machine, gpus_gb=(), holds=lambda checkpoint: False)
    assert conditions(registry["voxtral_mini_3b"], machine) == []
    assert conditions(registry["voxtral_mini_3b"], bare) == [
        "its weights are still to be fetched, about 9 GB",
        "slow: no GPU",
    ]
    assert conditions(registry["voxtral_small_24b"], machine) == ["its size is not known"]


def test_costs_are_calls_and_gpu_hours_only_where_measured(registry):
    entry = registry["qwen2_audio_7b"]
    assert costs(entry, 100_000, 20) == {"calls": 2_000_000, "gpu_hours": "not known"}
    assert costs(replace(entry, seconds_a_clip=0.9), 100_000, 20)["gpu_hours"] == "25.0"
    assert costs(registry["gpt_4o_audio"], 10, 3) == {"calls": 30, "gpu_hours": "not applicable"}


def test_the_print_names_every_entry_its_verdict_and_its_cost(registry, machine):
    entries = list(registry.values())
    against = {entry.key: [] for entry in entries} | {"gpt_4o_audio": ["no key", "retired"]}
    text = listing(entries, against, machine, 100_000, 20)
    assert "gpt_4o_audio: no: no key; retired" in text and "voxtral_mini_3b: possible\n" in text
    assert text.count("2,000,000 calls") == 21 and text.splitlines()[0].startswith("entry")
    head, first = text.splitlines()[:2]
    assert first.index("benchmark") == head.index("of ") and "0a095220c30b " in first


def test_this_machine_knows_names_of_keys_and_not_their_values(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "planted-secret")
    monkeypatch.setenv("GEMINI_API_KEY", "")
    machine = this_machine()
    assert "OPENAI_API_KEY" in machine.keys and "GEMINI_API_KEY" not in machine.keys
    assert "planted-secret" not in repr(machine) and "transformers" in machine.engines and machine.memory_gb > 0


def test_a_server_counts_when_something_listens():
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/v1"
        assert this_machine().answers(url)
    assert not this_machine().answers(url)


def test_checkpoints_fetched_before_are_seen(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    (tmp_path / "models--a--b").mkdir()
    assert this_machine().holds("a/b") and not this_machine().holds("a/c")


def broken(change):
    data = yaml.safe_load(REGISTRY.read_text())
    change(data["qwen2_audio_7b"])
    return data


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda entry: entry.pop("licence"), r"missing \['licence'\], unknown \[\]"),
        (lambda entry: entry.update(colour="blue"), r"unknown \['colour'\]"),
        (lambda entry: entry.update(engine="vllm"), "engine = 'vllm' is not accepted"),
        (lambda entry: entry.update(parameters="many"), "parameters = 'many' is not accepted"),
        (lambda entry: entry.update(parameters=True), "parameters = True is not accepted"),
        (lambda entry: entry.update(context=0), "context = 0 is not accepted"),
        (lambda entry: entry.update(revision=1.5), "revision = 1.5 is not accepted"),
        (lambda entry: entry.update(gated="perhaps"), "gated = 'perhaps' is not accepted"),
        (lambda entry: entry.update(retires="soon"), "retires = 'soon' is not accepted"),
        (lambda entry: entry.update(remarks="one"), "remarks is not accepted"),
        (lambda entry: entry.update(sources=[]), "no source"),
        (lambda entry: entry.update({"class": "none"}), "needs a class"),
        (lambda entry: entry.update(engine="openai"), "base_url = 'none' is not accepted"),
    ],
)
def test_faults_of_a_registry_name_file_and_entry(tmp_path, change, message):
    path = tmp_path / "alms.yaml"
    path.write_text(yaml.safe_dump(broken(change)))
    with pytest.raises(UserError, match=message) as error:
        load_registry(path)
    assert str(path) in str(error.value) and "qwen2_audio_7b" in str(error.value)


@pytest.mark.parametrize("text", ["a: [", "- one", ""])
def test_a_file_that_is_no_registry(tmp_path, text):
    path = tmp_path / "alms.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=r"alms\.yaml"):
        load_registry(path)


def test_the_program_prints_the_table_and_writes_it(tmp_path):
    command = [sys.executable, SCRIPTS / "list_alms.py", "--today", "2030-01-01"]
    done = subprocess.run([*command, "--output", tmp_path / "alms.csv"], capture_output=True, text=True, check=True)
    assert "gemini_2_5_pro: no: retired on 2026-12-01" in done.stdout and "2,000,000 calls" in done.stdout
    table = pd.read_csv(tmp_path / "alms.csv", keep_default_na=False)
    assert len(table) == 21 and set(table["calls"]) == {2_000_000}
    assert not table.set_index("key").loc["gemini_2_5_pro", "runs_here"]
