"""Phi-4-multimodal: its own filter bank and a conformer, with a speech adapter active only for clips.

Only the checkpoint in transformers' own format is supported (``Phi4MultimodalForCausalLM``), not the
published one with code of its own (``Phi4MMForCausalLM``).
"""

import warnings
from pathlib import Path

import numpy as np
import torch
from transformers import Phi4MultimodalFeatureExtractor
from transformers.utils import cached_file

from scaling_ambiguity.alms.families.family import Family, Parts, one_by_one
from scaling_ambiguity.alms.families.pieces import Pieces, check_pieces, open_tokenizer
from scaling_ambiguity.corpora.heard import SAMPLE_RATE
from scaling_ambiguity.errors import UserError

AUDIO, ADAPTER = "<|audio|>", "speech-lora"


def _parts(base: torch.nn.Module) -> Parts:
    audio = base.model.embed_tokens_extend.audio_embed
    projector = torch.nn.Sequential(audio.up_proj_for_speech, torch.nn.GELU(), audio.down_proj_for_speech)
    return Parts(audio.encoder, projector, base.model, base.lm_head)


def _open(checkpoint: Path | str, options: dict) -> Pieces:
    tokenizer, template = open_tokenizer(checkpoint, options)
    check_pieces(checkpoint, tokenizer, template, AUDIO)
    extractor = Phi4MultimodalFeatureExtractor.from_pretrained(checkpoint, **options)
    return Pieces(extractor, tokenizer, AUDIO, template, flat=True)


def _features(processor: Pieces, clip: np.ndarray) -> dict[str, torch.Tensor]:
    return processor.feature_extractor([clip], sampling_rate=SAMPLE_RATE, return_tensors="pt")


def _encode_clip(base: torch.nn.Module, processor: Pieces, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    modules = _parts(base)
    hidden = modules.projector(modules.audio_tower(batch["audio_input_features"].to(base.device, base.dtype), None))
    return hidden[0, : int(batch["audio_embed_sizes"][0])]


def _load_adapters(model: torch.nn.Module, checkpoint: Path | str, options: dict) -> None:
    name = f"{ADAPTER}/adapter_config.json"
    if cached_file(checkpoint, name, _raise_exceptions_for_missing_entries=False, **options) is None:
        warnings.warn(f"{checkpoint}: has no {ADAPTER}; the published model encodes speech with it", stacklevel=2)
        return
    # From its name transformers knows which missing tensors are the adapter's: "speech" is in the projector's names
    # too.
    if Path(checkpoint).is_dir():
        report = model.load_adapter(str(Path(checkpoint) / ADAPTER), adapter_name=ADAPTER)
    else:
        where = {"subfolder": ADAPTER} | ({"revision": options["revision"]} if "revision" in options else {})
        report = model.load_adapter(checkpoint, adapter_name=ADAPTER, adapter_kwargs=where)
    if report.missing_keys:
        raise UserError(
            f"{checkpoint}/{ADAPTER}: lacks {sorted(report.missing_keys)[0]} (and "
            f"{len(report.missing_keys) - 1} others); fetch the checkpoint again."
        )


def _longest(processor: Pieces) -> None:
    return None


_CLASS = "Phi4MultimodalForCausalLM"
FAMILY = Family(
    "Phi-4-multimodal",
    {_CLASS: _CLASS},
    _parts,
    _open,
    one_by_one(_encode_clip, _features),
    _longest,
    turn_end="<|end|>",
    adapted=True,
    load_adapters=_load_adapters,
    attention=("qkv_proj", "o_proj"),
)
