"""Model inputs, made by one function for training, validation and test alike."""

import hashlib
from array import array

import torch

from scaling_ambiguity.alms.audio import load_waveform
from scaling_ambiguity.alms.inputs import embed_tokens, encode_audio, prompt_tokens
from scaling_ambiguity.alms.loading import LoadedALM
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.finetuning.examples import Examples
from scaling_ambiguity.progress import progress
from scaling_ambiguity.proxies.prompts import PromptSet, render

CHUNK = 64


class FrozenInputs:
    """Prompts and encoder outputs of a list of examples.

    The audio encoder and projector are frozen, so each clip is encoded once and its output
    shared by all steps and seeds; it is kept in main memory.

    Attributes:
        examples: The examples, in order.
        audio_sha256: Hash of each clip's samples, None where there is no audio.
    """

    def __init__(self, alm: LoadedALM, prompts: PromptSet, examples: Examples, classes: list[str], what: str):
        """Read, hash and encode every clip of ``examples``; ``what`` names the progress bar."""
        self.examples = examples
        self._alm = alm
        focus = prompts.focus_ids[0]
        self.audio_sha256: list[str | None] = []
        self._audio: list[torch.Tensor | None] = []
        self._texts: list[str] = []
        self._tokens: dict[int, array] = {}  # of the rows that were needed; most of the work of a batch
        for start in progress(range(0, len(examples), CHUNK), f"encode {what}", unit=f"x{CHUNK}"):
            chunk = slice(start, start + CHUNK)
            paths = examples.paths[chunk]
            if None in paths:
                raise UserError(f"{examples.utterances[start + paths.index(None)]}: no audio; fine-tuning needs it.")
            waveforms = [load_waveform(path) for path in paths]
            self.audio_sha256 += [hashlib.sha256(wave.tobytes()).hexdigest() for wave in waveforms]
            self._audio += [encoded.detach().cpu() for encoded in encode_audio(alm, waveforms)]
            self._texts += [
                render(alm.processor, prompts, focus, transcript, classes, "both")
                for transcript in examples.transcripts[chunk]
            ]

    def __len__(self) -> int:
        return len(self.examples)

    def batch(self, rows: list[int]) -> dict[str, torch.Tensor]:
        """Return the model inputs of ``rows``: inputs_embeds (B, T, H), attention_mask and position_ids (B, T)."""
        audio = [self._audio[row].to(self._alm.device) for row in rows]
        for row, clip in zip(rows, audio, strict=True):
            if row not in self._tokens:
                self._tokens[row] = array("i", prompt_tokens(self._alm, [self._texts[row]], [clip])[0])
        return embed_tokens(self._alm, [self._tokens[row].tolist() for row in rows], audio)

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
