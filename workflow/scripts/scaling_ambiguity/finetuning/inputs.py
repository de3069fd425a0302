"""Model inputs, made by one function for training, validation and test alike."""

from array import array

import numpy as np
import torch

from scaling_ambiguity.alms.encoded_clips import encoder_of
from scaling_ambiguity.alms.encoding_shards import encode_clips
from scaling_ambiguity.alms.inputs import audio_tokens, embed_tokens, encode_audio, prompt_tokens
from scaling_ambiguity.alms.loading import LoadedALM
from scaling_ambiguity.progress import progress
from scaling_ambiguity.proxies.prompts import PromptSet, render
from scaling_ambiguity.training.examples import Examples, refuse_unheard


class FrozenInputs:
    """Prompts and encoder outputs of a list of examples.

    The audio encoder and projector are frozen. Where the corpus' encoder outputs are on disk, a
    clip is taken from there, mapped into memory; other clips (augmented ones, or all) are encoded
    here, once for all steps and seeds, and kept in main memory. The numbers are the same.

    Attributes:
        examples: The examples, in order.
        audio_sha256: Hash of each clip's samples.
    """

    def __init__(self, alm: LoadedALM, prompts: PromptSet, examples: Examples, classes: list[str], what: str):
        """Take or encode every clip of ``examples``; ``what`` names the progress bar.

        Raises:
            UserError: An example has no audio or too little of it, or the outputs on disk come from another model or
                sound.
        """
        self.examples = examples
        self._alm = alm
        clips = examples.taken(encoder_of(alm))
        missing = [(name, path) for name, path in examples.sounds() if name not in clips]
        unheard: dict[str, str] = {}
        clips |= progress(encode_clips(alm, missing, unheard), f"encode {what}", total=len(missing), unit="clip")
        refuse_unheard(unheard)
        self.audio_sha256 = [clips[name].samples_sha256 for name in examples.utterances]
        self._audio = [audio_tokens(alm, clips[name].tokens).cpu() for name in examples.utterances]
        self._texts = [
            render(alm.processor, prompts, prompts.focus_ids[0], transcript, classes, "both")
            for transcript in examples.transcripts
        ]
        self._tokens: dict[int, array] = {}  # of the rows needed so far; tokenising is most of the work of a batch

    def __len__(self) -> int:
        return len(self.examples)

    def encode(self, waveform: np.ndarray) -> torch.Tensor:
        """Return the encoder's output for a clip that is not among the examples, on the CPU; it is not kept."""
        with torch.autocast(self._alm.device.type, enabled=False):
            return encode_audio(self._alm, [waveform])[0].detach().cpu()

    def batch(self, rows: list[int], altered: dict[int, torch.Tensor] | None = None) -> dict[str, torch.Tensor]:
        """Return the model inputs of ``rows``: inputs_embeds (B, T, H), attention_mask and position_ids (B, T).

        ``altered`` holds, by row, the output of :meth:`encode` for a clip that replaces the row's own.
        """
        others = altered or {}
        audio = [others.get(row, self._audio[row]).to(self._alm.device) for row in rows]
        for row in rows:
            if row not in self._tokens and row not in others:
                self._tokens[row] = array("i", self._expanded(row, self._audio[row]))
        tokens = [self._expanded(row, others[row]) if row in others else self._tokens[row].tolist() for row in rows]
        return embed_tokens(self._alm, tokens, audio)

    def _expanded(self, row: int, clip: torch.Tensor) -> list[int]:
        """Return the token ids of a row's prompt about ``clip``."""
        return prompt_tokens(self._alm, [self._texts[row]], [clip])[0]

    def lengths(self) -> list[int]:
        """Return the number of tokens of each prompt, audio included."""
        tokens = self._alm.tokenizer(self._texts, add_special_tokens=False)["input_ids"]
        # The placeholder of a clip is one token of the text and len(clip) tokens of the input.
        return [len(row) - 1 + len(clip) for row, clip in zip(tokens, self._audio, strict=True)]

    def targets(self, rows: list[int]) -> torch.Tensor:
        """Return the label distributions of ``rows``, float32 (B, C).

        Raises:
            ValueError: These examples have no labels (the test part).
        """
        if self.examples.targets is None:
            raise ValueError("the test part has no targets")
        return torch.from_numpy(self.examples.targets[rows]).to(self._alm.device, torch.float32)
