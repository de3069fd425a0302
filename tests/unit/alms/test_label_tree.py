"""All labels behind one prompt in one row: exact on every family, by value and by gradient, at the cost of a prompt."""

import dataclasses
import sys
from pathlib import Path

import pytest
import torch

from scaling_ambiguity.alms.families import known
from scaling_ambiguity.alms.inputs import embed_prompts, encode_audio
from scaling_ambiguity.alms.label_tree import label_tree
from scaling_ambiguity.alms.parts import parts
from scaling_ambiguity.alms.readout import read_labels
from scaling_ambiguity.alms.scoring import end_tokens, label_log_probabilities, label_tokens, string_scores, takes_tree

sys.path.insert(0, str(Path(__file__).resolve().parent))

from families import CLASSES, FAMILIES, ask, noise, open_family

# One label the beginning of another, two with a common beginning, and lengths of one to several tokens.
LABELS = ["sad", "sad indeed", "happy words", "happy tone", "the speaker is gloomy", "neutral"]


@pytest.fixture(params=FAMILIES, scope="module")
def alm(request, tmp_path_factory):
    return open_family(request.param, tmp_path_factory)


def prompts_of(alm):
    """Return prompts of several lengths and what is heard in them: two of one clip, one of another, one without."""
    clips = encode_audio(alm, [noise(1, 1.3), noise(2, 0.6)])
    heard = [clips[0], clips[0], clips[1], None]
    lines = ["so it goes", "so it goes", "look " * 9, "the road"]
    texts = [
        ask(alm, focus, line, "text" if clip is None else "both")
        for focus, line, clip in zip(("tone", "words", "tone", "words"), lines, heard, strict=True)
    ]
    return texts, heard


def brute_force(alm, text, clip, label, embeds=None):
    """Return log p of a label by one plain forward of prompt and label: no padding, no cache, no mask of its own."""
    modules = parts(alm.model)
    prompt = embed_prompts(alm, [text], [clip])["inputs_embeds"] if embeds is None else embeds
    answer = modules.language_model.get_input_embeddings()(torch.tensor([label]))
    hidden = modules.language_model(inputs_embeds=torch.cat([prompt, answer], 1), use_cache=False).last_hidden_state
    logits = modules.lm_head(hidden[0]) / modules.logits_divisor
    logp = logits.double().log_softmax(-1)[prompt.shape[1] - 1 :]
    ends = end_tokens(alm)
    each = [logp[k, token] for k, token in enumerate(label[:-1])]
    last = logp[len(label) - 1]
    return torch.stack([*each, last[ends].logsumexp(-1) if label[-1] in ends else last[label[-1]]]).sum()


def test_scores_are_those_of_one_forward_a_label(alm):
    texts, heard = prompts_of(alm)
    tokens = label_tokens(alm, LABELS)
    assert not label_tree(tokens).is_chain and takes_tree(alm, 500)
    inputs = embed_prompts(alm, texts, heard)
    assert inputs["attention_mask"].min() == 0, "some rows are padded"
    with torch.no_grad():
        expected = torch.stack(
            [
                torch.stack([brute_force(alm, t, c, label) for label in tokens])
                for t, c in zip(texts, heard, strict=True)
            ]
        )
        training = label_log_probabilities(alm, inputs, LABELS).double()
    assert torch.allclose(read_labels(alm, inputs, LABELS), expected, rtol=0, atol=1e-5)
    assert torch.allclose(read_labels(alm, inputs, LABELS, shared=True), expected, rtol=0, atol=1e-5)
    assert torch.allclose(training, expected.log_softmax(-1), rtol=0, atol=1e-5)


def test_gradients_are_those_of_one_forward_a_label(alm):
    texts, heard = prompts_of(alm)
    tokens = label_tokens(alm, LABELS)
    weights = torch.linspace(-1, 1, len(LABELS), dtype=torch.float64)
    inputs = {key: value.detach() for key, value in embed_prompts(alm, texts, heard).items()}
    inputs["inputs_embeds"].requires_grad_(True)
    (label_log_probabilities(alm, inputs, LABELS).double() * weights).sum().backward()
    for row in (1, 3):
        length = int(inputs["attention_mask"][row].sum())
        alone = inputs["inputs_embeds"].detach()[row : row + 1, -length:].requires_grad_(True)
        scores = torch.stack([brute_force(alm, "", None, label, alone) for label in tokens])
        (scores.log_softmax(-1) * weights).sum().backward()
        found = inputs["inputs_embeds"].grad[row, -length:]
        assert float(alone.grad.abs().max()) > 1e-3
        assert torch.allclose(found, alone.grad[0], rtol=1e-3, atol=1e-5)


def test_a_prompt_is_read_once(alm):
    texts, heard = prompts_of(alm)
    # as many labels as CREMA-D has, of two and three tokens, as real tokenizers make of them
    labels = ["happy words", "happy tone", "sad words", "neutral tone", "angry", "the words"]
    inputs, tokens = embed_prompts(alm, texts, heard), label_tokens(alm, labels)
    model, places = parts(alm.model).language_model, []
    hook = model.register_forward_pre_hook(
        lambda module, args, kwargs: places.append(kwargs["inputs_embeds"].shape[:2].numel()), with_kwargs=True
    )
    with torch.no_grad():
        label_log_probabilities(alm, inputs, labels)
        read_labels(alm, inputs, labels)
    hook.remove()
    prompt = inputs["inputs_embeds"].shape[:2].numel()
    assert not label_tree(tokens).is_chain and sum(map(len, tokens)) > 10
    assert len(places) == 2 and max(places) <= 1.15 * prompt


def test_where_a_model_takes_no_such_mask_labels_are_read_one_by_one(alm, monkeypatch):
    texts, heard = prompts_of(alm)
    inputs = embed_prompts(alm, texts, heard)
    expected = read_labels(alm, inputs, LABELS)
    name = type(alm.model).__name__
    monkeypatch.setitem(known._BY_CLASS, name, dataclasses.replace(known.family_of(alm.model), masks=False))
    model, masks = parts(alm.model).language_model, []
    hook = model.register_forward_pre_hook(
        lambda module, args, kwargs: masks.append(kwargs["attention_mask"].dim()), with_kwargs=True
    )
    found, shared = read_labels(alm, inputs, LABELS), read_labels(alm, inputs, LABELS, shared=True)
    hook.remove()
    assert set(masks) == {2} and len(masks) >= 2 * len(LABELS)
    assert torch.allclose(found, expected, rtol=0, atol=1e-5)
    assert torch.allclose(shared, expected, rtol=0, atol=1e-5)


def test_windows_and_other_attentions_keep_their_own_masks(tmp_path_factory, monkeypatch):
    alm = open_family("qwen2_audio", tmp_path_factory)
    config = parts(alm.model).language_model.config
    assert takes_tree(alm, 5000)
    monkeypatch.setattr(config, "layer_types", ["full_attention", "sliding_attention"])
    monkeypatch.setattr(config, "sliding_window", 4096)
    assert takes_tree(alm, 4096) and not takes_tree(alm, 4097)
    monkeypatch.setattr(config, "layer_types", ["full_attention"] * 2)
    assert takes_tree(alm, 5000)
    monkeypatch.setattr(config, "_attn_implementation", "flash_attention_2")
    assert not takes_tree(alm, 10)


@pytest.mark.parametrize("family", ["qwen2_audio", "phi4_multimodal"])
def test_the_mask_of_eager_attention_too(family, tmp_path_factory, monkeypatch):
    alm = open_family(family, tmp_path_factory)
    texts, heard = prompts_of(alm)
    inputs = embed_prompts(alm, texts, heard)
    expected = read_labels(alm, inputs, LABELS)
    monkeypatch.setattr(parts(alm.model).language_model.config, "_attn_implementation", "eager")
    assert torch.allclose(read_labels(alm, inputs, LABELS), expected, rtol=0, atol=1e-5)


def test_the_tree_of_labels_known_in_advance():
    tree = label_tree([[1, 2, 3], [1, 2, 4], [1, 9], [7]])
    assert (tree.tokens, tree.parents, tree.depths) == ([1, 2], [0, 1], [1, 2]) and tree.is_chain
    assert tree.steps == [
        [(0, [1]), (1, [2]), (2, [3])],
        [(0, [1]), (1, [2]), (2, [4])],
        [(0, [1]), (1, [9])],
        [(0, [7])],
    ]
    tree = label_tree([[1, 5], [2, 5], [2, 3, 5]], ends={5, 6})
    assert (tree.tokens, tree.parents, tree.depths) == ([1, 2, 3], [0, 0, 2], [1, 1, 2]) and not tree.is_chain
    assert [steps[-1] for steps in tree.steps] == [(1, [5, 6]), (2, [5, 6]), (3, [5, 6])]
    real = torch.tensor([[0, 1, 1], [1, 1, 1]])
    seen = tree.mask(real, queries=2)[:, 0].int().tolist()
    assert seen[1] == [
        [1, 1, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0],
        [1, 1, 1, 0, 1, 0],
        [1, 1, 1, 0, 1, 1],
    ]
    assert [row[0] for row in seen[0]] == [0] * 5, "padding is not seen"
    assert tree.mask(real, queries=3)[0, 0, 0].int().tolist() == [1, 0, 0, 0, 0, 0], "padding sees itself"
    assert not label_tree([[4], [5]]).tokens and label_tree([[4], [5]]).is_chain


def test_every_end_of_an_answer_ends_a_label(tmp_path_factory, monkeypatch):
    alm = open_family("audio_flamingo_3", tmp_path_factory)
    texts, heard = prompts_of(alm)
    inputs = embed_prompts(alm, texts, heard)
    assert len(end_tokens(alm)) == 1
    one = read_labels(alm, inputs, LABELS)
    other = alm.tokenizer("look", add_special_tokens=False)["input_ids"][0]
    monkeypatch.setattr(alm.model.generation_config, "eos_token_id", [other, *end_tokens(alm)])
    assert end_tokens(alm)[1:] == [other]
    both = read_labels(alm, inputs, LABELS)
    with torch.no_grad():
        tokens = label_tokens(alm, LABELS)
        expected = torch.stack([brute_force(alm, texts[2], heard[2], label) for label in tokens])
    assert torch.allclose(both[2], expected, rtol=0, atol=1e-5) and (both > one + 1e-6).all()


def test_a_label_of_one_token_needs_no_row_of_its_own(tmp_path_factory):
    alm = open_family("qwen2_audio", tmp_path_factory)
    texts, heard = prompts_of(alm)
    inputs, tokens = embed_prompts(alm, texts, heard), label_tokens(alm, CLASSES)
    assert all(len(row) == 1 for row in tokens)
    scores = string_scores(alm, inputs, tokens)
    with torch.no_grad():
        normalised = label_log_probabilities(alm, inputs, CLASSES).double()
    assert torch.allclose(scores.log_softmax(-1), normalised, atol=1e-5)
