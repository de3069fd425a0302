import dataclasses

import pytest
import torch

from scaling_ambiguity.alms.families import family
from scaling_ambiguity.alms.inputs import embed_prompts, encode_audio
from scaling_ambiguity.alms.scoring import end_token, end_tokens, label_log_probabilities, label_tokens
from scaling_ambiguity.errors import UserError

CLASSES = ["neutral", "happy", "sad", "angry"]
SPLIT = ["neutral", "happy indeed", "sad", "gloomy"]
NESTED = ["sad", "sad indeed", "angry"]


@pytest.fixture(scope="module")
def inputs(alm, waveforms, texts):
    return embed_prompts(alm, texts, encode_audio(alm, waveforms))


def brute_force(alm, text, waveform, strings):
    """Return log p of token strings by one plain forward each: no padding, no cache."""
    clip = encode_audio(alm, [waveform])
    result = []
    for tokens in strings:
        inputs = embed_prompts(alm, [text], clip)
        answer = alm.model.get_input_embeddings()(torch.tensor([tokens]))
        embeds = torch.cat([inputs["inputs_embeds"], answer], dim=1)
        with torch.no_grad():
            logp = alm.model(inputs_embeds=embeds).logits[0].log_softmax(-1)
        start = inputs["inputs_embeds"].shape[1] - 1
        last = logp[start + len(tokens) - 1, end_tokens(alm) if tokens[-1] == end_token(alm) else tokens[-1:]]
        result.append(
            sum(float(logp[start + i, token]) for i, token in enumerate(tokens[:-1])) + float(last.logsumexp(0))
        )
    return torch.tensor(result)


def test_every_label_is_one_token_of_the_tiny_model(alm):
    assert all(len(row) == 1 for row in label_tokens(alm, CLASSES))
    assert all(len(alm.tokenizer(f" {label}")["input_ids"]) == 1 for label in CLASSES)


@pytest.mark.parametrize("classes", [CLASSES, SPLIT, NESTED])
def test_label_log_probabilities_are_exact(alm, inputs, texts, waveforms, classes):
    with torch.no_grad():
        found = label_log_probabilities(alm, inputs, classes)
    assert torch.allclose(found.exp().sum(-1), torch.ones(len(texts)), atol=1e-6)
    for row, (text, waveform) in enumerate(zip(texts, waveforms, strict=True)):
        expected = brute_force(alm, text, waveform, label_tokens(alm, classes)).log_softmax(-1)
        assert torch.allclose(found[row], expected, atol=1e-4)


def test_nested_labels_are_closed_by_the_end_token(alm):
    assert all(row[-1] == end_token(alm) for row in label_tokens(alm, NESTED))
    assert end_token(alm) not in [t for row in label_tokens(alm, SPLIT) for t in row]


def test_labels_that_cannot_be_told_apart(alm):
    with pytest.raises(UserError, match="does not distinguish label 'sad'"):
        label_tokens(alm, ["sad", "sad"])


@pytest.mark.parametrize("classes", [CLASSES, SPLIT])
def test_gradient_reaches_adapters_of_a_peft_model(checkpoint, inputs, classes):
    from peft import LoraConfig, get_peft_model

    from scaling_ambiguity.alms.loading import load_alm

    base = load_alm(checkpoint, device="cpu")
    targets = r".*language_model.*\.(q_proj|v_proj)"
    model = get_peft_model(base.model, LoraConfig(r=2, target_modules=targets, init_lora_weights=False))
    tuned = dataclasses.replace(base, model=model)
    fixed = {key: value.detach() for key, value in inputs.items()}
    label_log_probabilities(tuned, fixed, classes)[:, 0].sum().backward()
    gradients = [p.grad for name, p in model.named_parameters() if "lora_" in name]
    assert gradients and all(g is not None and g.abs().sum() > 0 for g in gradients)
    with torch.no_grad():
        adapted = label_log_probabilities(tuned, fixed, classes)
        with model.disable_adapter():
            plain = label_log_probabilities(tuned, fixed, classes)
    assert not torch.allclose(adapted, plain)


def test_logits_are_float32_products_of_the_stored_numbers(monkeypatch):
    """Six labels near logit 20, where bfloat16 has steps of 0.125: no ties, no rounding, float32's gradient."""
    draw = torch.Generator().manual_seed(1)
    hidden = torch.randn(64, 256, generator=draw).to(torch.bfloat16)
    layer = torch.nn.Linear(256, 1000, bias=True)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(1000, 256, generator=draw) / 16)
        layer.bias.fill_(20.0)
    layer = layer.to(torch.bfloat16)
    none = torch.nn.Identity()
    exact = hidden.double() @ layer.weight.double().T + layer.bias.double()
    monkeypatch.setattr(family, "ROWS_AT_ONCE", 300)
    modules = family.Parts(none, none, none, layer)
    found, some = modules.logits(hidden), modules.logits(hidden, [5, 3, 900])
    assert found.dtype == torch.float32 and torch.allclose(found.double(), exact, rtol=0, atol=2e-5)
    assert torch.allclose(some.double(), exact[:, [5, 3, 900]], rtol=0, atol=2e-5)
    rounded = layer(hidden)
    ties = [sum(len(set(row.tolist())) < 6 for row in logits[:, 100:106]) for logits in (rounded, found)]
    assert ties[0] > 5 and ties[1] == 0
    divided = family.Parts(none, none, none, layer, logits_divisor=4.0)
    assert torch.allclose(divided.logits(hidden) * 4, found)
    state = hidden.clone().requires_grad_(True)
    with torch.autocast("cpu", torch.bfloat16):
        modules.logits(state)[:, 7].log_softmax(0)[3].backward()
    reference = hidden.float().requires_grad_(True)
    (reference @ layer.weight.float().T)[:, 7].log_softmax(0)[3].backward()
    assert torch.allclose(state.grad.float(), reference.grad, rtol=1e-2, atol=1e-6) and reference.grad.abs().max() > 0
