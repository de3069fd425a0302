"""A processor with the parts that annotation needs, opened without a checkpoint's image and video parts."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoTokenizer, WhisperFeatureExtractor
from transformers.processing_utils import ProcessorMixin

from scaling_ambiguity.corpora.heard import SAMPLE_RATE
from scaling_ambiguity.errors import UserError


@dataclass
class Pieces:
    """Feature extractor, tokenizer and chat template.

    The processors of models that also read images need torchvision, and some need torchaudio, only to be
    opened; here neither is needed.

    Attributes:
        feature_extractor: Waveform to features.
        tokenizer: Text to tokens.
        audio_token: The placeholder of a clip in a rendered prompt.
        chat_template: Jinja; None: the tokenizer's own.
        flat: The template takes a message's content as text that contains the clip's placeholder.
    """

    feature_extractor: Any
    tokenizer: Any
    audio_token: str
    chat_template: str | None = None
    flat: bool = False

    def apply_chat_template(
        self, conversation: list[dict], add_generation_prompt: bool = True, tokenize: bool = False
    ) -> str:
        """Return the conversation as text in the model's format."""
        if self.flat:
            conversation = [{"role": turn["role"], "content": self.flatten(turn["content"])} for turn in conversation]
        return self.tokenizer.apply_chat_template(
            conversation,
            chat_template=self.chat_template,
            add_generation_prompt=add_generation_prompt,
            tokenize=tokenize,
        )

    def flatten(self, content: str | list[dict]) -> str:
        """Return a message's content as one text, with the placeholder where the clip is."""
        if isinstance(content, str):
            return content
        return "".join(self.audio_token if part["type"] == "audio" else part["text"] for part in content)


def open_tokenizer(checkpoint: str | Path, options: dict) -> tuple[Any, str | None]:
    """Return the tokenizer, and the chat template from wherever the checkpoint stores it."""
    tokenizer = AutoTokenizer.from_pretrained(checkpoint, **options)
    template = getattr(tokenizer, "chat_template", None)
    if template is None:
        template = ProcessorMixin.get_processor_dict(checkpoint, **options)[0].get("chat_template")
    return tokenizer, template


def open_pieces(checkpoint: str | Path, options: dict, audio_token: str) -> Pieces:
    """Open the pieces of a model that hears through Whisper's features.

    Raises:
        UserError: The tokenizer has no such placeholder, or there is no chat template.
    """
    tokenizer, template = open_tokenizer(checkpoint, options)
    check_pieces(checkpoint, tokenizer, template, audio_token)
    extractor = WhisperFeatureExtractor.from_pretrained(checkpoint, **options)
    return Pieces(extractor, tokenizer, audio_token, template)


def check_pieces(checkpoint: str | Path, tokenizer: Any, template: str | None, audio_token: str) -> None:
    """Check that the tokenizer has the placeholder and that there is a chat template.

    Raises:
        UserError: It has not, or there is none.
    """
    if audio_token not in tokenizer.get_vocab():
        raise UserError(f"{checkpoint}: its tokenizer has no {audio_token!r}; the files are not from one checkpoint.")
    if template is None:
        raise UserError(f"{checkpoint}: has no chat template (chat_template.jinja); fetch the whole checkpoint.")


def whisper_features(extractor: WhisperFeatureExtractor, clip: np.ndarray) -> torch.Tensor:
    """Return the log-mel features (n_mels, frames) of a clip, without any padding.

    The same numbers as with the clip padded to the extractor's whole window and the padding's
    frames taken away, without computing a window of minutes: one transform's length of silence is
    enough for the last frames to come out the same.
    """
    length = len(clip) + extractor.n_fft
    batch = extractor(
        [clip],
        sampling_rate=SAMPLE_RATE,
        padding="max_length",
        max_length=length + -length % extractor.hop_length,
        truncation=False,
        return_attention_mask=True,
        return_tensors="pt",
    )
    return batch["input_features"][0][:, batch["attention_mask"][0].bool()]


def windows(extractor: WhisperFeatureExtractor, clip: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Return features (W, n_mels, frames) and frame mask (W, frames) of a clip cut into whole windows."""
    size = extractor.n_samples
    batch = extractor(
        [clip[start : start + size] for start in range(0, len(clip), size)],
        sampling_rate=SAMPLE_RATE,
        padding="max_length",
        return_attention_mask=True,
        return_tensors="pt",
    )
    return batch["input_features"], batch["attention_mask"]
