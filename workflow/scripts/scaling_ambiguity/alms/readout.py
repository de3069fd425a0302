"""Label probabilities read from one prefill, and answers drawn from them instead of from the model."""

from collections.abc import Callable

import torch
from torch.nn.functional import log_softmax

from scaling_ambiguity.alms.loading import LoadedALM
from scaling_ambiguity.alms.parts import parts
from scaling_ambiguity.alms.prefix import prefill
from scaling_ambiguity.alms.questions import Answer
from scaling_ambiguity.alms.scoring import label_tokens


@torch.no_grad()
def read_labels(
    alm: LoadedALM, inputs: dict[str, torch.Tensor], classes: list[str], shared: bool = False
) -> torch.Tensor:
    """Return log p(label string | prompt) of each label, not normalised over the labels.

    s_c = sum_i log p(t_ci | prompt, t_c1 ... t_c,i-1), natural logarithm, temperature 1, over the tokens of
    :func:`label_tokens`; exact for labels of any number of tokens. The prompts are read once: where
    a label has more than one token, their cache is repeated for the labels and only labels are read.

    Args:
        alm: The model.
        inputs: As returned by ``embed_prompts``, B rows.
        classes: C label words.
        shared: What neighbouring prompts begin with is read once; see :func:`prefill`.

    Returns:
        (B, C), float64; exp(s).sum(1) is at most 1.
    """
    tokens, modules = label_tokens(alm, classes), parts(alm.model)
    longest, device = max(map(len, tokens)), inputs["inputs_embeds"].device
    prompts = prefill(modules, inputs, shared=shared, use_cache=longest > 1)
    first = log_softmax(modules.logits(prompts.hidden).double(), dim=-1)
    scores = first[:, [row[0] for row in tokens]]
    if longest == 1:
        return scores
    batch, count = scores.shape
    cache = prompts.cache
    cache.batch_select_indices(torch.arange(batch, device=device).repeat_interleave(count))
    # The last token of a label is not read: nothing follows it.
    read = torch.tensor([row[:-1] + [0] * (longest - len(row)) for row in tokens], device=device)
    real = torch.tensor([[1] * (len(row) - 1) + [0] * (longest - len(row)) for row in tokens], device=device)
    asked = torch.tensor([row[1:] + [0] * (longest - len(row)) for row in tokens], device=device)
    steps = torch.arange(1, longest, device=device)
    hidden = modules.language_model(
        inputs_embeds=modules.language_model.get_input_embeddings()(read).repeat(batch, 1, 1),
        attention_mask=torch.cat(
            [prompts.mask.repeat_interleave(count, 0), real.repeat(batch, 1).to(torch.long)], dim=1
        ),
        position_ids=(prompts.position[:, None] + steps).repeat_interleave(count, 0),
        past_key_values=cache,
        use_cache=True,
    ).last_hidden_state
    rest = log_softmax(modules.logits(hidden).double(), dim=-1)
    picked = rest.gather(-1, asked.repeat(batch, 1)[..., None])[..., 0] * real.repeat(batch, 1)
    return scores + picked.sum(-1).view(batch, count)


def draw_labels(
    scores: torch.Tensor,
    classes: list[str],
    lengths: list[int],
    prompt_of: list[int],
    temperatures: list[float],
    uniform: Callable[[int], float],
) -> list[Answer]:
    """Draw labels by inversion from p_c = exp(s_c / T) / sum_k exp(s_k / T); T = 0 takes the most probable.

    Args:
        scores: (B, C) of :func:`read_labels`.
        classes: C label words.
        lengths: Tokens of each label.
        prompt_of: For each of N draws the row of its prompt.
        temperatures: For each draw its temperature. At T = 1 a draw is one of the model's own
            answers, given that it is a label; at others the label string as a whole is heated, which for
            labels of several tokens is not the same as heating each token.
        uniform: ``uniform(draw index)`` in [0, 1).
    """
    answers = []
    for draw, (row, temperature) in enumerate(zip(prompt_of, temperatures, strict=True)):
        own = scores[row].cpu().double()
        if temperature <= 0:
            chosen = int(own.argmax())
        else:
            cumulative = torch.softmax(own / temperature, dim=-1).cumsum(-1)
            threshold = uniform(draw) * cumulative[-1]
            chosen = min(int(torch.searchsorted(cumulative, threshold, right=True)), len(classes) - 1)
        answers.append(Answer(classes[chosen], float(own[chosen]), lengths[chosen], True, tuple(own.tolist())))
    return answers
