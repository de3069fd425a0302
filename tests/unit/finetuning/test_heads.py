"""The attention head: blind to padding, trained with the adapter, kept beside it, judged by the published loss."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file

from scaling_ambiguity.alms.loading import load_alm
from scaling_ambiguity.alms.parts import parts
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.finetuning.heads import AttentionHead
from scaling_ambiguity.finetuning.inputs import FrozenInputs
from scaling_ambiguity.finetuning.quantised import quantisation
from scaling_ambiguity.proxies.prompts import load_prompts
from scaling_ambiguity.tables.predictions import PREDICTIONS
from scaling_ambiguity.training.loop import predict
from scaling_ambiguity.training.losses import choose_loss

PUBLISHED = {"head": "faithful", "loss": "jsd", "entropy_weight": 0.08}


@pytest.fixture
def headed(trainee):
    return trainee(objective=PUBLISHED)


@pytest.fixture
def frozen(headed, gather):
    return headed.inputs(gather().train, "train")


def test_attention_read_at_the_first_position_alone_is_attention_read_everywhere_and_cut():
    head = AttentionHead(16, 3).eval()
    hidden = torch.randn(2, 5, 16, generator=torch.Generator().manual_seed(1))
    whole, _ = head.attention(hidden, hidden, hidden)
    seen = whole[:, 0]
    seen = seen + torch.nn.functional.gelu(head.first(head.first_norm(seen)))
    seen = torch.nn.functional.gelu(head.second(head.second_norm(seen)))
    expected = head.last(head.last_norm(seen))
    torch.testing.assert_close(head(hidden, torch.ones(2, 5)), expected, rtol=1e-5, atol=1e-6)


def test_padding_is_neither_read_nor_the_first_position():
    head = AttentionHead(16, 3).eval()
    hidden = torch.randn(1, 4, 16, generator=torch.Generator().manual_seed(2))
    padded = torch.cat([torch.full((1, 3, 16), 7.0), hidden], 1)
    mask = torch.tensor([[0, 0, 0, 1, 1, 1, 1]])
    torch.testing.assert_close(head(padded, mask), head(hidden, torch.ones(1, 4)), rtol=1e-5, atol=1e-6)


def test_every_position_reaches_the_head(headed, frozen):
    """The shortcut for label words leaves out what this head reads; it must not be taken here."""
    inputs = frozen.batch([0, 5, 7])
    with torch.inference_mode():
        whole = headed.log_distributions(inputs)
        hidden = parts(headed.alm.model).language_model(**inputs, use_cache=False).last_hidden_state
        assert (hidden[:, 0] - hidden[:, -1]).abs().max() > 1e-3, "positions differ, so none was broadcast"
        expected = torch.log_softmax(headed.head(hidden, inputs["attention_mask"]), -1)
        torch.testing.assert_close(whole, expected, rtol=0, atol=0)
        inputs["inputs_embeds"][:, -3] += 1.0
        changed = headed.log_distributions(inputs)
    assert (changed - whole).abs().max() > 1e-6
    torch.testing.assert_close(whole.exp().sum(-1), torch.ones(3))


def test_the_whole_head_and_the_adapter_get_gradients(headed, frozen):
    headed.reset(1)
    loss = headed.batch_loss(frozen.batch([0, 1]), frozen.targets([0, 1]))
    said = headed.log_distributions(frozen.batch([0, 1]))
    torch.testing.assert_close(loss, choose_loss(PUBLISHED)(said, frozen.targets([0, 1])))
    gradients = torch.autograd.grad(loss, headed.parameters, allow_unused=False)
    names = [name for name, _ in headed._named]
    assert sum(name.startswith("head.") for name in names) == len(list(headed.head.parameters()))
    # B starts at zero, so that A has no slope yet
    zero = [n for n, g in zip(names, gradients, strict=True) if "lora_A" not in n and not g.abs().sum() > 0]
    assert zero == []


def test_reset_is_a_function_of_the_seed(headed):
    headed.reset(1)
    first = headed.weights()
    torch.manual_seed(99)
    headed.reset(2)
    other = headed.weights()
    headed.reset(1)
    again = headed.weights()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["head.last.weight"], other["head.last.weight"])


def test_dropout_of_the_head_follows_training(headed):
    headed.train(True)
    assert headed.head.first_dropout.training
    headed.train(False)
    assert not headed.head.first_dropout.training


@pytest.mark.parametrize("loss", ["jsd", "dirichlet"])
def test_saved_head_and_adapter_give_the_predictions(train, trainee, tmp_path, gather, checkpoint, settings, loss):
    settings.protocol |= PUBLISHED | {"loss": loss}
    settings.options |= {"steps": 2, "learning_rate": 0.05}
    train(tmp_path)
    alm = load_alm(checkpoint, device="cpu")
    PeftModel.from_pretrained(alm.model, tmp_path / "run-1" / "adapter")
    shape = json.loads((tmp_path / "run-1" / "adapter" / "head.json").read_text())
    head = AttentionHead(shape["width"], shape["classes"], shape["evidential"]).eval()
    head.load_state_dict(load_file(tmp_path / "run-1" / "adapter" / "head.safetensors"))
    inputs = FrozenInputs(alm, load_prompts(settings.prompts), gather().test, settings.classes, "test").batch(
        [0, 1, 2, 3]
    )
    table = PREDICTIONS.read(tmp_path / "seed-1.parquet").filter(like="p_").to_numpy()
    with torch.inference_mode():
        hidden = parts(alm.model).language_model(**inputs, use_cache=False).last_hidden_state
        said = head.log_distributions(hidden, inputs["attention_mask"]).exp()
    np.testing.assert_allclose(said / said.sum(-1, keepdim=True), table, atol=1e-6)
    fresh = trainee()
    assert np.abs(predict(fresh, fresh.inputs(gather().test, "test")) - table).max() > 1e-3


def test_same_seed_same_bytes_and_the_loss_falls(train, tmp_path, settings):
    settings.protocol |= PUBLISHED
    settings.options |= {"steps": 24, "evaluate_every": 8}
    files = train(tmp_path / "a")
    assert files == train(tmp_path / "b")
    assert {"run-0/adapter/head.safetensors", "run-0/adapter/head.json"} <= set(files)
    losses = pd.read_csv(tmp_path / "a" / "run-0" / "curve.csv")["train_loss"].dropna().tolist()
    assert losses[-1] < losses[0]


def test_evidence_of_a_dirichlet_head_is_above_one_and_predictions_sum_to_one(trainee, gather):
    headed = trainee(objective={"head": "faithful", "loss": "dirichlet"})
    inputs = headed.inputs(gather().test, "test")
    with torch.inference_mode():
        alpha = headed.log_distributions(inputs.batch([0, 1, 2, 3])).exp()
    assert (alpha > 1).all()
    expected = alpha / alpha.sum(-1, keepdim=True)
    np.testing.assert_allclose(predict(headed, inputs), expected, atol=1e-6)


def test_a_head_is_refused_where_it_does_not_fit():
    with pytest.raises(UserError, match="hidden size 20"):
        AttentionHead(20, 3)


def test_quantised_base_says_what_is_missing():
    if torch.cuda.is_available():
        pytest.skip("a GPU is here: nothing is missing")
    with pytest.raises(UserError, match=r"needs (the package bitsandbytes|a GPU)"):
        quantisation("4bit")
