"""Cross-fitting over speakers: everything fitted for a speaker comes from other speakers only."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.labels.counting import places

Array: TypeAlias = NDArray[np.float64]
LARGEST_BLOCKS = 20
NEVER_TESTED, LEFT_OUT = -1, -2


@dataclass(frozen=True)
class Others:
    """Blocks of the speakers of U utterances, and the human votes that a prior is fitted to, without a block in turn.

    Attributes:
        blocks: (U,) block of speakers of each utterance, 0 .. B - 1.
        counts: (V, C) human votes, of these utterances and possibly more.
        count_blocks: (V,) their blocks.
    """

    blocks: NDArray[np.intp]
    counts: Array
    count_blocks: NDArray[np.intp]


def speaker_blocks(speakers: NDArray, where: str = "utterances") -> NDArray[np.intp]:
    """Return the block of each row: one block per speaker, or 20 blocks of speakers if there are more.

    Raises:
        UserError: fewer than two speakers; there is no other speaker to fit on.
    """
    names, index = np.unique(np.asarray(speakers, dtype=str), return_inverse=True)
    if len(names) < 2:
        raise UserError(f"{where}: only speaker {', '.join(names)}; at least two are needed. Use fewer folds.")
    return index % min(len(names), LARGEST_BLOCKS)


def from_others(counts: Array, blocks: NDArray[np.intp], fit: Callable[[Array], Array]) -> Array:
    """Return ``fit`` of the rows outside each row's block, (U, ...), called once per block.

    Raises:
        UserError: a single block; there is no other to fit on.
    """
    if len(np.unique(blocks)) < 2:
        raise UserError("all utterances are of one test part or speaker: there are no others to fit on. Use two folds.")
    fitted = np.stack([fit(counts[blocks != block]) for block in range(int(blocks.max()) + 1)])
    return fitted[blocks]


def class_prior(counts: Array) -> Array:
    """Return the mean relative vote frequency over the utterances with a vote, (C,); sums to 1."""
    total = counts.sum(axis=-1)
    return (counts[total > 0] / total[total > 0, None]).mean(axis=0)


def test_parts(splits: pd.DataFrame, utterances: list[str], where: str = "splits") -> NDArray[np.intp]:
    """Return the fold in whose test part each utterance is, (U,): ``NEVER_TESTED`` (-1) if in none.

    ``LEFT_OUT`` (-2) marks utterances left out of the split altogether, such as a second test set.

    Raises:
        UserError: none of the utterances is in the splits, or one is tested twice.
    """
    place = places(splits["utterance"], utterances)
    inside, tested = place >= 0, (splits["part"] == "test").to_numpy(bool)
    if not inside.any():
        raise UserError(f"{where}: none of the utterances, such as {utterances[0]}, is in a fold. Split again.")
    twice = np.bincount(place[inside & tested], minlength=len(utterances)) > 1
    if twice.any():
        raise UserError(f"{where}: {utterances[int(twice.argmax())]} is tested twice. Split the corpus again.")
    parts = np.full(len(utterances), LEFT_OUT, dtype=np.intp)
    parts[place[inside]] = NEVER_TESTED
    parts[place[inside & tested]] = splits["fold"].to_numpy()[inside & tested]
    return parts
