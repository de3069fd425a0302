"""Teach a small audio-language model to write: one label, or how many listeners would give each label."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from scaling_ambiguity.alms.inputs import embed_tokens
from scaling_ambiguity.alms.loading import LoadedALM
from scaling_ambiguity.alms.parts import parts
from scaling_ambiguity.alms.scoring import end_token
from scaling_ambiguity.alms.tiny.sound import Sound
from scaling_ambiguity.alms.tiny.training import BETAS, CLIP, WEIGHT_DECAY, all_hidden, rate_at, tokeniser
from scaling_ambiguity.progress import progress
from scaling_ambiguity.seeds import derive_seed, generator

LISTENERS = 20  # that the prompts speak of
PRIOR = 1.0  # votes of the class shares that are added to those of a clip before listeners are counted
_NOTHING = -100  # a place without a target


@dataclass(frozen=True)
class Task:
    """What may be asked about one clip.

    Attributes:
        prompts: Rendered prompts, one of which is drawn each time.
        answers: Answers to all of them.
        shares: How often each answer is given, summing to 1.
    """

    prompts: Sequence[str]
    answers: Sequence[str]
    shares: np.ndarray


def counted(votes: np.ndarray, prior: np.ndarray, classes: Sequence[str]) -> str:
    """Return the answer that counts listeners: ``LISTENERS`` of them, shared as votes and a prior are.

    Args:
        votes: (C,) votes on a clip.
        prior: (C,) class shares.
        classes: C labels.
    """
    exact = LISTENERS * (votes + PRIOR * prior) / (votes.sum() + PRIOR)
    numbers = np.floor(exact).astype(int)
    largest = np.argsort(numbers - exact, kind="stable")[: LISTENERS - numbers.sum()]
    numbers[largest] += 1
    return json.dumps(dict(zip(classes, numbers.tolist(), strict=True)))


def train_writer(
    alm: LoadedALM, tasks: Sequence[Sequence[Task]], sound: Sound, options: dict[str, int | float], seed: int
) -> list[float]:
    """Train ``alm.model`` in place; return the loss of each step.

    Loss: mean cross-entropy of an answer's tokens, its end included. AdamW, linear warm-up then cosine, clipped
    gradient.

    Args:
        alm: The untrained model.
        tasks: Of each clip, in the order of ``sound``; one is drawn each time.
        sound: The clips.
        options: ``steps``, ``batch``, ``learning_rate``.
        seed: Of batches, tasks, prompts, answers, alterations and dropout; the same seed gives the same weights.
    """
    steps, batch, rate = int(options["steps"]), int(options["batch"]), float(options["learning_rate"])
    groups = sound.parameters(rate)
    trained = [weight for group in groups for weight in group["params"]]
    optimiser = torch.optim.AdamW(groups, lr=rate, betas=BETAS, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: rate_at(step, steps))
    order = sound.order(steps, batch, generator(seed, "tiny", "order"))
    losses, tokenise = [], tokeniser(alm, sound.lengths)
    alm.model.train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "tiny", "dropout") % 2**63)
        for step in progress(range(steps), "train small ALM", unit="step"):
            draw = generator(seed, "tiny", step)
            chosen = order[step * batch : (step + 1) * batch]
            asked = [_asked(tasks[i], draw) for i in chosen]
            clips = sound.hear(chosen, draw)
            loss = _loss(alm, [tokenise(int(i), prompt) for i, (prompt, _) in zip(chosen, asked, strict=True)],
                         [answer for _, answer in asked], clips)  # fmt: skip
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, CLIP)
            optimiser.step()
            schedule.step()
            losses.append(loss.item())
    alm.model.eval()
    return losses


def _asked(tasks: Sequence[Task], draw: np.random.Generator) -> tuple[str, str]:
    """Return a prompt and its answer."""
    task = tasks[int(draw.integers(len(tasks)))]
    prompt = task.prompts[int(draw.integers(len(task.prompts)))]
    return prompt, task.answers[int(draw.choice(len(task.answers), p=task.shares))]


def _loss(
    alm: LoadedALM, prompts: Sequence[list[int]], answers: Sequence[str], clips: Sequence[torch.Tensor]
) -> torch.Tensor:
    """Return the mean cross-entropy of the answers' tokens; prompts without a place for sound are read without it."""
    modules, place = parts(alm.model), alm.tokenizer.convert_tokens_to_ids(alm.processor.audio_token)
    written = [alm.tokenizer(answer, add_special_tokens=False)["input_ids"] for answer in answers]
    rows = [[*prompt, *answer] for prompt, answer in zip(prompts, written, strict=True)]
    heard = [clip if place in prompt else None for clip, prompt in zip(clips, prompts, strict=True)]
    longest = 1 + max(map(len, written))
    targets = torch.full((len(rows), longest), _NOTHING)
    for target, answer in zip(targets, written, strict=True):  # rows are padded on the left
        target[-len(answer) - 1 :] = torch.tensor([*answer, end_token(alm)])
    hidden = all_hidden(modules.language_model, embed_tokens(alm, rows, heard))[:, -longest:]
    return cross_entropy(modules.lm_head(hidden).flatten(0, 1), targets.flatten(), ignore_index=_NOTHING)
