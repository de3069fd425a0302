"""Clips and prompts as the embeddings a language model reads; a clip is encoded once, whatever is asked about it."""

import warnings

import numpy as np
import torch
from transformers.masking_utils import create_bidirectional_mask

from scaling_ambiguity.alms.audio import SAMPLE_RATE
from scaling_ambiguity.alms.loading import LoadedALM
from scaling_ambiguity.alms.parts import Parts, parts
from scaling_ambiguity.errors import UserError

CLIPS_AT_ONCE = 16


def encode_audio(alm: LoadedALM, waveforms: list[np.ndarray]) -> list[torch.Tensor]:
    """Run the audio tower and the projector, once a clip.

    Args:
        alm: The model.
        waveforms: Mono clips at 16 kHz; what exceeds the model's window is cut, with a warning.

    Returns:
        For each clip its audio tokens, (n_audio_tokens, hidden), without gradient.

    Raises:
        UserError: A clip is too short for a single audio token.
    """
    window = alm.processor.feature_extractor.n_samples
    too_long = sum(len(waveform) > window for waveform in waveforms)
    if too_long:
        warnings.warn(
            f"{too_long} clips are longer than the model's {window / SAMPLE_RATE:g} s and are cut", stacklevel=2
        )
    encoded: list[torch.Tensor] = []
    with torch.no_grad():
        for start in range(0, len(waveforms), CLIPS_AT_ONCE):
            features, mask = mel_features(alm.processor, waveforms[start : start + CLIPS_AT_ONCE])
            encoded += encode_features(parts(alm.model), features.to(alm.device), mask.to(alm.device))
    return encoded


def mel_features(processor, waveforms: list[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
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
        For each row its (n_audio_tokens, hidden); n_audio_tokens follows from the frames that hold sound.
    """
    tower = modules.audio_tower
    frame_lengths, token_lengths = tower._get_feat_extract_output_lengths(mask.sum(-1))
    if int(token_lengths.min()) < 1:
        raise UserError(
            f"clip {int(token_lengths.argmin())} of the batch is too short for a single audio token; leave it out."
        )
    longest = (features.shape[-1] - 2) // 2 + 1
    padding = torch.arange(longest, device=features.device)[None, :] < frame_lengths[:, None]
    attention = create_bidirectional_mask(
        config=tower.config,
        inputs_embeds=torch.zeros(len(features), longest, 1, dtype=tower.conv1.weight.dtype, device=features.device),
        attention_mask=padding.long(),
    )
    hidden = modules.projector(tower(features, attention_mask=attention).last_hidden_state)
    return [row[:length] for row, length in zip(hidden, token_lengths.tolist(), strict=True)]


def embed_prompts(alm: LoadedALM, texts: list[str], audio: list[torch.Tensor | None]) -> dict[str, torch.Tensor]:
    """Embed rendered prompts, the clip's audio tokens in the place of its placeholder.

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
    placeholder = alm.processor.audio_token
    for row, (text, clip) in enumerate(zip(texts, audio, strict=True)):
        if text.count(placeholder) != int(clip is not None):
            raise ValueError(
                f"prompt {row} has {text.count(placeholder)} audio placeholders and {int(clip is not None)} clips"
            )
    expanded = [
        text if clip is None else text.replace(placeholder, placeholder * len(clip))
        for text, clip in zip(texts, audio, strict=True)
    ]
    return embed_tokens(alm, [alm.tokenizer(text, add_special_tokens=False)["input_ids"] for text in expanded], audio)


def embed_tokens(alm: LoadedALM, rows: list[list[int]], audio: list[torch.Tensor | None]) -> dict[str, torch.Tensor]:
    """Do what :func:`embed_prompts` does, for rows that are token ids with the placeholders already expanded."""
    width = max(map(len, rows))
    token = alm.tokenizer.convert_tokens_to_ids(alm.processor.audio_token)
    padding = alm.tokenizer.pad_token_id or 0
    ids = torch.tensor([[padding] * (width - len(row)) + row for row in rows], device=alm.device)
    lengths = torch.tensor([len(row) for row in rows], device=alm.device)
    mask = (torch.arange(width, device=alm.device)[None, :] >= width - lengths[:, None]).long()
    embeds = parts(alm.model).language_model.get_input_embeddings()(ids)
    clips = [clip for clip in audio if clip is not None]
    if clips:
        values = torch.cat(clips).to(embeds.device, embeds.dtype)
        places = (ids == token) & mask.bool()
        if int(places.sum()) != len(values):
            raise ValueError(f"{int(places.sum())} audio placeholders for {len(values)} audio tokens")
        embeds = embeds.masked_scatter(places[..., None], values)
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    return {"inputs_embeds": embeds, "attention_mask": mask, "position_ids": positions}
