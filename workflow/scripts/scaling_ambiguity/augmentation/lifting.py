"""Shared parts of arms that fill bins: the bins, the wanted counts, and members taken in turn."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scaling_ambiguity.augmentation.balancing import lifted
from scaling_ambiguity.augmentation.recipes import Training, share
from scaling_ambiguity.augmentation.simplex_bins import Bins, make_bins
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.seeds import generator

OPTIONS = ("bins", "edges", "codes", "ratio", "reuse")
REUSE = 10


@dataclass(frozen=True)
class Lift:
    """What is to be made.

    Attributes:
        bins: The bins.
        home: (n,) bin of each training item.
        before: (B,) training items per bin.
        target: (B,) wanted items per bin.
        reuse: Largest number of new items of which one training item may be a parent.
    """

    bins: Bins
    home: NDArray[np.intp]
    before: NDArray[np.intp]
    target: NDArray[np.intp]
    reuse: int


def lift(training: Training, options: dict[str, Any], where: str) -> Lift:
    """Return the bins of the training part and the counts they are lifted to.

    Options, in addition to those of ``make_bins``: ``ratio`` (.3), the share of the largest bin that every
    bin with an item is lifted to; ``reuse`` (10), the largest number of new items per parent.

    Raises:
        UserError: An option is out of its range.
    """
    ratio = share(options, "ratio", 0.3, where) if options.get("ratio", 0.3) else 0.0
    reuse = options.get("reuse", REUSE)
    if not isinstance(reuse, int) or reuse < 1:
        raise UserError(f"{where}: reuse is {reuse!r} and must be a whole number above 0.")
    bins = make_bins(options, training.distributions, training.classes, where)
    home = bins.place(training.distributions)
    before = np.bincount(home, minlength=len(bins.names))
    return Lift(bins, home, before, lifted(before, ratio), reuse)


def in_turn(members: NDArray[np.intp], wanted: int, used: NDArray[np.intp], reuse: int, *seed: object) -> list[int]:
    """Return up to ``wanted`` members, in random rounds over all of them, each at most ``reuse`` times in ``used``.

    ``used`` (n,) is updated in place.
    """
    taken: list[int] = []
    for turn in range(reuse):
        for member in generator(*seed, turn).permutation(members):
            if len(taken) == wanted:
                return taken
            if used[member] < reuse:
                used[member] += 1
                taken.append(int(member))
    return taken
