"""Train the tiny model from scratch on a foreign world: soft labels, a minute of one CPU thread."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import cross_entropy, log_softmax

from scaling_ambiguity.alms.inputs import embed_tokens, encode_features, mel_features
from scaling_ambiguity.alms.loading import LoadedALM
from scaling_ambiguity.alms.parts import Parts, parts
from scaling_ambiguity.alms.scoring import end_token, label_tokens
from scaling_ambiguity.progress import progress
from scaling_ambiguity.seeds import derive_seed, generator

WARM_UP, WEIGHT_DECAY, BETAS, CLIP = 30, 0.05, (0.9, 0.98), 1.0
END_WEIGHT = 0.2  # of the end token's loss relative to the label's
BAND, TIME = 10, 15  # widest masked band (mel bins) and stretch (frames)
CLIPS_AT_ONCE = 64


@dataclass(frozen=True)
class Lesson:
    """One clip to learn from.

    Attributes:
        waveform: Mono, 16 kHz.
        prompts: Rendered prompts about it, one of which is drawn each time; those without an
            audio placeholder teach the model to use the words alone.
        target: Label distribution (C,).
    """

    waveform: np.ndarray
    prompts: Sequence[str]
    target: np.ndarray


def train(alm: LoadedALM, lessons: Sequence[Lesson], classes: list[str], options: dict, seed: int) -> list[float]:
    """Train ``alm.model`` in place; return the loss of each step.

    Loss: -sum_c q_c log p(label c), over the whole vocabulary, at the answer's place, plus
    ``END_WEIGHT`` times the cross-entropy of the end token after a label drawn from q. AdamW,
    linear warm-up then cosine, clipped gradient; every clip gets a masked band and a masked stretch.

    Args:
        alm: The untrained model.
        lessons: What to learn from, in a fixed order.
        classes: C label words, each one token.
        options: ``steps``, ``batch``, ``learning_rate``.
        seed: Of batches, prompts, masks and dropout; the same seed gives the same weights.
    """
    steps, batch, rate = options["steps"], options["batch"], options["learning_rate"]
    modules, model = parts(alm.model), alm.model
    labels = torch.tensor([row[0] for row in label_tokens(alm, classes)])
    stop = end_token(alm)
    features, frames = _features(alm, lessons)
    targets = torch.tensor(np.array([lesson.target for lesson in lessons]), dtype=torch.float32)
    tokenise = _tokeniser(alm, [_audio_tokens(modules, int(count)) for count in frames.sum(-1)])

    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, betas=BETAS, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, steps))
    order = _order(len(lessons), steps * batch, generator(seed, "tiny", "order"))
    losses = []
    model.train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "tiny", "dropout") % 2**63)
        for step in progress(range(steps), "train tiny ALM", unit="step"):
            draw = generator(seed, "tiny", step)
            chosen = order[step * batch : (step + 1) * batch]
            picked = [int(draw.integers(len(lessons[i].prompts))) for i in chosen]
            said = [int(draw.choice(len(classes), p=lessons[i].target)) for i in chosen]
            rows = [
                [*tokenise(i, lessons[i].prompts[k]), int(labels[c])]
                for i, k, c in zip(chosen, picked, said, strict=True)
            ]
            hears = [alm.processor.audio_token in lessons[i].prompts[k] for i, k in zip(chosen, picked, strict=True)]
            clips = encode_features(modules, _masked(features[chosen], frames[chosen], draw), frames[chosen])
            inputs = embed_tokens(
                alm, rows, [clip if heard else None for clip, heard in zip(clips, hears, strict=True)]
            )
            hidden = modules.language_model(**inputs, use_cache=False).last_hidden_state
            answer = log_softmax(modules.lm_head(hidden[:, -2]), dim=-1)[:, labels]
            ends = cross_entropy(modules.lm_head(hidden[:, -1]), torch.full((len(chosen),), stop))
            loss = -(targets[chosen] * answer).sum(-1).mean() + END_WEIGHT * ends
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            optimiser.step()
            schedule.step()
            losses.append(loss.item())
    model.eval()
    return losses


def _rate(step: int, steps: int) -> float:
    """Return the factor of the learning rate: linear warm-up, then a cosine to 0."""
    warm = min(1.0, (step + 1) / WARM_UP)
    return warm * 0.5 * (1 + math.cos(math.pi * max(0, step - WARM_UP) / max(1, steps - WARM_UP)))


def _order(count: int, needed: int, draw: np.random.Generator) -> np.ndarray:
    """Return ``needed`` positions: passes over all lessons, each in a fresh random order."""
    passes = -(-needed // count)
    return np.concatenate([draw.permutation(count) for _ in range(passes)])[:needed]


def _features(alm: LoadedALM, lessons: Sequence[Lesson]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the mel features and frame masks of all lessons."""
    starts = range(0, len(lessons), CLIPS_AT_ONCE)
    parts_ = [mel_features(alm.processor, [x.waveform for x in lessons[i : i + CLIPS_AT_ONCE]]) for i in starts]
    return torch.cat([features for features, _ in parts_]), torch.cat([mask for _, mask in parts_])


def _audio_tokens(modules: Parts, frames: int) -> int:
    return int(modules.audio_tower._get_feat_extract_output_lengths(torch.tensor(frames))[1])


def _tokeniser(alm: LoadedALM, audio_tokens: list[int]) -> Callable[[int, str], list[int]]:
    """Return a function of a lesson's number and a prompt: token ids with the placeholder expanded."""
    placeholder = alm.processor.audio_token

    def tokenise(lesson: int, prompt: str) -> list[int]:
        text = prompt.replace(placeholder, placeholder * audio_tokens[lesson])
        return alm.tokenizer(text, add_special_tokens=False)["input_ids"]

    return tokenise


def _masked(features: torch.Tensor, frames: torch.Tensor, draw: np.random.Generator) -> torch.Tensor:
    """Return a copy in which each clip has one band and one stretch replaced by its mean."""
    features = features.clone()
    for clip, count in zip(features, frames.sum(-1).tolist(), strict=True):
        mean = clip[:, :count].mean()
        width, start = int(draw.integers(BAND + 1)), draw.random()
        low = int(start * (clip.shape[0] - width))
        clip[low : low + width] = mean
        width, start = int(draw.integers(min(TIME, count // 4) + 1)), draw.random()
        low = int(start * (count - width))
        clip[:, low : low + width] = mean
    return features
