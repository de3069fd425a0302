"""Qwen2-Audio: a 30 s window of Whisper features, with the mask that the model's own forward uses."""

from collections.abc import Iterator
from contextlib import contextmanager
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


def _tower_clip(base: torch.nn.Module, processor: Any, prepared: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """Run the audio tower alone over the frames that hold sound; the rest of the window is masked anyway."""
    features, mask = prepared
    tower = _parts(base).audio_tower
    # the frames that reach the last position, and one more position, which is masked
    frames = min(2 * int(tower._get_feat_extract_output_lengths(mask.sum(-1))[0]) + 2, features.shape[-1])
    with shortened(tower, frames // 2):
        hidden, lengths = _tower_states(tower, features[..., :frames].to(base.device), mask.to(base.device))
    return hidden[0, : lengths[0]]


@contextmanager
def shortened(encoder: Any, positions: int) -> Iterator[None]:
    """Let an encoder of Whisper's kind read ``positions`` frames: it accepts no length but that of its table."""
    table, longest = encoder.embed_positions, encoder.config.max_source_positions
    encoder.embed_positions = torch.nn.Embedding.from_pretrained(table.weight[:positions])
    encoder.config.max_source_positions = positions
    try:
        yield
    finally:
        encoder.embed_positions, encoder.config.max_source_positions = table, longest


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
    hidden, lengths = _tower_states(modules.audio_tower, features, mask)
    return [row[:length] for row, length in zip(modules.projector(hidden), lengths, strict=True)]


def _tower_states(tower: Any, features: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, list[int]]:
    """Return the states (B, positions, D) of the audio tower, and how many of each row are of sound."""
    frame_lengths, token_lengths = tower._get_feat_extract_output_lengths(mask.sum(-1))
    longest = (features.shape[-1] - 2) // 2 + 1
    padding = torch.arange(longest, device=features.device)[None, :] < frame_lengths[:, None]
    attention = create_bidirectional_mask(
        config=tower.config,
        inputs_embeds=torch.zeros(len(features), longest, 1, dtype=tower.conv1.weight.dtype, device=features.device),
        attention_mask=padding.long(),
    )
    return tower(features, attention_mask=attention).last_hidden_state, token_lengths.tolist()


def _longest(processor: Any) -> float:
    return processor.feature_extractor.n_samples / SAMPLE_RATE


_ENCODE = one_by_one(_encode_clip, _features)
_TOWER = one_by_one(_tower_clip, _features)
_CLASS = "Qwen2AudioForConditionalGeneration"
FAMILY = Family(
    "Qwen2-Audio",
    {_CLASS: _CLASS},
    _parts,
    _open,
    _ENCODE,
    _longest,
    turn_end="<|im_end|>",
    hear_features=encode_features,
    tower=_TOWER,
)
