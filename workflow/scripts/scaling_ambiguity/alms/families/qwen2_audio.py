"""Qwen2-Audio: a 30 s window of Whisper features, with the mask that the model's own forward uses."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoProcessor
from transformers.masking_utils import create_bidirectional_mask

from scaling_ambiguity.alms.families.family import Family, Parts, one_by_one
from scaling_ambiguity.corpora.heard import SAMPLE_RATE


def _parts(base: torch.nn.Module) -> Parts:
    inner = base.model
    return Parts(inner.audio_tower, inner.multi_modal_projector, inner.language_model, base.lm_head)


def _open(checkpoint: Path | str, options: dict) -> Any:
    return AutoProcessor.from_pretrained(checkpoint, **options)


def _features(processor: Any, clip: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    return mel_features(processor, [clip])


def _encode_clip(base: torch.nn.Module, processor: Any, prepared: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    features, mask = prepared
    return encode_features(_parts(base), features.to(base.device), mask.to(base.device))[0]


def mel_features(processor: Any, waveforms: list[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return log-mel features (B, n_mels, frames) and their frame mask (B, frames) of the model's full window."""
    batch = processor.feature_extractor(
        waveforms, sampling_rate=SAMPLE_RATE, return_attention_mask=True, padding="max_length", return_tensors="pt"
    )
    return batch["input_features"], batch["attention_mask"]


def encode_features(modules: Parts, features: torch.Tensor, mask: torch.Tensor) -> list[torch.Tensor]:
    """Run audio tower and projector on mel features, as the model's own forward does; differentiable.

    Args:
        modules: The parts of the model.
        features: (B, n_mels, frames).
        mask: (B, frames), 1 on frames that hold sound.

    Returns:
        For each row its (n_audio_tokens, hidden); n_audio_tokens follows from the frames that hold sound, 0 for
        too few.
    """
    tower = modules.audio_tower
    frame_lengths, token_lengths = tower._get_feat_extract_output_lengths(mask.sum(-1))
    longest = (features.shape[-1] - 2) // 2 + 1
    padding = torch.arange(longest, device=features.device)[None, :] < frame_lengths[:, None]
    attention = create_bidirectional_mask(
        config=tower.config,
        inputs_embeds=torch.zeros(len(features), longest, 1, dtype=tower.conv1.weight.dtype, device=features.device),
        attention_mask=padding.long(),
    )
    hidden = modules.projector(tower(features, attention_mask=attention).last_hidden_state)
    return [row[:length] for row, length in zip(hidden, token_lengths.tolist(), strict=True)]


def _longest(processor: Any) -> float:
    return processor.feature_extractor.n_samples / SAMPLE_RATE


_ENCODE = one_by_one(_encode_clip, _features)
_CLASS = "Qwen2AudioForConditionalGeneration"
FAMILY = Family("Qwen2-Audio", {_CLASS: _CLASS}, _parts, _open, _ENCODE, _longest, turn_end="<|im_end|>")
