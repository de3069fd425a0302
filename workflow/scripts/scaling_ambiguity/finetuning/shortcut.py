"""Less work in a forward pass of a language model: less computation, or less memory for the gradient."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint
from torch.utils.hooks import RemovableHandle

from scaling_ambiguity.alms.loading import LoadedALM
from scaling_ambiguity.alms.parts import parts
from scaling_ambiguity.alms.scoring import label_tokens


def last_position_only(alm: LoadedALM, classes: list[str]) -> RemovableHandle | None:
    """Run the last layer's feed-forward block only at the last position, until the handle is removed.

    Where every label is one token, only the last position's output is used, and nothing follows
    the last layer's block that would mix positions: the label probabilities and their gradients
    stay the same. Small models gain most (over half the time with one layer). Where a label has
    several tokens, nothing is changed; where a head uses every position, this must not be used.
    """
    layer = parts(alm.model).language_model.layers[-1]
    if any(len(row) > 1 for row in label_tokens(alm, classes)) or not hasattr(layer, "mlp"):
        return None
    # The block's output (B, 1, H) is broadcast onto the residual stream: right at the last position, and unused at
    # the others.
    return layer.mlp.register_forward_pre_hook(lambda _, arguments: (arguments[0][:, -1:], *arguments[1:]))


@contextmanager
def recomputed_layers(alm: LoadedALM, on: bool = True) -> Iterator[None]:
    """Keep only each layer's input for the gradient and recompute the layer, while the context lasts.

    Every layer of the language model is checkpointed; without gradients nothing changes. The second computation
    draws the same dropout masks, so values and gradients stay the same. transformers' own switch requires training
    mode, which here the frozen base never has.
    """
    layers = list(parts(alm.model).language_model.layers) if on else []
    for layer in layers:
        forward = layer.forward

        def again(*arguments: Any, _forward: Callable[..., Any] = forward, **options: Any) -> Any:
            if not torch.is_grad_enabled():
                return _forward(*arguments, **options)
            return checkpoint(_forward, *arguments, use_reentrant=False, **options)

        layer.forward = again
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward  # restores the class's own method
