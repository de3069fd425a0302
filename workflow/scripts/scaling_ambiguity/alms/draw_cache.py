"""The keys and values of many draws of one prompt, with room for the tokens still to be generated."""

from typing import Any

import torch
from transformers.cache_utils import DynamicLayer


class RoomyLayer(DynamicLayer):
    """A cache layer allocated at its full length: a new token is written in place, without copying the others.

    It returns the values that ``DynamicLayer`` returns, as views (N, heads, tokens so far, head size).
    """

    def __init__(self, layer: DynamicLayer, rows: torch.Tensor, room: int) -> None:
        """Take ``rows`` (N,) of a filled layer, and room for ``room`` further tokens."""
        super().__init__()
        self.dtype, self.device, self.is_initialized = layer.dtype, layer.device, True
        self._length = layer.keys.shape[-2]
        self._stores = [_with_room(filled, rows, room) for filled in (layer.keys, layer.values)]
        self._show()

    def _show(self) -> None:
        self.keys, self.values = (store[:, :, : self._length] for store in self._stores)

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any) -> tuple:
        """Append (N, heads, new tokens, head size) to the contents and return all of it."""
        end = self._length + key_states.shape[-2]
        for store, states in zip(self._stores, (key_states, value_states), strict=True):
            store[:, :, self._length : end] = states
        self._length = end
        self._show()
        return self.keys, self.values

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep these rows."""
        self._stores = [store[indices] for store in self._stores]
        self._show()


def _with_room(filled: torch.Tensor, rows: torch.Tensor, room: int) -> torch.Tensor:
    _, heads, length, size = filled.shape
    store = filled.new_empty(len(rows), heads, length + room, size)
    store[:, :, :length] = filled[rows]
    return store


def spread(cache: Any, rows: torch.Tensor, room: int) -> None:
    """Give each of N draws the cache of its prompt, in place.

    Layers that are not plain ones (sliding windows, quantised) keep their own way of growing.

    Args:
        cache: Keys and values of B prompts.
        rows: (N,), the prompt of each draw.
        room: Largest number of tokens still to come.
    """
    for place, layer in enumerate(cache.layers):
        if type(layer) is DynamicLayer and layer.get_seq_length() > 0:
            cache.layers[place] = RoomyLayer(layer, rows, room)
        else:
            layer.batch_select_indices(rows)
