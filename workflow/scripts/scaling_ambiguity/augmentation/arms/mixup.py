"""Mixup of spectra (arXiv 1710.09412): random pairs of the training part, regardless of class and speaker."""

from typing import Any

from scaling_ambiguity.augmentation.recipes import MIXED, Recipe, Training, only_known, share
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.seeds import generator

OPTIONS = ("share", "concentration")


def plan(training: Training, options: dict[str, Any], prefix: str, seed: int, where: str) -> list[Recipe]:
    """Return floor(``share`` x n) mixtures (.3) with alpha ~ Beta(``concentration``, ``concentration``) (.2).

    The first parent is the one with more weight and provides the transcript, as words cannot be mixed.

    Raises:
        UserError: An option is unknown or out of its range, or there are fewer than two items.
    """
    only_known(options, OPTIONS, where)
    n, size = len(training.names), share(options, "share", 0.3, where, largest=10.0)
    concentration = share(options, "concentration", 0.2, where, largest=100.0)
    if n < 2:
        raise UserError(f"{where}: mixup needs two training utterances, and there is {n}.")
    recipes = []
    for number in range(int(size * n + 1e-9)):
        name = f"{prefix}_{number:05d}"
        random = generator(seed, "mixup", name)
        first, second = (int(place) for place in random.choice(n, size=2, replace=False))
        alpha = float(random.beta(concentration, concentration))
        alpha = max(alpha, 1 - alpha)
        mixed = alpha * training.distributions[first] + (1 - alpha) * training.distributions[second]
        parents = str(training.names[first]), str(training.names[second])
        recipes.append(
            Recipe(name, parents, alpha, "mixup", {}, mixed / mixed.sum(), training.transcripts[first], MIXED)
        )
    return recipes
