"""``results/corpora/{corpus}/roles.parquet``: the role of each human vote in each deal.

One row per vote, by utterance and rater, whatever its number of labels. ``votes`` is the number of
votes of its utterance and ``level_votes`` how many of them decide the level, if there are at least two more
than that; ``position_00``, ``position_01`` ... is the vote's position in the random order of each deal, from 0.
:func:`role_codes` derives the roles from them: a million votes in thirty deals are thirty small
columns instead of thirty million rows of words.
"""

import numpy as np
import pandas as pd
import pandera.pandas as pa
from numpy.typing import ArrayLike, NDArray

from scaling_ambiguity.tables.base import Table

ROLE_NAMES = ("level", "conditioning", "reference")
POSITION = "position_"


def role_codes(position: ArrayLike, votes: ArrayLike, level_votes: ArrayLike) -> NDArray[np.int8]:
    """Return the role, as its index in ``ROLE_NAMES``, of votes at a position among ``votes`` votes.

    With N votes and L level votes: if N >= L + 2 the first L are level votes and R = N - L
    remain, otherwise none are and R = N. The last max(1, R // 2) are the reference, the others conditioning.

    Args:
        position: Position in the random order, from 0, integers.
        votes: N, number of votes of the same utterance, integers, broadcast to ``position``.
        level_votes: L, at least 0, integers, broadcast to ``position``.
    """
    position, votes, level_votes = (np.asarray(values) for values in (position, votes, level_votes))
    levels = np.where(votes >= level_votes + 2, level_votes, 0)
    references = np.maximum(1, (votes - levels) // 2)
    # the two boundaries that a vote may lie beyond: level | conditioning and conditioning | reference
    return (position >= levels).astype(np.int8) + (position >= votes - references)


def _inside(frame: pd.DataFrame) -> bool:
    votes = frame["votes"].to_numpy()
    columns = [frame[column].to_numpy() for column in frame.columns if column.startswith(POSITION)]
    return all(((column >= 0) & (column < votes)).all() for column in columns)


ROLES = Table(
    name="roles",
    key=("utterance", "rater"),
    families=(POSITION,),
    schema=pa.DataFrameSchema(
        {
            "utterance": pa.Column(str),
            "rater": pa.Column(str),
            "votes": pa.Column("int16", pa.Check.ge(1)),
            "level_votes": pa.Column("int16", pa.Check.ge(0)),
        },
        checks=pa.Check(_inside, error="a position is not between 0 and the number of votes"),
    ),
)
