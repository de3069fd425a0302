"""Gemma 3n is refused in this process with reason and remedy; the reason is true of the installed transformers."""

import importlib.util
import inspect
import json

import pytest
import torch
import transformers
from transformers.models.gemma3n.modeling_gemma3n import Gemma3nTextModel

from scaling_ambiguity.alms.families.gemma3n import REFUSED
from scaling_ambiguity.alms.families.known import find_family
from scaling_ambiguity.alms.loading import load_alm
from scaling_ambiguity.alms.serving import read_recipe
from scaling_ambiguity.errors import UserError


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_by_name(name):
    assert hasattr(transformers, name)
    with pytest.raises(UserError, match=rf"{name}: .*also read token ids.*`engine: openai`"):
        find_family(name)


def test_a_checkpoint_folder_is_refused_before_anything_is_built(tmp_path):
    config = {"model_type": "gemma3n", "architectures": ["Gemma3nForConditionalGeneration"]}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="timm"):
        load_alm(tmp_path)


def test_the_remedy_is_a_recipe_that_is_accepted():
    with pytest.raises(UserError) as caught:
        find_family(REFUSED[0])
    command = str(caught.value).split('command: "')[1].split('"')[0]
    alm = {"checkpoint": "google/gemma-3n-E2B-it", "serve": {"command": command}}
    assert read_recipe(alm).command(8000)[:3] == ["vllm", "serve", "google/gemma-3n-E2B-it"]


def test_its_text_model_reads_ids_in_every_layer():
    assert "per_layer_inputs" in inspect.signature(Gemma3nTextModel.forward).parameters
    config = transformers.Gemma3nTextConfig(
        vocab_size=40,
        vocab_size_per_layer_input=40,
        hidden_size=16,
        hidden_size_per_layer_input=4,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
        num_kv_shared_layers=0,
        layer_types=["full_attention", "full_attention"],
        activation_sparsity_pattern=[0.0, 0.0],
        laurel_rank=4,
        pad_token_id=0,
    )
    ids = torch.tensor([[3, 5, 7]])
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        model = Gemma3nTextModel(config).eval()
        for parameter in model.parameters():  # some are zero at first
            parameter.copy_(torch.randn_like(parameter) * 0.3)
        whole = model(input_ids=ids).last_hidden_state
        embedded = model(inputs_embeds=model.embed_tokens(ids)).last_hidden_state
    assert float((whole - embedded).abs().max()) > 1e-3, "if they are equal, it can be asked by embeddings"


@pytest.mark.skipif(importlib.util.find_spec("timm") is not None, reason="timm is installed")
def test_transformers_builds_it_with_timm_alone():
    with pytest.raises(ImportError, match="timm"):
        transformers.Gemma3nForConditionalGeneration(transformers.Gemma3nConfig())
