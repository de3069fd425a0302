"""A Qwen2-Audio whose audio tower consists of the first layers of a published Whisper encoder, frozen."""

import hashlib
import math
from typing import Any

import torch
import transformers
from transformers import PreTrainedTokenizerFast, Qwen2AudioForConditionalGeneration, Qwen2AudioProcessor

from scaling_ambiguity.alms.loading import SHARED_TOWER, explained, located, refuse_incomplete
from scaling_ambiguity.alms.tiny.build import assemble
from scaling_ambiguity.errors import UserError

POSITIONS_PER_SECOND = 50  # of Whisper's encoder; the model's own pooling halves them


def window(longest: float, encoder: Any) -> int:
    """Return the seconds of the model's window: those of the longest clip, as far as Whisper has positions for them.

    Args:
        longest: Seconds of the longest clip of the corpus.
        encoder: Whisper's encoder.
    """
    return max(1, min(math.ceil(longest), encoder.config.max_source_positions // POSITIONS_PER_SECOND))


def open_whisper(entry: dict[str, Any]) -> torch.nn.Module:
    """Open the encoder of a Whisper checkpoint in float32, from safetensors.

    Args:
        entry: ``checkpoint``, a folder or hub name, its ``revision``, and ``layers``, the number of layers to be used.

    Raises:
        UserError: There is no such checkpoint, it is no Whisper, lacks tensors of its encoder, or has fewer layers.
    """
    checkpoint, layers = str(entry["checkpoint"]), entry["layers"]
    place = located(checkpoint)
    options = {} if place.is_dir() or "revision" not in entry else {"revision": entry["revision"]}
    with explained(checkpoint, "a Whisper encoder"):
        config = transformers.AutoConfig.from_pretrained(place, **options)
        if config.model_type != "whisper":
            raise UserError(f"{checkpoint}: is a {config.model_type}; `encoder` of an ALM has to be a Whisper.")
        if not 1 <= layers <= config.encoder_layers:
            raise UserError(
                f"{checkpoint}: has {config.encoder_layers} encoder layers, not {layers}; correct `layers`."
            )
        model, report = transformers.WhisperModel.from_pretrained(
            place, use_safetensors=True, dtype=torch.float32, output_loading_info=True, **options
        )
    report["missing_keys"] = [name for name in report["missing_keys"] if "decoder." not in name]
    refuse_incomplete(checkpoint, report)
    return model.get_encoder().eval()


def build_processor(tokenizer: PreTrainedTokenizerFast, encoder: torch.nn.Module, seconds: int) -> Qwen2AudioProcessor:
    """Return Qwen2-Audio's processor with Whisper's features of a window of ``seconds``."""
    extractor = transformers.WhisperFeatureExtractor(
        feature_size=encoder.config.num_mel_bins, chunk_length=seconds, return_attention_mask=True
    )
    return Qwen2AudioProcessor(feature_extractor=extractor, tokenizer=tokenizer)


def build_model(
    processor: Qwen2AudioProcessor, encoder: torch.nn.Module, layers: int, seed: int
) -> Qwen2AudioForConditionalGeneration:
    """Return the model with Whisper's first ``layers`` and an untrained projector and language model.

    The tower's last normalisation, which follows the pooling, has no scale and offset: the projector behind it learns
    them. Whoever shares the tower is recognised by the hash of its weights in the checkpoint's configuration
    (:attr:`~scaling_ambiguity.alms.loading.LoadedALM.tower`).

    Args:
        processor: Of :func:`build_processor`; its window determines the number of positions.
        encoder: Of :func:`open_whisper`.
        layers: Layers that are used.
        seed: Of the untrained weights.
    """
    config = encoder.config
    audio = {
        "model_type": "qwen2_audio_encoder",
        "d_model": config.d_model,
        "encoder_layers": layers,
        "encoder_attention_heads": config.encoder_attention_heads,
        "encoder_ffn_dim": config.encoder_ffn_dim,
        "num_mel_bins": config.num_mel_bins,
        "max_source_positions": processor.feature_extractor.chunk_length * POSITIONS_PER_SECOND,
        "dropout": 0.0,
    }
    model = assemble(processor.tokenizer, audio, seed)
    tower = model.model.audio_tower
    published, weights = encoder.state_dict(), tower.state_dict()
    for name in weights:
        if name.startswith("layer_norm."):
            weights[name].fill_(1.0 if name.endswith("weight") else 0.0)
        else:  # of the positions the first ones
            weights[name].copy_(published[name][: len(weights[name])])
    digest = hashlib.sha256()
    for name, weight in sorted(weights.items()):
        digest.update(f"{name} {tuple(weight.shape)}\n".encode() + weight.contiguous().numpy().tobytes())
    setattr(model.config, SHARED_TOWER, digest.hexdigest())
    return model
