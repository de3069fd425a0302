"""The answers that a small model learns to give: a label, or how many of some listeners would vote for each class."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy, log_softmax, scaled_dot_product_attention
from transformers.masking_utils import create_causal_mask
from transformers.models.qwen2.modeling_qwen2 import apply_rotary_pos_emb

from scaling_ambiguity.alms.inputs import embed_tokens
from scaling_ambiguity.alms.loading import LoadedALM
from scaling_ambiguity.alms.parts import parts
from scaling_ambiguity.alms.scoring import end_token, label_tokens
from scaling_ambiguity.alms.tiny.sound import Sound

LISTENERS = 20  # the group that workflow/prompts/counts.yaml speaks of
END_WEIGHT = 0.2  # of the end token's loss relative to the label's
IGNORED = -100  # a place that holds no token of the answer


@dataclass(frozen=True)
class Lesson:
    """One clip to learn from.

    Attributes:
        prompts: Rendered prompts about it, one of which is drawn each time; those without an
            audio placeholder teach the model to use the words alone.
        target: Label distribution (C,).
        counting: Prompts that ask for numbers of listeners, where that is learned too.
    """

    prompts: Sequence[str]
    target: np.ndarray
    counting: Sequence[str] = ()


def listeners(distribution: np.ndarray) -> list[int]:
    """Return a distribution (C,) as whole numbers that sum to ``LISTENERS``, by the method of largest remainders."""
    exact = np.asarray(distribution, dtype=np.float64) * LISTENERS
    whole = np.floor(exact + 1e-9).astype(int)
    rest = np.argsort(-(exact - whole), kind="stable")[: LISTENERS - whole.sum()]
    whole[rest] += 1
    return whole.tolist()


def answer(classes: Sequence[str], counts: Sequence[int]) -> str:
    """Return the JSON object that states ``counts``, in the order of the classes."""
    return json.dumps(dict(zip(classes, map(int, counts), strict=True)))


def every_number(classes: Sequence[str]) -> list[str]:
    """Return answers that hold every number of listeners, for a tokenizer that has tokens for them."""
    return [answer(classes, [number] * len(classes)) for number in range(LISTENERS + 1)]


class Answers:
    """The answers to a list of lessons, and what a model loses on them."""

    def __init__(self, alm: LoadedALM, lessons: Sequence[Lesson], classes: Sequence[str], sound: Sound) -> None:
        """Tokenise the answers.

        Args:
            alm: The model.
            lessons: What to learn from, in a fixed order.
            classes: C label words, each one token.
            sound: The clips of the lessons.
        """
        self._alm, self._lessons, self._sound, self._stop = alm, lessons, sound, end_token(alm)
        self._labels = torch.tensor([row[0] for row in label_tokens(alm, list(classes))])
        self._targets = torch.tensor(np.array([lesson.target for lesson in lessons]), dtype=torch.float32)
        self._tokenise = _tokeniser(alm, sound.lengths)
        self.counting = bool(lessons[0].counting)
        texts = [answer(classes, listeners(lesson.target)) for lesson in lessons if self.counting]
        tokens = {
            text: [*alm.tokenizer(text, add_special_tokens=False)["input_ids"], self._stop] for text in set(texts)
        }
        self._counts = [tokens[text] for text in texts]

    def labels_loss(self, chosen: np.ndarray, draw: np.random.Generator) -> torch.Tensor:
        """Return the loss of one-word answers to lessons: nats per answer.

        -sum_c q_c log p(label c), over the whole vocabulary, plus ``END_WEIGHT`` times the cross-entropy of the end
        token after a label drawn from q.
        """
        lessons, modules = [self._lessons[i] for i in chosen], parts(self._alm.model)
        prompts = [_picked(lesson.prompts, draw) for lesson in lessons]
        drawn = [int(draw.choice(len(self._labels), p=lesson.target)) for lesson in lessons]
        inputs = self._inputs(chosen, prompts, [[int(self._labels[c])] for c in drawn], draw)
        before, after = last_hidden(modules.language_model, inputs, 2).unbind(1)
        p = log_softmax(modules.lm_head(before), dim=-1)[:, self._labels]
        ends = cross_entropy(modules.lm_head(after), torch.full((len(chosen),), self._stop))
        return -(self._targets[chosen] * p).sum(-1).mean() + END_WEIGHT * ends

    def counts_loss(self, chosen: np.ndarray, draw: np.random.Generator) -> torch.Tensor:
        """Return the cross-entropy of the tokens of answers that count listeners: nats per answer and class."""
        prompts = [_picked(self._lessons[i].counting, draw) for i in chosen]
        written, modules = [self._counts[i] for i in chosen], parts(self._alm.model)
        places = max(map(len, written))
        wanted = torch.full((len(written), places), IGNORED)
        for row, tokens in zip(wanted, written, strict=True):  # inputs are padded on the left
            row[places - len(tokens) :] = torch.tensor(tokens)
        inputs = self._inputs(chosen, prompts, [tokens[:-1] for tokens in written], draw)
        scores = modules.lm_head(last_hidden(modules.language_model, inputs, places)).flatten(0, 1)
        total = cross_entropy(scores, wanted.flatten().to(scores.device), ignore_index=IGNORED, reduction="sum")
        return total / (len(written) * len(self._labels))

    def _inputs(
        self, chosen: np.ndarray, prompts: list[str], answers: list[list[int]], draw: np.random.Generator
    ) -> dict[str, torch.Tensor]:
        """Return the embedded prompts with their answers; prompts without a place for sound are read without it."""
        rows = [[*self._tokenise(int(i), p), *a] for i, p, a in zip(chosen, prompts, answers, strict=True)]
        placeholder = self._alm.processor.audio_token
        clips = self._sound.hear(chosen, draw)
        return embed_tokens(
            self._alm, rows, [clip if placeholder in p else None for clip, p in zip(clips, prompts, strict=True)]
        )


def _picked(prompts: Sequence[str], draw: np.random.Generator) -> str:
    return prompts[int(draw.integers(len(prompts)))]


def _tokeniser(alm: LoadedALM, audio_tokens: list[int]) -> Callable[[int, str], list[int]]:
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


def last_hidden(language_model: Any, inputs: dict[str, torch.Tensor], places: int) -> torch.Tensor:
    """Return the hidden states of the last places of each row, (B, places, H); differentiable.

    In the last layer, whose states of earlier places are not read, queries and feed-forward network are computed
    at those places alone: with one layer nearly all of the work of a training step.

    Args:
        language_model: A Qwen2 model without output layer.
        inputs: Of :func:`~scaling_ambiguity.alms.inputs.embed_tokens`.
        places: How many.
    """
    hidden, positions = inputs["inputs_embeds"], inputs["position_ids"]
    cos, sin = language_model.rotary_emb(hidden, positions)
    mask = create_causal_mask(
        config=language_model.config,
        inputs_embeds=hidden,
        attention_mask=inputs["attention_mask"],
        past_key_values=None,
        position_ids=positions,
    )
    *earlier, last = language_model.layers
    for layer in earlier:
        hidden = layer(hidden, attention_mask=mask, position_ids=positions, position_embeddings=(cos, sin))
    attention, normalised = last.self_attn, last.input_layernorm(hidden)

    def heads(values: torch.Tensor) -> torch.Tensor:
        return values.unflatten(-1, (-1, attention.head_dim)).transpose(1, 2)

    keys, values = heads(attention.k_proj(normalised)), heads(attention.v_proj(normalised))
    queries = heads(attention.q_proj(normalised[:, -places:]))
    keys = apply_rotary_pos_emb(keys, keys, cos, sin)[1]
    queries = apply_rotary_pos_emb(queries, queries, cos[:, -places:], sin[:, -places:])[0]
    # a real key that is not behind the query
    width = keys.shape[2]
    seen = torch.arange(width)[None, :] <= torch.arange(width - places, width)[:, None]
    seen = inputs["attention_mask"].bool()[:, None, None, :] & seen.to(hidden.device)
    mixed = scaled_dot_product_attention(
        queries, keys, values, attn_mask=seen, scale=attention.scaling, enable_gqa=queries.shape[1] != keys.shape[1]
    )
    rest = hidden[:, -places:] + attention.o_proj(mixed.transpose(1, 2).flatten(2))
    return language_model.norm(rest + last.mlp(last.post_attention_layernorm(rest)))
