"""Oversampling: items of small bins are repeated unchanged. It is the baseline for mixing and transforms."""

from typing import Any

import numpy as np

from scaling_ambiguity.augmentation import lifting
from scaling_ambiguity.augmentation.recipes import COPIED, Recipe, Training, only_known

OPTIONS = lifting.OPTIONS


def plan(training: Training, options: dict[str, Any], prefix: str, seed: int, where: str) -> list[Recipe]:
    """Return copies that lift every bin like ``arms.balanced``, with the same options of ``lifting.lift``."""
    only_known(options, OPTIONS, where)
    aim = lifting.lift(training, options, where)
    used = np.zeros(len(training.names), dtype=np.intp)
    recipes = []
    for number, bin_name in enumerate(aim.bins.names):
        wanted, members = int(aim.target[number] - aim.before[number]), np.flatnonzero(aim.home == number)
        taken = lifting.in_turn(members, wanted, used, aim.reuse, seed, prefix, bin_name)
        for made, member in enumerate(taken):
            parent = str(training.names[member])
            item = training.distributions[member], training.transcripts[member]
            recipes.append(Recipe(f"{prefix}_{bin_name}_{made:05d}", (parent,), 1.0, "copy", {}, *item, COPIED))
    return recipes
