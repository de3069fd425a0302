"""Engine `transformers`: an audio-language model in this process."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from scaling_ambiguity.alms.encoded_clips import EncodedClips
from scaling_ambiguity.alms.encodings import Clip, Encodings
from scaling_ambiguity.alms.families.adapters import has_adapters, switch_adapters
from scaling_ambiguity.alms.inputs import embed_prompts
from scaling_ambiguity.alms.loading import LoadedALM, load_alm
from scaling_ambiguity.alms.questions import Answer, Question
from scaling_ambiguity.alms.readout import draw_labels, read_labels
from scaling_ambiguity.alms.sampling import LONGEST_ANSWER, sample_answers
from scaling_ambiguity.alms.scoring import label_tokens
from scaling_ambiguity.errors import UserError

_KNOWN = {
    "encoded", "encodings", "engine", "checkpoint", "gpus", "max_tokens", "revision", "shared_prefix",
    "trust_remote_code", "trained_on", "training",
}  # fmt: skip


class Engine:
    """Answers batches of questions with one encoding a clip and one prefill a prompt.

    The distribution is softmax(logits / temperature) over the whole vocabulary, temperature being the
    question's: transformers' ``generate`` is not called, so nothing of a checkpoint's generation_config
    (top_k, top_p, repetition penalty, temperature) can reach it.

    Attributes:
        revision: What answers are filed under beside the model's name: the weights, and whether
            prompts about one clip share the reading of what they begin with, which changes last digits.
    """

    def __init__(
        self,
        alm: LoadedALM,
        model: str,
        longest: int = LONGEST_ANSWER,
        shared_prefix: bool = False,
        encoded: EncodedClips | None = None,
    ) -> None:
        self.alm = alm
        self.longest = longest
        self.model = model
        self.shared = shared_prefix
        self.revision = f"{alm.revision} shared_prefix" if shared_prefix else alm.revision
        self.processor = alm.processor
        self.encodings = Encodings(alm, shared=encoded)

    def prepare(self, questions: Sequence[Question]) -> list[Clip]:
        """Read the sound files that questions are about and compute their features; needs no weights.

        May run in another thread while :meth:`answer` is at work on other questions.
        """
        return self.encodings.prepare(list(dict.fromkeys(q.audio for q in questions if q.audio is not None)))

    def answer(
        self, questions: Sequence[Question], uniform: Callable[..., float], prepared: list[Clip] | None = None
    ) -> list[Answer]:
        """Return an answer to each question.

        Args:
            questions: Any number; those about one clip share its encoding, those with one clip
                and prompt share their prefill.
            uniform: ``uniform(*stream, step)`` in [0, 1).
            prepared: What :meth:`prepare` returned for the same questions; None: it is done now.
        """
        clips, cut = self.encodings.tokens(self.prepare(questions) if prepared is None else prepared)
        answers: dict[int, Answer] = {}
        for heard, places in _groups(questions, has_adapters(self.alm.model)):
            if heard is not None:
                switch_adapters(self.alm.model, heard)
            found = self._ask([questions[place] for place in places], clips, uniform)
            answers |= dict(zip(places, found, strict=True))
        if has_adapters(self.alm.model):
            switch_adapters(self.alm.model, True)
        return [
            replace(answers[place], seconds_cut=cut[q.audio]) if cut.get(q.audio) else answers[place]
            for place, q in enumerate(questions)
        ]

    def _ask(
        self, questions: list[Question], clips: dict[Path, torch.Tensor], uniform: Callable[..., float]
    ) -> list[Answer]:
        """Answer questions that are all generated, or all read out with the same labels."""
        prompts = list(dict.fromkeys((q.audio, q.prompt) for q in questions))
        if self.shared:  # neighbours share; sorting is stable, what is heard first stays first
            order = {audio: place for place, audio in enumerate(dict.fromkeys(audio for audio, _ in prompts))}
            prompts.sort(key=lambda prompt: order[prompt[0]])
        row_of = {prompt: row for row, prompt in enumerate(prompts)}
        heard = [None if audio is None else clips[audio] for audio, _ in prompts]
        inputs = embed_prompts(self.alm, [text for _, text in prompts], heard)
        rows = [row_of[q.audio, q.prompt] for q in questions]
        heat = [q.temperature for q in questions]
        if questions[0].labels is None:
            return sample_answers(
                self.alm,
                inputs,
                rows,
                heat,
                lambda draw, step: uniform(*questions[draw].stream, step),
                self.longest,
                self.shared,
            )
        labels = list(questions[0].labels)
        lengths = [len(tokens) for tokens in label_tokens(self.alm, labels)]
        scores = read_labels(self.alm, inputs, labels, self.shared)
        return draw_labels(scores, labels, lengths, rows, heat, lambda draw: uniform(*questions[draw].stream, 0))


def _groups(questions: Sequence[Question], adapted: bool) -> list[tuple[bool | None, list[int]]]:
    """Return the places of questions that are asked together, and whether adapters are to be on (None: there are none).

    Generated and read-out answers are apart, and so are other label sets; where the model has adapters of
    its own, so are questions with and without a clip.
    """
    groups: dict[tuple, list[int]] = {}
    for place, question in enumerate(questions):
        heard = question.audio is not None if adapted else None
        groups.setdefault((heard, question.labels), []).append(place)
    return [(heard, places) for (heard, _), places in groups.items()]


def open_engine(entry: dict) -> Engine:
    """Open the model of an ``alms`` entry (``checkpoint``, ``revision``, ``trust_remote_code``, ``shared_prefix``).

    ``encoded``, which a job adds to it, are the folders of the clips' encoder outputs.

    Raises:
        UserError: An unknown key, no checkpoint, one that cannot be opened, or encoder outputs of another one.
    """
    unknown = set(entry) - _KNOWN
    if unknown or "checkpoint" not in entry:
        raise UserError(
            f"alms entry: needs `checkpoint`; unknown keys {sorted(unknown)}; "
            f"engine `transformers` knows {sorted(_KNOWN)}."
        )
    options = {key: entry[key] for key in ("revision", "trust_remote_code") if key in entry}
    alm = load_alm(entry["checkpoint"], **options)
    longest, shared = entry.get("max_tokens", LONGEST_ANSWER), entry.get("shared_prefix", False)
    encoded = EncodedClips(entry["encoded"]) if entry.get("encoded") else None
    return Engine(alm, entry["checkpoint"], longest, shared, encoded)
