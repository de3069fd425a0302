"""Voxtral: windows of 30 s, silence included; Mistral's instruction format, which has no Jinja template.

The model takes no system turn together with a clip: the system text precedes the user's, as its
processor's documentation knows only the roles user and assistant.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoTokenizer, WhisperFeatureExtractor

from scaling_ambiguity.alms.families.family import Family, Parts, one_by_one
from scaling_ambiguity.alms.families.pieces import Pieces, check_pieces
from scaling_ambiguity.corpora.heard import SAMPLE_RATE

BEGIN, OPEN, CLOSE, CLIP, AUDIO = "<s>", "[INST]", "[/INST]", "[BEGIN_AUDIO]", "[AUDIO]"
_CONTROL = re.compile("(" + "|".join(map(re.escape, (BEGIN, OPEN, CLOSE, CLIP, AUDIO))) + ")")


@dataclass
class _Voxtral(Pieces):
    def apply_chat_template(
        self, conversation: list[dict], add_generation_prompt: bool = True, tokenize: bool = False
    ) -> str:
        """Return ``<s>[INST][BEGIN_AUDIO][AUDIO]text[/INST]``; a system turn begins the user's text."""
        system = "".join(f"{turn['content']}\n\n" for turn in conversation if turn["role"] == "system")
        content = next(turn["content"] for turn in conversation if turn["role"] == "user")
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        heard = CLIP + AUDIO if any(part["type"] == "audio" for part in parts) else ""
        text = "".join(part["text"] for part in parts if part["type"] == "text")
        return f"{BEGIN}{OPEN}{heard}{system}{text}{CLOSE}"


def tokenize(tokenizer: Any, text: str) -> list[int]:
    """Return token ids; Mistral's own tokenizer ignores control tokens in text, so they are split off here."""
    ids: list[int] = []
    for piece in filter(None, _CONTROL.split(text)):
        if _CONTROL.fullmatch(piece):
            ids.append(tokenizer.convert_tokens_to_ids(piece))
        else:
            ids += tokenizer(piece, add_special_tokens=False)["input_ids"]
    return ids


def _parts(base: torch.nn.Module) -> Parts:
    inner = base.model
    return Parts(inner.audio_tower, inner.multi_modal_projector, inner.language_model, base.lm_head)


def _open(checkpoint: Path | str, options: dict) -> Pieces:
    tokenizer = AutoTokenizer.from_pretrained(checkpoint, **options)
    for token in (BEGIN, OPEN, CLOSE, CLIP, AUDIO):
        check_pieces(checkpoint, tokenizer, "none is needed", token)
    return _Voxtral(WhisperFeatureExtractor.from_pretrained(checkpoint, **options), tokenizer, AUDIO)


def _window_features(extractor: WhisperFeatureExtractor, clip: np.ndarray) -> torch.Tensor:
    """Return (W, n_mels, frames): features of the whole clip padded with silence, then cut into windows."""
    batch = extractor(
        [clip],
        sampling_rate=SAMPLE_RATE,
        padding=True,
        pad_to_multiple_of=extractor.n_samples,
        truncation=False,
        return_tensors="pt",
    )
    features = batch["input_features"][0]
    return features.reshape(len(features), -1, extractor.nb_max_frames).transpose(0, 1)


def _features(processor: Pieces, clip: np.ndarray) -> torch.Tensor:
    return _window_features(processor.feature_extractor, clip)


def _encode_clip(base: torch.nn.Module, processor: Pieces, features: torch.Tensor) -> torch.Tensor:
    return base.get_audio_features(features.to(base.device, base.dtype), return_dict=True).pooler_output


def _longest(processor: Pieces) -> float:
    return 40 * 60.0  # The 40 minutes of audio understanding stated in its documentation.


_CLASS = "VoxtralForConditionalGeneration"
_ENCODE = one_by_one(_encode_clip, _features)
FAMILY = Family("Voxtral", {_CLASS: _CLASS}, _parts, _open, _ENCODE, _longest, tokenize=tokenize)
