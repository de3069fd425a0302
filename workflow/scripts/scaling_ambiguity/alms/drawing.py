"""Answers drawn from the probabilities of labels that were read out, instead of from the model token by token."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import softmax

from scaling_ambiguity.alms.questions import Answer


def draw_labels(
    scores: np.ndarray,
    classes: Sequence[str],
    lengths: Sequence[int],
    prompt_of: Sequence[int],
    temperatures: Sequence[float],
    uniform: Callable[[int], float],
) -> list[Answer]:
    """Draw labels by inversion from p_c = exp(s_c / T) / sum_k exp(s_k / T); T = 0 takes the most probable.

    Args:
        scores: (B, C) natural-log probability of each label as the beginning of an answer, float64.
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
        row_scores = np.asarray(scores[row], dtype=np.float64)
        if temperature <= 0:
            chosen = int(row_scores.argmax())
        else:
            cumulative = softmax(row_scores / temperature).cumsum()
            threshold = uniform(draw) * cumulative[-1]
            chosen = min(int(np.searchsorted(cumulative, threshold, side="right")), len(classes) - 1)
        answers.append(
            Answer(classes[chosen], float(row_scores[chosen]), lengths[chosen], True, tuple(row_scores.tolist()))
        )
    return answers
