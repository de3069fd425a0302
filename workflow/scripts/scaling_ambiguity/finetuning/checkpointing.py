"""Keep each layer's input alone for the gradient and compute the layer a second time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from scaling_ambiguity.alms.loading import LoadedALM
from scaling_ambiguity.alms.parts import parts
from scaling_ambiguity.finetuning.kinds import Opened


@contextmanager
def recomputed_layers(alm: Opened, on: bool = True) -> Iterator[None]:
    """Checkpoint every layer of the language model while the context lasts; without gradients nothing changes.

    A small peer has no such layers.

    The second computation draws the same dropout masks, so values and gradients stay the same.
    transformers' own switch asks for training mode, which here the frozen base never has.
    """
    layers = list(parts(alm.model).language_model.layers) if on and isinstance(alm, LoadedALM) else []
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
            del layer.forward  # what hid the class's own method
