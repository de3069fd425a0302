"""Clips and prompts as the embeddings a language model reads; a clip is encoded once for all its questions."""

import warnings
from typing import Any

import numpy as np
import torch

from scaling_ambiguity.alms.families.family import base_of
from scaling_ambiguity.alms.families.known import family_of
from scaling_ambiguity.alms.families.qwen2_audio import mel_features
from scaling_ambiguity.alms.loading import LoadedALM
from scaling_ambiguity.alms.parts import parts
from scaling_ambiguity.corpora.heard import SAMPLE_RATE

__all__ = [
    "audio_features",
    "audio_tokens",
    "embed_prompts",
    "embed_tokens",
    "encode_audio",
    "frozen_states",
    "hear_features",
    "mel_features",
    "prompt_tokens",
    "seconds_cut",
]


def encode_audio(alm: LoadedALM, waveforms: list[np.ndarray]) -> list[torch.Tensor]:
    """Run the audio tower and the projector, once per clip.

    Args:
        alm: The model.
        waveforms: Mono clips at 16 kHz; audio beyond the model's window is cut off, with a warning.

    Returns:
        For each clip its audio tokens, (n_audio_tokens, hidden), without gradient.

    Raises:
        ClipTooShort: A clip is too short for a single audio token.
    """
    return hear_features(alm, audio_features(alm, waveforms))


def audio_features(alm: LoadedALM, waveforms: list[np.ndarray]) -> Any:
    """Do the first half of :func:`encode_audio`, which needs no weights: what :func:`hear_features` takes."""
    family = family_of(alm.model)
    longest = family.longest(alm.processor)
    if longest is not None:
        too_long = sum(seconds_cut(alm, waveform) > 0 for waveform in waveforms)
        if too_long:
            warnings.warn(f"{too_long} clips are longer than the model's {longest:g} s and are cut", stacklevel=2)
        waveforms = [waveform[: round(longest * SAMPLE_RATE)] for waveform in waveforms]
    return family.encode.features(alm.processor, waveforms)


def hear_features(alm: LoadedALM, features: Any) -> list[torch.Tensor]:
    """Do the second half of :func:`encode_audio`: audio tower and projector."""
    return [audio_tokens(alm, states) for states in frozen_states(alm, features)]


def frozen_states(alm: LoadedALM, features: Any) -> list[torch.Tensor]:
    """Return what the frozen encoder makes of each clip: its audio tokens, or the input of a model's own projector.

    Args:
        alm: The model; where its audio tower is shared (:attr:`LoadedALM.tower`), the projector is not applied.
        features: Of :func:`audio_features`.

    Returns:
        One (n_audio_tokens, D) tensor per clip.
    """
    family = family_of(alm.model)
    encode = family.encode if alm.tower is None else family.tower
    assert encode is not None, "a family whose towers are shared has an encoder for them"
    return encode.hear(base_of(alm.model), features, alm.device)


def audio_tokens(alm: LoadedALM, states: torch.Tensor) -> torch.Tensor:
    """Return the audio tokens (n_audio_tokens, hidden) that follow from the states of :func:`frozen_states`."""
    if alm.tower is None:
        return states
    with torch.no_grad():
        return parts(alm.model).projector(states.to(alm.device))


def seconds_cut(alm: LoadedALM, waveform: np.ndarray) -> float:
    """Return how many seconds at the end of a clip (16 kHz) are cut off."""
    longest = family_of(alm.model).longest(alm.processor)
    return 0.0 if longest is None else max(0.0, len(waveform) / SAMPLE_RATE - longest)


def embed_prompts(alm: LoadedALM, texts: list[str], audio: list[torch.Tensor | None]) -> dict[str, torch.Tensor]:
    """Embed rendered prompts, with the clip's audio tokens in place of its placeholder.

    Rows are padded on the left; positions count from 0 at the first real token, so that a
    row's result does not depend on what it is batched with.

    Args:
        alm: The model.
        texts: B rendered prompts, each with one audio placeholder where ``audio`` is given.
        audio: For each prompt the clip of :func:`encode_audio`, or None.

    Returns:
        ``inputs_embeds`` (B, T, H), ``attention_mask`` (B, T) and ``position_ids`` (B, T).

    Raises:
        ValueError: A prompt's placeholders do not match its audio.
    """
    return embed_tokens(alm, prompt_tokens(alm, texts, audio), audio)


def prompt_tokens(alm: LoadedALM, texts: list[str], audio: list[torch.Tensor | None]) -> list[list[int]]:
    """Do the first half of :func:`embed_prompts`: token ids, a placeholder for each audio token of the clip."""
    placeholder = alm.processor.audio_token
    for row, (text, clip) in enumerate(zip(texts, audio, strict=True)):
        if text.count(placeholder) != int(clip is not None):
            raise ValueError(
                f"prompt {row} has {text.count(placeholder)} audio placeholders and {int(clip is not None)} clips"
            )
    tokenize, token = family_of(alm.model).tokenize, alm.tokenizer.convert_tokens_to_ids(placeholder)
    rows = [tokenize(alm.tokenizer, text) for text in texts]
    return [_expanded(row, token, clip) for row, clip in zip(rows, audio, strict=True)]


def _expanded(row: list[int], token: int, clip: torch.Tensor | None) -> list[int]:
    """Return token ids with one placeholder for each audio token of the clip."""
    if clip is None:
        return row
    place = row.index(token)
    return row[:place] + [token] * len(clip) + row[place + 1 :]


def embed_tokens(alm: LoadedALM, rows: list[list[int]], audio: list[torch.Tensor | None]) -> dict[str, torch.Tensor]:
    """Do what :func:`embed_prompts` does, for rows of token ids with the placeholders already expanded."""
    width = max(map(len, rows))
    token = alm.tokenizer.convert_tokens_to_ids(alm.processor.audio_token)
    padding = alm.tokenizer.pad_token_id or 0
    ids = torch.tensor([[padding] * (width - len(row)) + row for row in rows], device=alm.device)
    lengths = torch.tensor([len(row) for row in rows], device=alm.device)
    mask = (torch.arange(width, device=alm.device)[None, :] >= width - lengths[:, None]).long()
    # Some placeholder ids lie beyond the embedding table; their substitutes are overwritten below.
    embeddable = ids.masked_fill(ids == token, padding)
    embeds = parts(alm.model).language_model.get_input_embeddings()(embeddable)
    clips = [clip for clip in audio if clip is not None]
    if clips:
        values = torch.cat(clips).to(embeds.device, embeds.dtype)
        places = (ids == token) & mask.bool()
        if int(places.sum()) != len(values):
            raise ValueError(f"{int(places.sum())} audio placeholders for {len(values)} audio tokens")
        embeds = embeds.masked_scatter(places[..., None], values)
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    return {"inputs_embeds": embeds, "attention_mask": mask, "position_ids": positions}
