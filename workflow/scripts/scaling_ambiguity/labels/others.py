"""Cross-fitting over speakers: what is fitted for a speaker comes from other speakers alone."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling_ambiguity.errors import UserError

Array = NDArray[np.float64]
LARGEST_BLOCKS = 20


def speaker_blocks(speakers: NDArray, where: str = "utterances") -> NDArray[np.intp]:
    """Return the block of each row: one block a speaker, or 20 blocks of speakers if there are more.

    Raises:
        UserError: fewer than two speakers; there is no other speaker to fit on.
    """
    names, index = np.unique(np.asarray(speakers, dtype=str), return_inverse=True)
    if len(names) < 2:
        raise UserError(f"{where}: only speaker {', '.join(names)}; at least two are needed. Use fewer folds.")
    return index % min(len(names), LARGEST_BLOCKS)


def from_others(counts: Array, blocks: NDArray[np.intp], fit: Callable[[Array], Array]) -> Array:
    """Return ``fit`` of the rows outside each row's block, (U, ...), called once a block.

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
    """Return the fold in whose test part each utterance stands, (U,); -1 if in none.

    Raises:
        UserError: an utterance that is not in the splits, or is tested twice.
    """
    absent = sorted(set(utterances) - set(splits["utterance"]))
    if absent:
        raise UserError(f"{where}: utterance {absent[0]} is in no fold. Split the corpus again.")
    tested = splits.loc[splits["part"] == "test"].set_index("utterance")["fold"]
    if tested.index.has_duplicates:
        twice = tested.index[tested.index.duplicated()][0]
        raise UserError(f"{where}: {twice} is tested twice. Split the corpus again.")
    return tested.reindex(utterances).fillna(-1).to_numpy(np.intp)
