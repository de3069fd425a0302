"""Train projector and language model of a small model behind its frozen audio tower."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from scaling_ambiguity.alms.inputs import audio_features, embed_prompts, frozen_states
from scaling_ambiguity.alms.loading import LoadedALM
from scaling_ambiguity.alms.parts import parts
from scaling_ambiguity.alms.scoring import label_log_probabilities
from scaling_ambiguity.alms.tiny.answers import Lesson
from scaling_ambiguity.alms.tiny.frozen import fold_whitening, moments, start_projector
from scaling_ambiguity.alms.tiny.sound import FrozenSound
from scaling_ambiguity.alms.tiny.training import Selection, train
from scaling_ambiguity.seeds import generator

EVERY = 100  # steps between validations
CLIPS_AT_ONCE = 64  # in a validation


@dataclass(frozen=True)
class Course:
    """Clips to learn from, or to validate on.

    Attributes:
        states: Outputs of the audio tower, (n_audio_tokens, D) per clip.
        lessons: Prompts and label distribution of each clip; validation uses the first prompt.
    """

    states: Sequence[torch.Tensor]
    lessons: Sequence[Lesson]

    @property
    def targets(self) -> torch.Tensor:
        """Label distributions, float32 (n, C)."""
        return torch.tensor(np.array([lesson.target for lesson in self.lessons]), dtype=torch.float32)


def train_member(
    alm: LoadedALM, course: Course, validation: Course, classes: list[str], options: dict[str, Any], seed: int
) -> dict[str, float]:
    """Train ``alm.model`` in place; its audio tower stays as it is. Return losses in nats.

    First a perceptron on mean states is trained, whose first layer the projector starts from, then projector and
    language model together. A share of lessons consists of silence with the class shares as target: the model has to
    learn that silence says nothing.

    Args:
        alm: The untrained model, on the CPU.
        course: The training clips.
        validation: Clips of other speakers, on which the best step is chosen.
        classes: C label words, each one token.
        options: ``steps``, ``batch``, ``learning_rate`` and ``silence``, the share of silent lessons (0 unless given).
        seed: The same seed gives the same weights.

    Returns:
        ``perceptron`` and ``validation``, the losses on the validation clips, and ``training``, that of the last steps.
    """
    mean, spread = moments(course.states)
    projector = parts(alm.model).projector
    started = start_projector(
        projector,
        _means(course, mean, spread),
        course.targets,
        (_means(validation, mean, spread), validation.targets),
        seed,
    )
    silent = _silence(alm, course, options.get("silence", 0.0), seed)
    sound = FrozenSound(alm, [*course.states, *silent.states], mean, spread)
    held_out = FrozenSound(alm, validation.states, mean, spread)
    selection = Selection(EVERY, lambda: _loss(alm, held_out, validation, classes))
    lessons = [*course.lessons, *silent.lessons]
    losses = train(alm, lessons, sound, classes, options, seed, selection)
    report = {"perceptron": started, "validation": selection.loss(), "training": float(np.mean(losses[-20:]))}
    fold_whitening(projector, mean, spread)
    return report


def _means(course: Course, mean: torch.Tensor, spread: torch.Tensor) -> torch.Tensor:
    """Return the mean whitened state of each clip, (n, D)."""
    return (torch.stack([clip.float().mean(0) for clip in course.states]) - mean) / spread


def _silence(alm: LoadedALM, course: Course, share: float, seed: int) -> Course:
    """Return silent lessons, as many as ``share`` of all, as long as randomly chosen clips and with their prompts."""
    draw = generator(seed, "tiny", "silence")
    count = round(share * len(course.states))
    if not count:
        return Course([], [])
    longest = alm.processor.feature_extractor.n_samples
    silence = frozen_states(alm, audio_features(alm, [np.zeros(longest, dtype=np.float32)]))[0]
    shares = course.targets.double().mean(0).numpy()
    chosen = draw.integers(len(course.states), size=count)
    target = shares / shares.sum()
    lessons = [replace(course.lessons[i], target=target) for i in chosen]
    return Course([silence[: len(course.states[i])] for i in chosen], lessons)


@torch.no_grad()
def _loss(alm: LoadedALM, sound: FrozenSound, validation: Course, classes: list[str]) -> float:
    """Return the soft cross-entropy of the read-out of the first prompt, nats per clip."""
    order = np.argsort(sound.lengths, kind="stable")
    total = 0.0
    for start in range(0, len(order), CLIPS_AT_ONCE):
        rows = order[start : start + CLIPS_AT_ONCE]
        clips: list[torch.Tensor | None] = [sound.clean(int(i)) for i in rows]
        inputs = embed_prompts(alm, [validation.lessons[i].prompts[0] for i in rows], clips)
        total -= float((validation.targets[rows] * label_log_probabilities(alm, inputs, classes)).sum())
    return total / len(order)
