"""Settings of a strategy chosen on the votes of other speakers: five folds of speakers, a grid, no reuse."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.labels.dirichlet import fit_dirichlet_multinomial
from scaling_ambiguity.labels.others import class_prior, from_others
from scaling_ambiguity.seeds import derive_seed

Array: TypeAlias = NDArray[np.float64]
FOLDS = 5


@dataclass(frozen=True)
class HeldOut:
    """Human votes on the U utterances of a pool, and what other speakers' votes say.

    Attributes:
        counts: (U, C) votes, at least one in each row.
        speakers: (U,).
        folds: (U,) fold of each utterance; a speaker is in one fold.
        prior: (U, C) mean vote frequency of the other folds.
        concentration: (U, C) Dirichlet-multinomial fit to the other folds.
        floor: Smallest probability in logarithms.
    """

    counts: Array
    speakers: NDArray
    folds: NDArray[np.intp]
    prior: Array
    concentration: Array
    floor: float


def hold_out(counts: Array, speakers: NDArray, *, floor: float, seed: int, folds: int = FOLDS) -> HeldOut:
    """Return votes with folds of speakers, and the prior of each fold from the others.

    Args:
        counts: (U, C) votes, at least one in each row.
        speakers: (U,).
        floor: Smallest probability in logarithms, in [0, 1 / C).
        seed: Decides which speakers share a fold.
        folds: Number of folds; fewer where there are fewer speakers.

    Raises:
        UserError: An utterance without a vote, or fewer than two speakers.
    """
    silent = counts.sum(axis=1) <= 0
    if silent.any():
        raise UserError(f"utterance number {int(silent.argmax())} has no human vote to be scored on. Leave it out.")
    fold = speaker_folds(speakers, seed=seed, folds=folds)
    prior = from_others(counts, fold, class_prior)
    concentration = from_others(counts, fold, fit_dirichlet_multinomial)
    return HeldOut(counts, np.asarray(speakers), fold, prior, concentration, floor)


def speaker_folds(speakers: NDArray, *, seed: int, folds: int = FOLDS) -> NDArray[np.intp]:
    """Return the fold of each row, (U,), 0 ... ``folds`` - 1; whole speakers, by a hash of their name.

    Raises:
        UserError: Fewer than two speakers; there is no other speaker to fit on.
    """
    names, index = np.unique(np.asarray(speakers, dtype=str), return_inverse=True)
    if len(names) < 2:
        raise UserError(f"only speaker {', '.join(names)}: nothing can be fitted on other speakers. Add a second one.")
    order = np.argsort([derive_seed(seed, "speaker folds", name) for name in names], kind="stable")
    place = np.empty(len(names), dtype=np.intp)
    place[order] = np.arange(len(names)) % min(folds, len(names))
    return place[index]


def chosen_on_others(losses: Array, folds: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return for each row the column with the least mean loss over the rows of other folds; (U, G) -> (U,).

    Ties go to the first column: put the setting that changes least first.
    """
    sums = np.stack([losses[folds == fold].sum(axis=0) for fold in range(int(folds.max()) + 1)])
    size = np.bincount(folds)
    others = (sums.sum(axis=0) - sums) / (size.sum() - size)[:, None]
    return np.argmin(others, axis=1)[folds]


def fitted(loss: Callable[[float], Array], grid: Sequence[float], folds: NDArray[np.intp]) -> Array:
    """Return the value of ``grid`` for each row, (U,), that has the least loss on the rows of other folds.

    Args:
        loss: Value -> losses (U,).
        grid: Values, the one that changes least first.
        folds: (U,).
    """
    losses = np.stack([loss(value) for value in grid], axis=1)
    return np.asarray(grid, dtype=np.float64)[chosen_on_others(losses, folds)]
