"""Beam search: the most probable answers to a prompt, found from one prefill and one encoding of the clip."""

from dataclasses import dataclass

import torch
from torch.nn.functional import log_softmax

from scaling_ambiguity.alms.draw_cache import spread
from scaling_ambiguity.alms.loading import LoadedALM
from scaling_ambiguity.alms.parts import parts
from scaling_ambiguity.alms.prefix import prefill, read_tokens
from scaling_ambiguity.alms.questions import Answer, object_logprob
from scaling_ambiguity.alms.scoring import end_tokens


@dataclass(frozen=True)
class _Beam:
    """Tokens so far, the sum of their log-probabilities (natural logarithm), and each of them."""

    tokens: tuple[int, ...]
    score: float
    each: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Log-probability per token, the end token included: by it finished answers are ranked."""
        return self.score / len(self.tokens)


@torch.no_grad()
def beam_answers(alm: LoadedALM, inputs: dict[str, torch.Tensor], beams: int, longest: int) -> list[Answer]:
    """Return the ``beams`` best answers to one prompt, the one of the largest mean log-probability first.

    The search is that of transformers' ``generate(num_beams=beams, num_return_sequences=beams)`` with its default
    length penalty of 1 and without early stopping: an answer is finished when it ends among the ``beams`` best
    continuations; the search ends when no running answer can enter the finished ones at its length. ``generate``
    encodes the clip and reads the prompt once per beam; here both happen once.

    Args:
        alm: The model.
        inputs: One prompt, as returned by ``embed_prompts``.
        beams: Number of answers, and of prefixes that are kept.
        longest: Largest number of tokens, the end token included.

    Returns:
        At most ``beams`` answers; ``logprob`` is the sum over an answer's tokens at temperature 1.

    Raises:
        ValueError: More than one prompt, or fewer than two beams.
    """
    if len(inputs["attention_mask"]) != 1 or beams < 2:
        raise ValueError("beam_answers: one prompt and at least two beams.")
    modules, ends = parts(alm.model), set(end_tokens(alm))
    read = prefill(modules, inputs, use_cache=longest > 1)
    cache, mask, position = read.cache, read.mask, read.position
    logits = modules.logits(read.hidden[:, 0])
    running, finished = [_Beam((), 0.0, ())], list[_Beam]()
    for step in range(longest):
        # enough continuations that ``beams`` go on even if every beam may end in each of the end tokens
        best = _continuations(running, logits, max(2, 1 + len(ends)) * beams)
        over = [step == longest - 1 or beam.tokens[-1] in ends for beam, _ in best]
        ended = [beam for (beam, _), end in zip(best[:beams], over, strict=False) if end]
        finished = sorted([*finished, *ended], key=lambda beam: -beam.mean)[:beams]  # stable: the earlier wins a tie
        going = [entry for entry, end in zip(best, over, strict=True) if not end][:beams]
        if not going or (len(finished) == beams and going[0][0].mean <= finished[-1].mean):
            break
        running, parents = [beam for beam, _ in going], torch.tensor([row for _, row in going], device=alm.device)
        if step == 0:
            spread(cache, parents, longest - 1)
        else:
            cache.batch_select_indices(parents)
        mask = torch.cat([mask[parents], torch.ones(len(going), 1, dtype=mask.dtype, device=alm.device)], dim=1)
        position = position[parents] + 1
        tokens = torch.tensor([beam.tokens[-1] for beam in running], device=alm.device)
        cache, logits = read_tokens(modules, tokens, mask, position, cache)
    return [
        Answer(alm.tokenizer.decode(list(beam.tokens), skip_special_tokens=True), beam.score, len(beam.tokens),
               beam.tokens[-1] in ends,
               logprob_answer=object_logprob(alm.tokenizer.convert_ids_to_tokens(list(beam.tokens)), beam.each))
        for beam in finished
    ]  # fmt: skip


def _continuations(running: list[_Beam], logits: torch.Tensor, count: int) -> list[tuple[_Beam, int]]:
    """Return the ``count`` most probable continuations by one token, and the row that each continues."""
    so_far = torch.tensor([beam.score for beam in running], dtype=torch.float32, device=logits.device)
    logp = log_softmax(logits.float(), dim=-1)
    scores = logp + so_far[:, None]
    values, places = scores.flatten().topk(min(count, scores.numel()))
    size = scores.shape[1]
    rows = [(place // size, place % size) for place in places.tolist()]
    return [
        (_Beam((*running[row].tokens, token), value, (*running[row].each, float(logp[row, token]))), row)
        for (row, token), value in zip(rows, values.tolist(), strict=True)
    ]
