"""Train a small audio-language model on soft labels, in a minute of one CPU thread."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import cross_entropy, log_softmax

from scaling_ambiguity.alms.inputs import embed_tokens
from scaling_ambiguity.alms.loading import LoadedALM
from scaling_ambiguity.alms.parts import parts
from scaling_ambiguity.alms.scoring import end_token, label_tokens
from scaling_ambiguity.alms.tiny.sound import Sound
from scaling_ambiguity.progress import progress
from scaling_ambiguity.seeds import derive_seed, generator

WARM_UP, WEIGHT_DECAY, BETAS, CLIP = 30, 0.05, (0.9, 0.98), 1.0
END_WEIGHT = 0.2  # of the end token's loss relative to the label's

Hidden = Callable[[torch.nn.Module, dict[str, torch.Tensor]], torch.Tensor]


@dataclass(frozen=True)
class Lesson:
    """One clip to learn from.

    Attributes:
        prompts: Rendered prompts about it, one of which is drawn each time; those without an
            audio placeholder teach the model to use the words alone.
        target: Label distribution (C,).
    """

    prompts: Sequence[str]
    target: np.ndarray


@dataclass(frozen=True)
class Selection:
    """How the best step is chosen.

    Attributes:
        every: Steps between validations; the last step is one of them.
        loss: The loss on held-out clips, lower is better.
    """

    every: int
    loss: Callable[[], float]


def all_hidden(language_model: torch.nn.Module, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    """Return the language model's hidden states of every place, (B, T, H)."""
    return language_model(**inputs, use_cache=False).last_hidden_state


def train(
    alm: LoadedALM,
    lessons: Sequence[Lesson],
    sound: Sound,
    classes: list[str],
    options: dict,
    seed: int,
    hidden_of: Hidden = all_hidden,
    selection: Selection | None = None,
) -> list[float]:
    """Train ``alm.model`` in place; return the loss of each step.

    Loss: -sum_c q_c log p(label c), over the whole vocabulary, at the answer's place, plus
    ``END_WEIGHT`` times the cross-entropy of the end token after a label drawn from q. AdamW,
    linear warm-up then cosine, clipped gradient.

    Args:
        alm: The untrained model.
        lessons: What to learn from, in a fixed order.
        sound: The clips of the lessons.
        classes: C label words, each one token.
        options: ``steps``, ``batch``, ``learning_rate``.
        seed: Of batches, prompts, alterations and dropout; the same seed gives the same weights.
        hidden_of: Language model and inputs to hidden states, of the last two places at least.
        selection: Chooses the step whose weights are kept; None: the last.
    """
    steps, batch, rate = options["steps"], options["batch"], options["learning_rate"]
    modules, model = parts(alm.model), alm.model
    labels = torch.tensor([row[0] for row in label_tokens(alm, classes)])
    stop = end_token(alm)
    targets = torch.tensor(np.array([lesson.target for lesson in lessons]), dtype=torch.float32)
    tokenise = tokeniser(alm, sound.lengths)

    groups = sound.parameters(rate)
    trained = [weight for group in groups for weight in group["params"]]
    optimiser = torch.optim.AdamW(groups, lr=rate, betas=BETAS, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: rate_at(step, steps))
    order = sound.order(steps, batch, generator(seed, "tiny", "order"))
    best = _Best(trained, selection, steps)
    losses = []
    model.train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "tiny", "dropout") % 2**63)
        for step in progress(range(steps), "train small ALM", unit="step"):
            draw = generator(seed, "tiny", step)
            chosen = order[step * batch : (step + 1) * batch]
            picked = [int(draw.integers(len(lessons[i].prompts))) for i in chosen]
            said = [int(draw.choice(len(classes), p=lessons[i].target)) for i in chosen]
            rows = [
                [*tokenise(i, lessons[i].prompts[k]), int(labels[c])]
                for i, k, c in zip(chosen, picked, said, strict=True)
            ]
            hears = [alm.processor.audio_token in lessons[i].prompts[k] for i, k in zip(chosen, picked, strict=True)]
            clips = sound.hear(chosen, draw)
            inputs = embed_tokens(
                alm, rows, [clip if heard else None for clip, heard in zip(clips, hears, strict=True)]
            )
            hidden = hidden_of(modules.language_model, inputs)
            answer = log_softmax(modules.lm_head(hidden[:, -2]), dim=-1)[:, labels]
            ends = cross_entropy(modules.lm_head(hidden[:, -1]), torch.full((len(chosen),), stop))
            loss = -(targets[chosen] * answer).sum(-1).mean() + END_WEIGHT * ends
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


def rate_at(step: int, steps: int) -> float:
    """Return the factor of the learning rate: linear warm-up, then a cosine to 0."""
    warm = min(1.0, (step + 1) / WARM_UP)
    return warm * 0.5 * (1 + math.cos(math.pi * max(0, step - WARM_UP) / max(1, steps - WARM_UP)))


def tokeniser(alm: LoadedALM, audio_tokens: list[int]) -> Callable[[int, str], list[int]]:
    """Return a function of a lesson's number and a prompt: token ids with the placeholder expanded."""
    placeholder = alm.processor.audio_token
    token = alm.tokenizer.convert_tokens_to_ids(placeholder)
    ids: dict[str, list[int]] = {}  # prompts of the same words are tokenised once

    def tokenise(lesson: int, prompt: str) -> list[int]:
        if prompt not in ids:
            ids[prompt] = alm.tokenizer(prompt, add_special_tokens=False)["input_ids"]
        row = ids[prompt]
        if token not in row:
            return row
        place = row.index(token)
        return [*row[:place], *[token] * audio_tokens[lesson], *row[place + 1 :]]

    return tokenise
