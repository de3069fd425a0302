"""What the language model keeps and computes with for each place (one token of one row), by the shapes of its weights.

Imports nothing heavy: the shapes are read from the headers of safetensors files, or taken from an open model.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# Tensors whose names hold one of these are not the language model's.
_OTHERS = re.compile(r"audio|vision|visual|image|encoder|projector|talker|token2wav|code2wav|lora")
_ATTENTION = re.compile(r"(q_proj|k_proj|v_proj|qkv_proj|o_proj)(\.base_layer)?\.weight$")
_INNER = re.compile(r"(gate_proj|up_proj|gate_up_proj)(\.base_layer)?(\.weight)?$")
_LAYER = re.compile(r"layers\.(\d+)\.")
EXPERTS = 8  # that compute at a place, of a mixture of experts
# While a layer computes: its input, the residual sum and two norms in float32, query, key, value, their rotated
# copies and attention's output, each about as wide as the hidden state; gate, up and their product.
HIDDEN_AT_ONCE, INNER_AT_ONCE = 16, 3
WORKING_PLACES = 2048  # a prompt about half a minute of sound, and its answers: with less nothing can be asked


@dataclass(frozen=True)
class PlaceCost:
    """Numbers (not bytes) of one place.

    Attributes:
        kept: Keys and values of all layers: 2 x layers x KV heads x head size.
        passing: What comes and goes while a layer computes.
        output: Numbers of the vocabulary, of each place whose logits are computed.
    """

    kept: int
    passing: int
    output: int

    def working_gb(self, size: int) -> float:
        """Return the GB (10^9 bytes) that ``WORKING_PLACES`` take with numbers of ``size`` bytes."""
        return WORKING_PLACES * (self.kept + self.passing) * size / 1e9


def place_cost(shapes: Mapping[str, Sequence[int]]) -> PlaceCost:
    """Return the cost of a place by the shapes of a model's weights; zeros where they are no transformer's.

    Args:
        shapes: Tensor name -> shape, of a checkpoint's files or of an open model.
    """
    kept, hidden, inner, vocabulary = 0, 0, 0, 0
    for name, shape in shapes.items():
        if _OTHERS.search(name) or len(shape) < 2:
            continue
        attention, layer = _ATTENTION.search(name), _LAYER.search(name)
        if attention and layer:
            kind = attention.group(1)
            if kind in ("k_proj", "v_proj", "qkv_proj"):
                kept += shape[0]
            elif kind == "o_proj":
                hidden = max(hidden, shape[0])
                fused = name.replace("o_proj", "qkv_proj")
                kept -= shape[1] if fused in shapes else 0  # the query's part of a fused projection
        elif layer and _INNER.search(name):
            experts = EXPERTS if "experts" in name else 1
            rows = shape[-2] if len(shape) == 2 else max(shape[-2:])
            inner = max(inner, experts * rows // (2 if "gate_up_proj" in name else 1))
        elif not layer:
            vocabulary = max(vocabulary, shape[0])
    return PlaceCost(kept, HIDDEN_AT_ONCE * hidden + INNER_AT_ONCE * inner, vocabulary if kept else 0)


def numbers(shapes: Mapping[str, Sequence[int]]) -> int:
    """Return how many numbers tensors of these shapes hold."""
    return sum(math.prod(shape) for shape in shapes.values())
