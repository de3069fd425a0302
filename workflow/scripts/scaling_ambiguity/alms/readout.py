"""Label probabilities read from one prefill, and answers drawn from them instead of from the model."""

from collections.abc import Callable

import torch

from scaling_ambiguity.alms.loading import LoadedALM
from scaling_ambiguity.alms.prefix import Group
from scaling_ambiguity.alms.questions import Answer
from scaling_ambiguity.alms.scoring import label_tokens, string_scores


@torch.no_grad()
def read_labels(
    alm: LoadedALM, inputs: dict[str, torch.Tensor], classes: list[str], shared: bool | list[Group] = False
) -> torch.Tensor:
    """Return log p(label string | prompt) of each label, not normalised over the labels.

    s_c = sum_i log p(t_ci | prompt, t_c1 ... t_c,i-1), natural logarithm, temperature 1, over the tokens of
    :func:`label_tokens`; exact for labels of any number of tokens. Each prompt is read once, followed by all labels.

    Args:
        alm: The model.
        inputs: As returned by ``embed_prompts``, B rows.
        classes: C label words.
        shared: The common prefix of neighbouring prompts is read once; see
            :func:`~scaling_ambiguity.alms.prefix.prefill`.

    Returns:
        (B, C), float64; exp(s).sum(1) is at most 1.
    """
    return string_scores(alm, inputs, label_tokens(alm, classes), shared)


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
            answers, given that it is a label; at other temperatures the label string as a whole is heated, which for
            labels of several tokens is not the same as heating each token.
        uniform: ``uniform(draw index)`` in [0, 1).
    """
    answers = []
    for draw, (row, temperature) in enumerate(zip(prompt_of, temperatures, strict=True)):
        row_scores = scores[row].cpu().double()
        if temperature <= 0:
            chosen = int(row_scores.argmax())
        else:
            cumulative = torch.softmax(row_scores / temperature, dim=-1).cumsum(-1)
            threshold = uniform(draw) * cumulative[-1]
            chosen = min(int(torch.searchsorted(cumulative, threshold, right=True)), len(classes) - 1)
        answers.append(
            Answer(classes[chosen], float(row_scores[chosen]), lengths[chosen], True, tuple(row_scores.tolist()))
        )
    return answers
