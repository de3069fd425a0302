import numpy as np
import pytest
import torch

from scaling_ambiguity.alms.inputs import embed_prompts, encode_audio
from scaling_ambiguity.errors import UserError


def test_encoding_once_equals_the_models_own_forward(alm, waveforms, texts):
    inputs = embed_prompts(alm, texts, encode_audio(alm, waveforms))
    batch = alm.processor(text=texts, audio=waveforms, sampling_rate=16_000, padding=True, return_tensors="pt")
    positions = (batch["attention_mask"].cumsum(-1) - 1).clamp(min=0)
    with torch.no_grad():
        expected = alm.model(**batch, position_ids=positions).logits
        found = alm.model(**inputs).logits
    assert torch.equal(inputs["attention_mask"], batch["attention_mask"])
    real = inputs["attention_mask"].bool()
    assert torch.allclose(found[real], expected[real], atol=1e-4)


def test_a_row_does_not_depend_on_its_batch(alm, waveforms, texts):
    together = embed_prompts(alm, texts, encode_audio(alm, waveforms))
    with torch.no_grad():
        batched = alm.model(**together).logits[:, -1]
        for row, (text, waveform) in enumerate(zip(texts, waveforms, strict=True)):
            alone = alm.model(**embed_prompts(alm, [text], encode_audio(alm, [waveform]))).logits[:, -1]
            assert torch.allclose(batched[row], alone[0], atol=1e-4)


def test_with_and_without_audio_in_one_batch(alm, waveforms, texts, prompts):
    from scaling_ambiguity.proxies.prompts import render

    silent = render(alm, prompts, "tone", "look", ["neutral", "sad"], "text")
    clip = encode_audio(alm, waveforms[:1])[0]
    with torch.no_grad():
        mixed = alm.model(**embed_prompts(alm, [silent, texts[0]], [None, clip])).logits[:, -1]
        alone = alm.model(**embed_prompts(alm, [silent], [None])).logits[:, -1]
    assert torch.allclose(mixed[:1], alone, atol=1e-4)


def test_the_audio_changes_the_result(alm, waveforms, texts):
    clips = encode_audio(alm, waveforms)
    with torch.no_grad():
        first = alm.model(**embed_prompts(alm, texts[:1], clips[:1])).logits[:, -1]
        other = alm.model(**embed_prompts(alm, texts[:1], clips[1:2])).logits[:, -1]
    assert (first - other).abs().max() > 1e-3


def test_audio_and_placeholders_must_match(alm, waveforms, texts):
    with pytest.raises(ValueError, match="1 audio placeholders and 0 clips"):
        embed_prompts(alm, texts[:1], [None])
    with pytest.raises(ValueError, match="0 audio placeholders and 1 clips"):
        embed_prompts(alm, ["hello"], encode_audio(alm, waveforms[:1]))


def test_too_short_and_too_long_clips(alm):
    with pytest.raises(UserError, match="too short"):
        encode_audio(alm, [np.zeros(100, np.float32)])
    with pytest.warns(UserWarning, match="longer than the model's 4 s"):
        clips = encode_audio(alm, [np.zeros(16_000 * 5, np.float32)])
    assert clips[0].shape == (32, 128) and not clips[0].requires_grad
