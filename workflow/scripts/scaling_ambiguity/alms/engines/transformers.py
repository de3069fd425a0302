"""Engine `transformers`: an audio-language model in this process."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from scaling_ambiguity.alms.beams import beam_answers
from scaling_ambiguity.alms.drawing import draw_labels
from scaling_ambiguity.alms.encoded_clips import EncodedClips
from scaling_ambiguity.alms.encodings import Clip, Encodings
from scaling_ambiguity.alms.engine import BatchEngine, Capability
from scaling_ambiguity.alms.families.adapters import has_adapters, switch_adapters
from scaling_ambiguity.alms.forwards import MOST_PLACES, Forwards, Item, left, shapes_of
from scaling_ambiguity.alms.inputs import embed_prompts
from scaling_ambiguity.alms.loading import LoadedALM, load_alm
from scaling_ambiguity.alms.prefix import Group, shared_prefixes
from scaling_ambiguity.alms.questions import Answer, Question
from scaling_ambiguity.alms.readout import read_labels
from scaling_ambiguity.alms.sampling import LONGEST_ANSWER, sample_answers
from scaling_ambiguity.alms.scoring import label_tokens
from scaling_ambiguity.errors import UserError

_KNOWN = {
    "checkpoint", "encoded", "encoder", "encodings", "engine", "gpus", "known_as", "max_tokens", "places", "revision",
    "shared_prefix", "trained_on", "training", "trust_remote_code",
}  # fmt: skip


@dataclass(frozen=True)
class _Asked:
    """Questions: the row of each one's prompt, the rows' inputs, and the groups of rows that share a prefix."""

    questions: list[Question]
    rows: list[int]
    inputs: dict[str, torch.Tensor]
    groups: list[Group]

    def items(self, keys: list[tuple[int, int]]) -> list[Item]:
        """Return the items from which forwards are cut, for pairs of key and row."""
        shapes = shapes_of(self.inputs["attention_mask"].sum(-1).tolist(), self.groups)
        return [Item(key, row, *shapes[row]) for key, row in keys]

    def inputs_of(self, piece: list[Item]) -> tuple[list[int], dict[str, torch.Tensor], list[Group]]:
        """Return the rows of some items of one shape, their inputs, and their groups if they share a prefix."""
        rows = list(dict.fromkeys(item.row for item in piece))
        (head, rest), place = piece[0].shape, {row: place for place, row in enumerate(rows)}
        groups = []
        for members, prefix in self.groups if head else []:
            inside = [place[row] for row in members if row in place]
            groups += [(inside, prefix)] if inside else []
        return rows, left(self.inputs, rows, head + rest), groups


class Engine(BatchEngine):
    """Answers batches of questions with one encoding per clip and one prefill per prompt.

    The distribution is softmax(logits / temperature) over the whole vocabulary, temperature being the
    question's: transformers' ``generate`` is not called, so nothing of a checkpoint's generation_config
    (top_k, top_p, repetition penalty, temperature) can reach it.

    Attributes:
        revision: What answers are stored under in addition to the model's name: the weights, and whether
            prompts about one clip share the reading of their common prefix, which changes last digits.
    """

    capabilities: frozenset[Capability] = frozenset({"sample", "beam", "read_labels"})
    clips_at_once = 8
    repeats = True

    def __init__(
        self,
        alm: LoadedALM,
        model: str,
        longest: int = LONGEST_ANSWER,
        shared_prefix: bool = False,
        encoded: EncodedClips | None = None,
        places: int = MOST_PLACES,
        revision: str | None = None,
    ) -> None:
        self.alm = alm
        self.longest = longest
        self.model = model
        self.shared = shared_prefix
        self.revision = (revision or alm.revision) + (" shared_prefix" if shared_prefix else "")
        self.processor = alm.processor
        self.encodings = Encodings(alm, shared=encoded)
        self.forwards = Forwards(alm, places)

    def remarks(self) -> list[str]:
        """Report how many sounds were encoded here although encoder outputs were given; see :class:`Encodings`."""
        missed = len(self.encodings.missed)
        return [f"{missed} sounds were not among the encoder outputs and were encoded here"] if missed else []

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

        Returns:
            In the order of the questions; for those about a clip without audio tokens, why there is no answer.
        """
        clips, cut = self.encodings.tokens(self.prepare(questions) if prepared is None else prepared)
        answers = {
            place: Answer("", None, None, False, fault=self.encodings.unheard[q.audio])
            for place, q in enumerate(questions)
            if q.audio is not None and q.audio not in clips
        }
        asked = [place for place in range(len(questions)) if place not in answers]
        for heard, places in _groups(questions, asked, has_adapters(self.alm.model)):
            if heard is not None:
                switch_adapters(self.alm.model, heard)
            batch_answers = self._ask([questions[place] for place in places], clips, uniform)
            answers |= dict(zip(places, batch_answers, strict=True))
        if has_adapters(self.alm.model):
            switch_adapters(self.alm.model, True)
        return [
            replace(answers[place], seconds_cut=cut[q.audio]) if q.audio and cut.get(q.audio) else answers[place]
            for place, q in enumerate(questions)
        ]

    def _ask(
        self, questions: list[Question], clips: dict[Path, torch.Tensor], uniform: Callable[..., float]
    ) -> list[Answer]:
        """Answer questions that are all generated, all of one number of beams, or all read out with the same labels."""
        if questions[0].beam is not None:
            return self._searched(questions, clips)
        prompts = list(dict.fromkeys((q.audio, q.prompt) for q in questions))
        if self.shared:  # neighbours share; sorting is stable, the order of clips is kept
            order = {audio: place for place, audio in enumerate(dict.fromkeys(audio for audio, _ in prompts))}
            prompts.sort(key=lambda prompt: order[prompt[0]])
        row_of = {prompt: row for row, prompt in enumerate(prompts)}
        heard = [None if audio is None else clips[audio] for audio, _ in prompts]
        inputs = embed_prompts(self.alm, [text for _, text in prompts], heard)
        asked = _Asked(questions, [row_of[q.audio, q.prompt] for q in questions], inputs, self._grouped(inputs))
        return self._generated(asked, uniform) if questions[0].labels is None else self._read_out(asked, uniform)

    def _searched(self, questions: list[Question], clips: dict[Path, torch.Tensor]) -> list[Answer]:
        """Answer by one beam search per prompt; a search may find fewer answers than beams."""
        searched: dict[tuple[Path | None, str], list[Answer]] = {}
        answers = []
        for question in questions:
            rank, beams = question.beam or (0, 0)
            asked = question.audio, question.prompt
            if asked not in searched:
                clip = None if question.audio is None else clips[question.audio]
                inputs = embed_prompts(self.alm, [question.prompt], [clip])
                searched[asked] = beam_answers(self.alm, inputs, beams, self.longest)
            missing = Answer("", None, None, False, fault=f"the search found {len(searched[asked])} answers")
            answers.append(searched[asked][rank] if rank < len(searched[asked]) else missing)
        return answers

    def _grouped(self, inputs: dict[str, torch.Tensor]) -> list[Group]:
        if self.shared:
            return shared_prefixes(inputs)
        return [([row], 0) for row in range(len(inputs["attention_mask"]))]

    def _generated(self, asked: _Asked, uniform: Callable[..., float]) -> list[Answer]:
        answers: dict[int, Answer] = {}

        def sample(piece: list[Item]) -> None:
            rows, inputs, groups = asked.inputs_of(piece)
            chosen = [asked.questions[item.key] for item in piece]
            sampled = sample_answers(
                self.alm,
                inputs,
                [rows.index(item.row) for item in piece],
                [q.temperature for q in chosen],
                lambda draw, step: uniform(*chosen[draw].stream, step),
                self.longest,
                groups,
            )
            answers.update(zip([item.key for item in piece], sampled, strict=True))

        self.forwards.run(asked.items(list(enumerate(asked.rows))), sample, kept=True, behind=self.longest)
        return [answers[place] for place in range(len(asked.questions))]

    def _read_out(self, asked: _Asked, uniform: Callable[..., float]) -> list[Answer]:
        labels = list(asked.questions[0].labels or ())
        tokens = label_tokens(self.alm, labels)
        scores = torch.zeros(len(asked.inputs["attention_mask"]), len(labels), dtype=torch.float64)

        def read(piece: list[Item]) -> None:
            rows, inputs, groups = asked.inputs_of(piece)
            scores[rows] = read_labels(self.alm, inputs, labels, groups).cpu()

        behind = sum(len(row) - 1 for row in tokens)
        self.forwards.run(asked.items([(row, row) for row in range(len(scores))]), read, kept=False, behind=behind)
        heat = [q.temperature for q in asked.questions]
        stream = [q.stream for q in asked.questions]
        return draw_labels(
            scores.numpy(), labels, list(map(len, tokens)), asked.rows, heat, lambda draw: uniform(*stream[draw], 0)
        )


def _groups(questions: Sequence[Question], asked: list[int], adapted: bool) -> list[tuple[bool | None, list[int]]]:
    """Return the positions, among ``asked``, of questions answered together, and whether adapters are to be on.

    The latter is None where the model has no adapters of its own. Generated, searched and read-out answers are
    separate, as are different label sets and numbers of beams and, where it has adapters, questions with and without a
    clip.
    """
    groups: dict[tuple, list[int]] = {}
    for place in asked:
        question = questions[place]
        heard = question.audio is not None if adapted else None
        beams = None if question.beam is None else question.beam[1]
        groups.setdefault((heard, question.labels, beams), []).append(place)
    return [(heard, places) for (heard, _, _), places in groups.items()]


def open_engine(entry: dict) -> Engine:
    """Open the model of an ``alms`` entry.

    ``places`` bounds the tokens x rows of a forward; memory bounds them anyway. A job adds ``encoded``, the folders of
    the clips' encoder outputs, and ``known_as``, model and revision under which answers of a member of a cross-fitted
    model are stored.

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
    identity = entry.get("known_as", {"model": entry["checkpoint"], "revision": alm.revision})
    return Engine(
        alm, identity["model"], longest, shared, encoded, entry.get("places", MOST_PLACES), identity["revision"]
    )
