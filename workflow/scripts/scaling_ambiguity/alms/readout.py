"""Label probabilities read from one prefill of a model in this process."""

import torch

from scaling_ambiguity.alms.loading import LoadedALM
from scaling_ambiguity.alms.prefix import Group
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
