"""What happens at each step, as pure functions of the seed and the step: nothing random needs to be stored."""

import math

from scaling_ambiguity.seeds import uniform


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

    An epoch's remainder opens the next batch, so that every batch is full and each item is
    seen equally often, give or take one.
    """

    def __init__(self, utterances: list[str], size: int, seed: int):
        """``size`` rows a batch; ``utterances`` are unique names."""
        self._utterances = utterances
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
            self._epochs[epoch] = sorted(range(len(keys)), key=keys.__getitem__)
        return self._epochs[epoch]
