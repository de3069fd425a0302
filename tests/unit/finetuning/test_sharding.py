"""A model that is cut among processes is trained like one that every process holds whole."""

import json

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.finetuning.sharding import gathered_bytes, shard
from scaling_ambiguity.training.memory import local_part

TOLERANCE = 1e-5  # of losses about 1 and of weights about 0.1, in float32


@pytest.mark.slow
def test_cut_among_two_processes_the_training_is_the_same(train, run, program, tmp_path, settings):
    """One process and whole batches, against layers cut between two, pieces of batches, and layers computed again."""
    settings.options["lora"]["dropout"] = 0.0
    settings.options |= {"steps": 4}
    train(tmp_path / "whole")
    settings.options["execution"] = {"processes": 2, "strategy": "fsdp", "accumulate": 2, "checkpointing": True}
    output = run(program(tmp_path / "cut"))
    for seed in (0, 1):
        one, other = (tmp_path / name / f"run-{seed}" for name in ("whole", "cut"))
        curve = pd.read_csv(one / "curve.csv")
        pd.testing.assert_frame_equal(pd.read_csv(other / "curve.csv"), curve, rtol=0, atol=TOLERANCE)
        assert curve["train_loss"].notna().sum() == 2 and curve["train_loss"].nunique() == 2
        adapters = [load_file(folder / "adapter" / "adapter_model.safetensors") for folder in (one, other)]
        assert {k: (v.shape, v.dtype) for k, v in adapters[1].items()} == {
            k: (v.shape, v.dtype) for k, v in adapters[0].items()
        }
        assert max(float((adapters[1][key] - adapters[0][key]).abs().max()) for key in adapters[0]) < TOLERANCE
        configs = [json.loads((folder / "adapter" / "adapter_config.json").read_text()) for folder in (one, other)]
        assert configs[0] == configs[1]
        predicted = [pd.read_parquet(tmp_path / name / f"seed-{seed}.parquet") for name in ("whole", "cut")]
        pd.testing.assert_frame_equal(*predicted, rtol=0, atol=TOLERANCE)
        assert json.loads((other / "run.json").read_text())["processes"] == 2
    assert "memory: parameters" in output


@pytest.fixture
def pretended_pair():
    """Open a process group of two, of which this process is the first and the other one is only counted."""
    from torch.testing._internal.distributed.fake_pg import FakeStore

    torch.distributed.init_process_group("fake", store=FakeStore(), rank=0, world_size=2)
    yield
    torch.distributed.destroy_process_group()


def local_bytes(model):
    return sum(local_part(one).numel() * one.element_size() for one in model.parameters())


def test_each_process_holds_half_of_every_layer(alm, pretended_pair):
    from scaling_ambiguity.alms.parts import parts
    from scaling_ambiguity.training.team import Team

    model = parts(alm.model).language_model
    layers = [sum(one.numel() * one.element_size() for one in layer.parameters()) for layer in model.layers]
    whole = local_bytes(alm.model)
    sizes = {name: tuple(one.shape) for name, one in alm.model.named_parameters()}
    assert gathered_bytes(alm) == 0
    assert shard(alm, Team(size=2, rank=0)) is alm
    assert gathered_bytes(alm) == 2 * max(layers)
    assert local_bytes(alm.model) == whole - sum(layers) / 2
    assert {name: tuple(one.shape) for name, one in alm.model.named_parameters()} == sizes
    cut = [one for layer in model.layers for one in layer.parameters()]
    assert all(local_part(one).shape[0] == one.shape[0] / 2 for one in cut)
    assert not any(one.requires_grad for one in alm.model.parameters())


def test_one_process_alone_cannot_shard(trainee, settings):
    settings.options["execution"] = {"strategy": "fsdp"}
    with pytest.raises(UserError, match="there is only one"):
        trainee()


def test_quantised_weights_are_not_cut(trainee, settings):
    settings.options |= {"execution": {"strategy": "fsdp", "processes": 2}, "quantised": "4bit"}
    with pytest.raises(UserError, match="cannot be combined"):
        trainee()
