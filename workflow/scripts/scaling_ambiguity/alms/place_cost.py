"""What the language model keeps and computes per place (one token of one row), from the shapes of its weights.

Imports no heavy library: the shapes are read from the headers of safetensors files, or taken from an open model.
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
EXPERTS = 8  # of a mixture of experts that are active at a place
# While a layer computes: its input, the residual sum and two norms in float32, query, key, value, their rotated
# copies and attention's output, each about as wide as the hidden state; gate, up and their product.
HIDDEN_AT_ONCE, INNER_AT_ONCE = 16, 3
WORKING_PLACES = 2048  # a prompt with about half a minute of sound, and its answers: the minimum for one question


@dataclass(frozen=True)
class PlaceCost:
    """Numbers (not bytes) per place.

    Attributes:
        kept: Keys and values of all layers: 2 x layers x KV heads x head size.
        passing: Temporary values while a layer computes.
        output: Numbers per place whose logits are computed, over the vocabulary.
    """

    kept: int
    passing: int
    output: int

    def working_gb(self, size: int) -> float:
        """Return the GB (10^9 bytes) that ``WORKING_PLACES`` take with numbers of ``size`` bytes."""
        return WORKING_PLACES * (self.kept + self.passing) * size / 1e9


def place_cost(shapes: Mapping[str, Sequence[int]]) -> PlaceCost:
    """Return the cost of a place from the shapes of a model's weights; zeros if they are not those of a transformer.

    Args:
        shapes: Tensor name -> shape, from a checkpoint's files or an open model.
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
    """Return the total number of elements of tensors of these shapes."""
    return sum(math.prod(shape) for shape in shapes.values())
