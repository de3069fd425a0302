"""Qwen2.5-Omni and Qwen3-Omni: the Thinker alone, with audio and text input; nothing of the Talker is loaded.

Both have rotary positions in three dimensions. Without image or video the three are equal and
count the tokens, audio tokens included, so the (B, T) positions of ``embed_prompts`` are the
model's own.
"""

from pathlib import Path

import numpy as np
import torch

from scaling_ambiguity.alms.families.family import Family, Parts, one_by_one
from scaling_ambiguity.alms.families.pieces import Pieces, open_pieces, whisper_features
from scaling_ambiguity.corpora.heard import SAMPLE_RATE


def _parts(base: torch.nn.Module) -> Parts:
    inner = base.model
    # The projection to the language model is the audio tower's last layer.
    return Parts(inner.audio_tower, torch.nn.Identity(), inner.language_model, base.lm_head)


def _open_2_5(checkpoint: Path | str, options: dict) -> Pieces:
    return open_pieces(checkpoint, options, "<|AUDIO|>")


def _open_3(checkpoint: Path | str, options: dict) -> Pieces:
    return open_pieces(checkpoint, options, "<|audio_pad|>")


def _features(processor: Pieces, clip: np.ndarray) -> torch.Tensor:
    return whisper_features(processor.feature_extractor, clip)


def _encode_clip(base: torch.nn.Module, processor: Pieces, features: torch.Tensor) -> torch.Tensor:
    features = features.to(base.device, base.dtype)[None]
    mask = torch.ones(1, features.shape[-1], dtype=torch.long, device=base.device)
    return base.get_audio_features(features, feature_attention_mask=mask).last_hidden_state


def _longest(processor: Pieces) -> float:
    return processor.feature_extractor.n_samples / SAMPLE_RATE


_ENCODE = one_by_one(_encode_clip, _features)
_THINKER_2_5, _THINKER_3 = "Qwen2_5OmniThinkerForConditionalGeneration", "Qwen3OmniMoeThinkerForConditionalGeneration"

# The published checkpoints name the whole model, whose configuration holds the Thinker's.
FAMILY_2_5 = Family(
    "Qwen2.5-Omni",
    dict.fromkeys((_THINKER_2_5, "Qwen2_5OmniModel", "Qwen2_5OmniForConditionalGeneration"), _THINKER_2_5),
    _parts,
    _open_2_5,
    _ENCODE,
    _longest,
    turn_end="<|im_end|>",
)
FAMILY_3 = Family(
    "Qwen3-Omni",
    dict.fromkeys((_THINKER_3, "Qwen3OmniMoeForConditionalGeneration"), _THINKER_3),
    _parts,
    _open_3,
    _ENCODE,
    _longest,
    turn_end="<|im_end|>",
)
