import dataclasses

import pytest
import torch

from scaling_ambiguity.alms.inputs import embed_prompts, encode_audio
from scaling_ambiguity.alms.scoring import end_token, label_log_probabilities, label_tokens
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
        result.append(sum(float(logp[start + i, token]) for i, token in enumerate(tokens)))
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
    with pytest.raises(UserError, match="does not tell label 'sad'"):
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
