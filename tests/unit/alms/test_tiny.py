import numpy as np
import pytest
import torch

from scaling_ambiguity.alms.families.known import family_of
from scaling_ambiguity.alms.inputs import encode_audio, mel_features
from scaling_ambiguity.alms.loading import LoadedALM, load_alm
from scaling_ambiguity.alms.parts import parts
from scaling_ambiguity.alms.tiny.answers import Lesson
from scaling_ambiguity.alms.tiny.build import FAMILIES, build_model, build_processor
from scaling_ambiguity.alms.tiny.heldout import predict, scores
from scaling_ambiguity.alms.tiny.sound import MelSound
from scaling_ambiguity.alms.tiny.tokenizer import train_tokenizer
from scaling_ambiguity.alms.tiny.training import train
from scaling_ambiguity.proxies.prompts import MODALITIES, render

CLASSES = ["neutral", "happy", "sad", "angry"]


def tone(pitch, size=20_000):
    return (0.3 * np.sin(2 * np.pi * pitch * np.arange(size) / 16_000)).astype(np.float32)


def fresh(prompts, family="qwen2_audio", seed=1):
    texts = [prompts.user_text(f, "", CLASSES, m) for f in prompts.focus_ids for m in MODALITIES]
    processor = build_processor(train_tokenizer(texts, CLASSES), family)
    model = build_model(processor, seed, family)
    return LoadedALM(model, processor, processor.tokenizer, torch.device("cpu"), "untrained")


def lessons(alm, prompts):
    result, clips = [], []
    for i, pitch in enumerate((200, 400, 800, 1600)):
        texts = [render(alm, prompts, "tone", "look", CLASSES, m) for m in ("both", "audio")]
        result += [Lesson(texts, np.eye(4)[i] * 0.9 + 0.025)] * 2
        clips += [tone(pitch + j) for j in (0, 7)]
    return result, MelSound(alm, clips)


@pytest.mark.parametrize("family", FAMILIES)
def test_parameters_and_chat_format(prompts, family):
    alm = fresh(prompts, family)
    assert 5e5 < sum(p.numel() for p in alm.model.parameters()) < 8e5
    text = render(alm, prompts, "tone", "look", CLASSES, "both")
    assert text.startswith("<|im_start|>system\n") and text.endswith("<|im_start|>assistant\n")
    assert text.count("<|AUDIO|>") == 1


@pytest.mark.parametrize("family", FAMILIES)
def test_a_saved_model_hears_as_it_was_trained(prompts, waveforms, family, tmp_path):
    """Batches of features, as in training, and single clips of a checkpoint that is opened like any other."""
    alm = fresh(prompts, family)
    alm.model.eval()
    clips = [waveform[:60_000] for waveform in waveforms]
    with torch.no_grad():
        trained = family_of(alm.model).hear_features(parts(alm.model), *mel_features(alm.processor, clips))
    alm.model.save_pretrained(tmp_path)
    alm.processor.save_pretrained(tmp_path)
    opened = load_alm(tmp_path, device="cpu")
    for one, other in zip(encode_audio(opened, clips), trained, strict=True):
        assert one.shape == other.shape and torch.allclose(one, other, atol=1e-5)
    text = render(alm, prompts, "tone", "look", CLASSES, "both")
    assert render(opened, prompts, "tone", "look", CLASSES, "both") == text


@pytest.mark.parametrize("family", FAMILIES)
def test_training_learns_and_is_deterministic(prompts, family):
    states, random = [], torch.random.get_rng_state()
    for _ in range(2):
        alm = fresh(prompts, family)
        losses = train(alm, *lessons(alm, prompts), CLASSES, {"steps": 25, "batch": 4, "learning_rate": 3e-3}, seed=3)
        assert np.mean(losses[-5:]) < 0.6 * losses[0]
        states.append(alm.model.state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert torch.equal(random, torch.random.get_rng_state())


def test_prediction_is_the_mean_over_prompts(alm, prompts, waveforms):
    texts = [[render(alm, prompts, f, "look", CLASSES, "both") for f in ("tone", "words")] for _ in waveforms]
    both = predict(alm, waveforms, texts, CLASSES)
    each = [predict(alm, waveforms, [row[k : k + 1] for row in texts], CLASSES) for k in (0, 1)]
    assert np.allclose(both, np.mean(each, axis=0), atol=1e-6)


def test_scores_by_hand():
    v = np.array([[0.5, 0.5], [1.0, 0.0]])
    counts = np.array([[1.0, 1.0], [4.0, 0.0]])
    perfect = scores(v, v, counts)
    assert perfect["accuracy"] == 1 and perfect["jsd_bits"] == pytest.approx(0)
    flat = scores(np.array([[0.5, 0.5]]), v, counts)
    assert flat["nll"] == pytest.approx(np.log(2))
    assert flat["kl_nats"] == pytest.approx(np.log(2) / 2)
    # JSD of (1, 0) and (1/2, 1/2): H(3/4, 1/4) - 1/2 bit.
    assert flat["jsd_bits"] == pytest.approx((0.811278 - 0.5) / 2, abs=1e-5)
