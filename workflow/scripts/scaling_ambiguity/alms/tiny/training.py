"""Train a small audio-language model on soft labels, in a minute of one CPU thread."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from scaling_ambiguity.alms.loading import LoadedALM
from scaling_ambiguity.alms.tiny.answers import Answers, Lesson
from scaling_ambiguity.alms.tiny.sound import Sound
from scaling_ambiguity.progress import progress
from scaling_ambiguity.seeds import derive_seed, generator

WARM_UP, WEIGHT_DECAY, BETAS, CLIP = 30, 0.05, (0.9, 0.98), 1.0
WRITING = 0.5  # share of a batch that writes numbers of listeners, where that is learned


@dataclass(frozen=True)
class Selection:
    """How the best step is chosen.

    Attributes:
        every: Steps between validations; the last step is one of them.
        loss: The loss on held-out clips, lower is better.
    """

    every: int
    loss: Callable[[], float]


def train(
    alm: LoadedALM,
    lessons: Sequence[Lesson],
    sound: Sound,
    classes: list[str],
    options: dict,
    seed: int,
    selection: Selection | None = None,
) -> list[float]:
    """Train ``alm.model`` in place; return the loss of each step.

    Loss: that of one-word answers (:meth:`Answers.labels_loss`); where lessons ask for numbers of listeners, a share
    ``WRITING`` of a batch answers with these, and that loss is added (:meth:`Answers.counts_loss`).
    AdamW, linear warm-up then cosine, clipped gradient.

    Args:
        alm: The untrained model.
        lessons: What to learn from, in a fixed order.
        sound: The clips of the lessons.
        classes: C label words, each one token.
        options: ``steps``, ``batch``, ``learning_rate``.
        seed: Of batches, prompts, alterations and dropout; the same seed gives the same weights.
        selection: Chooses the step whose weights are kept; None: the last.
    """
    steps, batch, rate = options["steps"], options["batch"], options["learning_rate"]
    answers, model = Answers(alm, lessons, classes, sound), alm.model
    writing = round(WRITING * batch) if answers.counting else 0

    groups = sound.parameters(rate)
    trained = [weight for group in groups for weight in group["params"]]
    optimiser = torch.optim.AdamW(groups, lr=rate, betas=BETAS, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, steps))
    order = sound.order(steps, batch, generator(seed, "tiny", "order"))
    best = _Best(trained, selection, steps)
    losses = []
    model.train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "tiny", "dropout") % 2**63)
        for step in progress(range(steps), "train small ALM", unit="step"):
            draw = generator(seed, "tiny", step)
            chosen = order[step * batch : (step + 1) * batch]
            writers, chosen = chosen[:writing], chosen[writing:]
            loss = answers.labels_loss(chosen, draw)
            if len(writers):
                loss = loss + answers.counts_loss(writers, draw)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, CLIP)
            optimiser.step()
            schedule.step()
            losses.append(loss.item())
            if best.due(step):
                model.eval()
                best.offer()
                model.train()
    best.restore()
    model.eval()
    return losses


class _Best:
    """The weights of the best step so far."""

    def __init__(self, weights: list[torch.nn.Parameter], selection: Selection | None, steps: int) -> None:
        self._weights, self._selection, self._steps = weights, selection, steps
        self._loss, self._kept = math.inf, [torch.empty(0)]

    def due(self, step: int) -> bool:
        """Return whether the weights after ``step`` are validated."""
        selection = self._selection
        return selection is not None and ((step + 1) % selection.every == 0 or step + 1 == self._steps)

    @torch.no_grad()
    def offer(self) -> None:
        """Validate the weights as they are; keep a copy if they are the best."""
        assert self._selection is not None, "due() is true with a selection only"
        loss = self._selection.loss()
        if loss < self._loss:
            self._loss, self._kept = loss, [weight.detach().clone() for weight in self._weights]

    @torch.no_grad()
    def restore(self) -> None:
        """Bring the best weights back, if any were validated."""
        if self._loss < math.inf:
            for weight, kept in zip(self._weights, self._kept, strict=True):
                weight.copy_(kept)


def _rate(step: int, steps: int) -> float:
    """Return the factor of the learning rate: linear warm-up, then a cosine to 0."""
    warm = min(1.0, (step + 1) / WARM_UP)
    return warm * 0.5 * (1 + math.cos(math.pi * max(0, step - WARM_UP) / max(1, steps - WARM_UP)))
