"""Audio Flamingo 3: windows of 30 s, encoded separately and read one after the other, up to ten minutes."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoProcessor

from scaling_ambiguity.alms.families.family import Family, Parts, one_by_one
from scaling_ambiguity.alms.families.pieces import windows


def _parts(base: torch.nn.Module) -> Parts:
    inner = base.model
    return Parts(inner.audio_tower, inner.multi_modal_projector, inner.language_model, base.lm_head)


def _open(checkpoint: Path | str, options: dict) -> Any:
    return AutoProcessor.from_pretrained(checkpoint, **options)


def _features(processor: Any, clip: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    return windows(processor.feature_extractor, clip)


def _encode_clip(base: torch.nn.Module, processor: Any, prepared: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    features, mask = prepared
    output = base.get_audio_features(
        features.to(base.device, base.dtype), input_features_mask=mask.to(base.device), return_dict=True
    )
    return output.pooler_output


def _hear_features(modules: Parts, features: torch.Tensor, mask: torch.Tensor) -> list[torch.Tensor]:
    """Run audio tower and projector on one window per row, (B, n_mels, frames) and (B, frames); differentiable."""
    hidden = modules.audio_tower(features, input_features_mask=mask).last_hidden_state
    lengths = modules.audio_tower._get_feat_extract_output_lengths(mask.sum(-1))[1].tolist()
    return [row[:length] for row, length in zip(modules.projector(hidden), lengths, strict=True)]


def _longest(processor: Any) -> float:
    seconds = processor.feature_extractor.chunk_length
    return float(processor.max_audio_len // seconds * seconds)


_CLASS = "AudioFlamingo3ForConditionalGeneration"
FAMILY = Family(
    "Audio Flamingo 3",
    {_CLASS: _CLASS},
    _parts,
    _open,
    one_by_one(_encode_clip, _features),
    _longest,
    turn_end="<|im_end|>",
    hear_features=_hear_features,
)
