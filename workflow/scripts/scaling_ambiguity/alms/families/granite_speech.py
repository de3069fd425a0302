"""Granite Speech: log-mel pairs, a conformer and a Q-Former, with an adapter that is active where the input has a clip.

Two things are done here that transformers 5.23.0 does not do: the features are computed with
torch alone (its feature extractor needs torchaudio to be opened), and the logits are divided by
the text model's ``logits_scaling``, as Granite's language model was trained and as transformers'
``GraniteForCausalLM`` does; ``GraniteSpeechForConditionalGeneration`` leaves them undivided,
which keeps the most probable token but sharpens every distribution.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from transformers.audio_utils import mel_filter_bank
from transformers.feature_extraction_utils import FeatureExtractionMixin

from scaling_ambiguity.alms.families.family import Family, Parts, one_by_one
from scaling_ambiguity.alms.families.pieces import Pieces, check_pieces, open_tokenizer
from scaling_ambiguity.corpora.heard import SAMPLE_RATE

AUDIO = "<|audio|>"


@dataclass(frozen=True)
class GraniteMel:
    """Log-mel features, two frames per row.

    Power spectra (periodic Hann window, reflected edges), HTK mel bands without normalisation,
    x = log10 max(., 1e-10), then max(x, max x - 8) / 4 + 1; an odd last frame is left out.
    """

    n_fft: int = 512
    win_length: int = 400
    hop_length: int = 160
    n_mels: int = 80

    def __call__(self, clip: np.ndarray) -> torch.Tensor:
        """Return (frames // 2, 2 n_mels) of a mono clip at 16 kHz."""
        spectrum = torch.stft(
            torch.from_numpy(clip),
            self.n_fft,
            self.hop_length,
            self.win_length,
            torch.hann_window(self.win_length),
            return_complex=True,
        )
        bank = mel_filter_bank(
            self.n_fft // 2 + 1, self.n_mels, 0.0, SAMPLE_RATE / 2, SAMPLE_RATE, norm=None, mel_scale="htk"
        ).astype(np.float32)
        mel = spectrum.abs().square().T @ torch.from_numpy(bank)
        logmel = mel.clamp(min=1e-10).log10()
        logmel = torch.maximum(logmel, logmel.max() - 8.0) / 4 + 1
        return logmel[: len(logmel) // 2 * 2].reshape(-1, 2 * self.n_mels)


def _parts(base: torch.nn.Module) -> Parts:
    inner = base.model
    divisor = float(getattr(base.config.text_config, "logits_scaling", 1.0))
    return Parts(inner.encoder, inner.projector, inner.language_model, base.lm_head, divisor)


def _open(checkpoint: Path | str, options: dict) -> Pieces:
    tokenizer, template = open_tokenizer(checkpoint, options)
    check_pieces(checkpoint, tokenizer, template, AUDIO)
    settings = FeatureExtractionMixin.get_feature_extractor_dict(checkpoint, **options)[0].get("melspec_kwargs", {})
    mel = {key: settings[key] for key in ("n_fft", "win_length", "hop_length", "n_mels") if key in settings}
    return Pieces(GraniteMel(**mel), tokenizer, AUDIO, template, flat=True)


def _features(processor: Pieces, clip: np.ndarray) -> torch.Tensor:
    return processor.feature_extractor(clip)[None]


def _encode_clip(base: torch.nn.Module, processor: Pieces, features: torch.Tensor) -> torch.Tensor:
    features = features.to(base.device, base.dtype)
    return base.get_audio_features(features, return_dict=True).pooler_output[0]


def _longest(processor: Pieces) -> None:
    return None


_CLASS = "GraniteSpeechForConditionalGeneration"
_ENCODE = one_by_one(_encode_clip, _features)
FAMILY = Family("Granite Speech", {_CLASS: _CLASS}, _parts, _open, _ENCODE, _longest, adapted=True)
