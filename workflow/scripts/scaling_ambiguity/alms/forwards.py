"""Divide rows into forwards of the language model, by their length and by the available memory.

Every row is padded to the next multiple of ``STEP`` of its own length (or, where rows share a prefix, of
their group's), and only rows of one width share a forward. So a row's padding never depends on which rows are batched
with it, nor on memory. A matrix product of a different number of rows may still sum in another order, which changes
last digits; therefore the number of rows does not follow the free memory byte by byte: it is the configured number of
places, or that number halved as often as needed, and so the same whenever there is enough memory.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch.nn.functional import pad

from scaling_ambiguity.alms.free_memory import free_memory, ran_out
from scaling_ambiguity.alms.loading import LoadedALM
from scaling_ambiguity.alms.parts import parts
from scaling_ambiguity.alms.place_cost import place_cost
from scaling_ambiguity.alms.prefix import STEP, Group
from scaling_ambiguity.errors import UserError

SHARE = 0.8  # of the free memory; the rest is for what the allocator cannot use and for the output layer in float32
MOST_PLACES = 32_768  # in one forward, unless configured: with that many a GPU is busy; more would only take memory
# Bytes per logit while it becomes a probability: float32, and in float64 its value, logarithm and a sum.
LOGIT_BYTES = 36


@dataclass(frozen=True)
class Item:
    """The source of one result: a prompt to be read out, or one draw of an answer to it.

    Attributes:
        key: Position of the result.
        row: Row of the prompt.
        shape: Padded widths of the part read once for the row's group (0: none) and of the rest of the row.
        group: Number of its group.
    """

    key: int
    row: int
    shape: tuple[int, int]
    group: int


def shapes_of(lengths: Sequence[int], groups: Sequence[Group]) -> list[tuple[tuple[int, int], int]]:
    """Return for each row its padded widths and the number of its group.

    Args:
        lengths: Tokens of each row.
        groups: Which rows are read together, and the length of their common prefix in tokens; a single row shares
            nothing.
    """
    shapes: dict[int, tuple[tuple[int, int], int]] = {}
    for number, (members, prefix) in enumerate(groups):
        longest, shared = max(lengths[row] for row in members), prefix if len(members) > 1 else 0
        shape = (-(-shared // STEP) * STEP, -(-(longest - shared) // STEP) * STEP)
        shapes |= dict.fromkeys(members, (shape, number))
    return [shapes[row] for row in range(len(lengths))]


def left(inputs: dict[str, torch.Tensor], rows: list[int], width: int) -> dict[str, torch.Tensor]:
    """Return some rows of left-padded inputs at another width, at least that of the longest row."""
    wider = width - inputs["attention_mask"].shape[1]
    chosen = {key: value[rows] for key, value in inputs.items()}
    if wider <= 0:
        return {key: value[:, -width:] for key, value in chosen.items()}
    return {key: pad(value, (0, 0) * (value.dim() - 2) + (wider, 0)) for key, value in chosen.items()}


class Forwards:
    """Divides items into forwards that fit into memory, and halves them where memory runs out nevertheless.

    Attributes:
        most: Largest number of places (tokens x rows) of a forward.
        largest: Bytes predicted for the largest forward so far, in addition to the weights.
    """

    def __init__(self, alm: LoadedALM, most: int = MOST_PLACES) -> None:
        modules = parts(alm.model)
        shapes = {name: tuple(one.shape) for name, one in modules.language_model.named_parameters()}
        self.device, self.most, self.largest = alm.device, most, 0
        self._cost = place_cost(shapes)
        self._size = modules.lm_head.weight.element_size()
        self._vocabulary = len(modules.lm_head.weight)

    def need(self, items: Sequence[Item], *, kept: bool, behind: int) -> tuple[int, int]:
        """Return the places and the bytes that a forward of these items needs in addition to the weights.

        Each prompt passes through the layers once. Keys and values are kept where answers are generated, one copy per
        draw, or where rows continue from a shared prefix; a read-out of whole rows keeps none.

        Args:
            items: Of one shape.
            kept: Keys and values are kept for every item.
            behind: Tokens that are read after each row, or generated.
        """
        head, rest = items[0].shape
        rows, groups = len({item.row for item in items}), len({item.group for item in items})
        width = head + rest + behind
        passing = rows * (rest + (0 if kept else behind)) + groups * head
        stay = (len(items) if kept else rows if head else 0) * width
        logits = len(items) if kept else rows * (1 + behind)
        masks = 0 if kept else 3 * rows * width * (rest + behind)
        size = self._size * (self._cost.kept * stay + self._cost.passing * passing)
        return max(passing, stay), size + masks + LOGIT_BYTES * self._vocabulary * logits

    def run(self, items: Sequence[Item], compute: Callable[[list[Item]], None], *, kept: bool, behind: int) -> None:
        """Compute all items, shape by shape and row by row.

        Where memory runs out the forward is repeated with half as many places, and so are all that follow.

        Args:
            items: In any order.
            compute: Takes items of one shape and stores their results.
            kept: See :meth:`need`.
            behind: See :meth:`need`.

        Raises:
            UserError: Not even one item fits.
        """
        queue = self._cut(sorted(items, key=lambda item: (item.shape, item.group, item.row, item.key)), kept, behind)
        while queue:
            piece = queue.popleft()
            places, size = self.need(piece, kept=kept, behind=behind)
            if self._fits(compute, piece):
                self.largest = max(self.largest, size)
                continue
            if len(piece) == 1:
                raise UserError(
                    f"out of memory with a single prompt of {sum(piece[0].shape)} tokens, which needs about "
                    f"{size / 1e9:.2g} GB besides the weights. Use a device with more memory, or a smaller model."
                )
            while self.most >= places:
                self.most //= 2
            print(f"out of memory with {places} tokens x rows at once; from here on at most {self.most}")
            queue = self._cut([item for some in [piece, *queue] for item in some], kept, behind)

    def _fits(self, compute: Callable[[list[Item]], None], piece: list[Item]) -> bool:
        try:
            compute(piece)
            return True
        except (RuntimeError, MemoryError) as error:
            if not ran_out(error):
                raise
        # only here, after the error and with it the memory of the forward are released
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        return False

    def _cut(self, items: list[Item], kept: bool, behind: int) -> deque[list[Item]]:
        """Return the items in pieces of at most ``most`` places, or halved as often as needed for all to fit."""
        room, most = SHARE * free_memory(self.device), self.most
        while True:
            pieces = self._pieces(items, most, kept, behind)
            if all(len(one) == 1 or self.need(one, kept=kept, behind=behind)[1] <= room for one in pieces):
                return pieces
            most //= 2

    def _pieces(self, items: list[Item], most: int, kept: bool, behind: int) -> deque[list[Item]]:
        pieces: deque[list[Item]] = deque()
        for item in items:
            if pieces and pieces[-1][0].shape == item.shape:
                longer = [*pieces[-1], item]
                if self.need(longer, kept=kept, behind=behind)[0] <= most:
                    pieces[-1] = longer
                    continue
            pieces.append([item])
        return pieces
