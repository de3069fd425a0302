"""Answers drawn from an audio-language model: one prefill per prompt, its cache shared by all its draws."""

from collections.abc import Callable

import torch
from torch.nn.functional import log_softmax

from scaling_ambiguity.alms.draw_cache import spread
from scaling_ambiguity.alms.loading import LoadedALM
from scaling_ambiguity.alms.parts import parts
from scaling_ambiguity.alms.prefix import Group, prefill, read_tokens
from scaling_ambiguity.alms.questions import Answer, object_logprob
from scaling_ambiguity.alms.scoring import end_tokens

LONGEST_ANSWER = 8


def draw_token(logits: torch.Tensor, temperatures: torch.Tensor, uniforms: torch.Tensor) -> torch.Tensor:
    """Draw one token per row by inversion: the first whose cumulative probability exceeds the row's uniform.

    p = softmax(logits / temperature) over the whole vocabulary; temperature 0 takes the most
    probable token. No top-k, top-p or repetition penalty: they would change the distribution.

    Args:
        logits: (N, V).
        temperatures: (N,), >= 0.
        uniforms: (N,), in [0, 1).

    Returns:
        (N,) token ids.
    """
    greedy = temperatures <= 0
    scaled = logits.double() / torch.where(greedy, 1.0, temperatures.double())[:, None]
    cumulative = torch.softmax(scaled, dim=-1).cumsum(-1)
    # Scaled by its last entry, so that rounding in the sum cannot leave a uniform beyond the end.
    threshold = (uniforms.double() * cumulative[:, -1])[:, None]
    drawn = torch.searchsorted(cumulative, threshold, right=True)[:, 0].clamp(max=logits.shape[-1] - 1)
    return torch.where(greedy, logits.argmax(-1), drawn)


@torch.no_grad()
def sample_answers(
    alm: LoadedALM,
    inputs: dict[str, torch.Tensor],
    prompt_of: list[int],
    temperatures: list[float],
    uniform: Callable[[int, int], float],
    longest: int = LONGEST_ANSWER,
    shared: bool | list[Group] = False,
) -> list[Answer]:
    """Draw N answers to B prompts; an answer ends with any token that the checkpoint names as an end.

    Args:
        alm: The model.
        inputs: B prompts, as returned by ``embed_prompts``.
        prompt_of: For each of N draws the row of its prompt.
        temperatures: For each draw its temperature.
        uniform: ``uniform(draw index, step)`` in [0, 1): the only randomness. As each draw brings
            its own, an answer does not depend on what else is drawn in the same batch.
        longest: Largest number of tokens, the end token included.
        shared: The common prefix of neighbouring prompts is read once; see :func:`prefill`.
    """
    modules, count = parts(alm.model), len(prompt_of)
    rows = torch.tensor(prompt_of, device=alm.device)
    heat = torch.tensor(temperatures, dtype=torch.float64, device=alm.device)
    read = prefill(modules, inputs, shared=shared, use_cache=longest > 1)
    cache = read.cache
    logits = modules.logits(read.hidden[:, 0])[rows]
    mask, position = read.mask[rows], read.position[rows]
    ends = set(end_tokens(alm))
    drawn: list[list[int]] = [[] for _ in range(count)]
    each: list[list[float]] = [[] for _ in range(count)]
    logprob = torch.zeros(count, dtype=torch.float64, device=alm.device)
    live = list(range(count))
    for step in range(longest):
        index = torch.tensor(live, device=alm.device)
        uniforms = torch.tensor([uniform(draw, step) for draw in live], dtype=torch.float64, device=alm.device)
        tokens = draw_token(logits, heat[index], uniforms)
        step_logprob = log_softmax(logits.double(), dim=-1).gather(-1, tokens[:, None])[:, 0]
        logprob[index] += step_logprob
        for draw, token, value in zip(live, tokens.tolist(), step_logprob.tolist(), strict=True):
            drawn[draw].append(token)
            each[draw].append(value)
        going = [place for place, token in enumerate(tokens.tolist()) if token not in ends]
        if not going or step == longest - 1:
            break
        keep = torch.tensor(going, device=alm.device)
        # The first time, the cache of each prompt is spread over its draws; later, ended draws leave it, if any did.
        if step == 0:
            spread(cache, rows[keep], longest - 1)
        elif len(going) < len(live):
            cache.batch_select_indices(keep)
        live = [live[place] for place in going]
        mask = torch.cat([mask[keep], torch.ones(len(going), 1, dtype=mask.dtype, device=alm.device)], dim=1)
        position = position[keep] + 1
        cache, logits = read_tokens(modules, tokens[keep], mask, position, cache)
    return [
        Answer(
            alm.tokenizer.decode(ids, skip_special_tokens=True), float(value), len(ids), ids[-1] in ends,
            logprob_answer=object_logprob(alm.tokenizer.convert_ids_to_tokens(ids), values),
        )
        for ids, value, values in zip(drawn, logprob.tolist(), each, strict=True)
    ]  # fmt: skip
