"""Leave out of a forward pass what the label probabilities do not read."""

from collections.abc import Iterator
from contextlib import contextmanager

from scaling_ambiguity.alms.loading import LoadedALM
from scaling_ambiguity.alms.parts import parts
from scaling_ambiguity.alms.scoring import label_tokens
from scaling_ambiguity.finetuning.heads import HeadedALM
from scaling_ambiguity.finetuning.peers import LoadedPeer


@contextmanager
def last_position_only(alm: LoadedALM | LoadedPeer, classes: list[str]) -> Iterator[None]:
    """Run the last layer's feed-forward block at the last position alone, while the context lasts.

    Where every label is one token, only the last position's output is read, and nothing follows
    the last layer's block that would mix positions: the label probabilities and their gradients
    stay the same. Small models gain most (of one layer, over half the time). Where a label has
    several tokens, or a head reads every position, nothing is changed.
    """
    if isinstance(alm, HeadedALM | LoadedPeer):
        yield
        return
    layer = parts(alm.model).language_model.layers[-1]
    if any(len(row) > 1 for row in label_tokens(alm, classes)) or not hasattr(layer, "mlp"):
        yield
        return
    # The block's output (B, 1, H) is broadcast onto the residual stream: right at the last
    # position, and unread at the others.
    handle = layer.mlp.register_forward_pre_hook(lambda _, arguments: (arguments[0][:, -1:], *arguments[1:]))
    try:
        yield
    finally:
        handle.remove()
