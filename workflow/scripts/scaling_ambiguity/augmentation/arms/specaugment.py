"""SpecAugment (arXiv 1904.08779): recordings with frequency bands and time segments masked."""

from typing import Any

import numpy as np

from scaling_ambiguity.augmentation import lifting
from scaling_ambiguity.augmentation.recipes import TRANSFORMED, Recipe, Training, only_known, share
from scaling_ambiguity.errors import UserError

OPTIONS = ("share", "masks", "frequency", "time")


def plan(training: Training, options: dict[str, Any], prefix: str, seed: int, where: str) -> list[Recipe]:
    """Return floor(``share`` x n) masked items (.3): all in turn, labels and transcripts unchanged.

    ``masks`` (2) bands, each at most ``frequency`` (.15) of all, and as many stretches, each at most ``time``
    (.1) of the length.

    Raises:
        UserError: An option is unknown or out of its range.
    """
    only_known(options, OPTIONS, where)
    n, size, masks = len(training.names), share(options, "share", 0.3, where, largest=10.0), options.get("masks", 2)
    if not isinstance(masks, int) or masks < 1:
        raise UserError(f"{where}: masks is {masks!r} and must be a whole number above 0.")
    settings = {
        "masks": masks,
        "frequency": share(options, "frequency", 0.15, where),
        "time": share(options, "time", 0.1, where, largest=0.5),
    }
    used = np.zeros(n, dtype=np.intp)
    taken = lifting.in_turn(np.arange(n), int(size * n + 1e-9), used, int(np.ceil(size)), seed, prefix)
    return [
        Recipe(
            f"{prefix}_{number:05d}",
            (str(training.names[member]),),
            1.0,
            "specaugment",
            settings,
            training.distributions[member],
            training.transcripts[member],
            TRANSFORMED,
        )
        for number, member in enumerate(taken)
    ]
