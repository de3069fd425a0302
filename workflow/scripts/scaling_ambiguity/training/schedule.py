"""The schedule of each step, as pure functions of the seed and the step: no random state needs to be stored."""

import math

from scaling_ambiguity.seeds import uniform

WINDOW = 16


def rate_factor(step: int, steps: int, warmup: float) -> float:
    """Return the learning-rate factor in (0, 1] of ``step`` (from 0): linear warm-up, then half a cosine to 0.

    Args:
        step: 0 .. steps - 1.
        steps: Number of optimiser steps.
        warmup: Share of the steps that warm up, in [0, 1).
    """
    rising = math.ceil(warmup * steps)
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


class Batches:
    """The rows of every step: epochs in an order hashed from (seed, epoch, utterance), cut into full batches.

    An epoch's remainder opens the next batch, so that every batch is full and each item is seen equally often, up to
    one. With lengths, windows of ``WINDOW`` batches are sorted by length and cut, and the cuts are shuffled: a batch
    holds prompts of similar length, little of it is padding, and an epoch still holds each item once.
    """

    def __init__(self, utterances: list[str], size: int, seed: int, lengths: list[int] | None = None):
        """``size`` rows a batch; ``utterances`` are unique names, ``lengths`` their prompts' tokens."""
        self._utterances = utterances
        self._lengths = lengths
        self._size = size
        self._seed = seed
        self._epochs: dict[int, list[int]] = {}

    def rows(self, step: int) -> list[int]:
        """Return the row numbers of ``step`` (from 0)."""
        n = len(self._utterances)
        places = range(step * self._size, (step + 1) * self._size)
        return [self._epoch(place // n)[place % n] for place in places]

    def _epoch(self, epoch: int) -> list[int]:
        if epoch not in self._epochs:
            keys = [uniform(self._seed, "order", epoch, name) for name in self._utterances]
            order = sorted(range(len(keys)), key=keys.__getitem__)
            self._epochs[epoch] = order if self._lengths is None else self._grouped(order, self._lengths, epoch)
        return self._epochs[epoch]

    def _grouped(self, order: list[int], lengths: list[int], epoch: int) -> list[int]:
        width, batches = WINDOW * self._size, []
        for start in range(0, len(order), width):
            window = sorted(order[start : start + width], key=lengths.__getitem__)
            batches += [window[place : place + self._size] for place in range(0, len(window), self._size)]
        # Full batches first: a short one in the middle would shift the cuts of all that follow.
        batches.sort(key=lambda rows: (len(rows) < self._size, uniform(self._seed, "cut", epoch, rows[0])))
        return [row for rows in batches for row in rows]
