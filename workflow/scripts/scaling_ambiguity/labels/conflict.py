"""How far apart the votes on two presentations of an utterance are, such as its voice and its face, and thirds of it.

The distance is measured on votes that are not scored, in every deal: level votes, and votes of another corpus entry.
"""

from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.labels.counting import DealtVotes, places
from scaling_ambiguity.labels.level_definitions import THIRDS, Edges, rising
from scaling_ambiguity.labels.levels import pairwise_agreement, vote_sums
from scaling_ambiguity.labels.others import test_parts
from scaling_ambiguity.tables.roles import ROLE_NAMES
from scaling_ambiguity.tables.votes import counted

Array: TypeAlias = NDArray[np.float64]
Sums = tuple[
    Array, NDArray[np.integer], Array
]  # votes per class (U, C), their number (U,), sums of squared weights (U,)


def squared_distance(some: Sums, others: Sums) -> Array:
    """Return the unbiased squared distance of the sources of two sets of votes, (U,); NaN with fewer than two in one.

    Agreement within one set + agreement within the other - 2 x agreement between them. Only pairs of different votes
    count, so that the expectation, sum_c (p_c - q_c)^2, depends on no number of votes; single values may be negative.
    It is the energy distance whose distance of two votes is 0 if they are equal, else 1 (Szekely and Rizzo 2013,
    10.1016/j.jspi.2013.03.018).

    Args:
        some: Arguments of :func:`~.levels.pairwise_agreement`.
        others: Likewise, of votes on the same utterances.
    """
    pairs = np.where((some[1] >= 2) & (others[1] >= 2), some[1] * others[1], np.nan)
    between = (some[0] * others[0]).sum(axis=-1) / pairs
    return pairwise_agreement(*some) + pairwise_agreement(*others) - 2 * between


def conflict_values(dealt: DealtVotes, other: pd.DataFrame, names: list[str], classes: list[str], where: str) -> Array:
    """Return the distance of each utterance's level votes from its other votes, (D, U); NaN where either are too few.

    Args:
        dealt: The human votes of the U utterances.
        other: Table of votes on the same utterances in another presentation; further utterances are ignored.
        names: The U utterances.
        classes: The class set, in order.
        where: File of ``other``, for messages.

    Raises:
        UserError: No utterance has two votes of each kind.
    """
    cast = other[counted(other) & other["utterance"].isin(names)]
    others = vote_sums(cast, names, classes, where)
    values = np.empty(dealt.shape[:2])
    for deal in range(len(values)):
        level = dealt.roles(deal) == ROLE_NAMES.index("level")
        values[deal] = squared_distance((dealt.count(level), dealt.voters(level), dealt.squares(level)), others)
    if np.isnan(values).all():
        raise UserError(
            f"{where}: no utterance has two votes there and two level votes here; no conflict can be measured. Let "
            "statistics.conflict.other name an entry with votes on the same utterances, or remove statistics.conflict."
        )
    return values


def conflict_places(values: Array, splits: pd.DataFrame, names: list[str]) -> tuple[NDArray[np.int8], dict[int, Edges]]:
    """Return the third of each tested utterance's conflict in each deal, (D, U), and the edges of every fold.

    The edges are the tertiles on the training part of the fold that tests the utterance, over its utterances and deals;
    a value on an edge is below it. 0, 1, 2 upwards; -1 where the conflict or the edges are not known, or nothing is
    tested.

    Args:
        values: (D, U), NaN where not known.
        splits: The protocol's splits.
        names: The U utterances.
    """
    tested, edges = test_parts(splits, names), {}
    place = np.full(values.shape, -1, dtype=np.int8)
    row, trains = places(splits["utterance"], names), (splits["part"] == "train").to_numpy(bool)
    folds, identified = splits["fold"].to_numpy(), ~np.isnan(values)
    for fold in np.unique(folds):
        training = np.zeros(len(names), dtype=bool)
        training[row[(row >= 0) & trains & (folds == fold)]] = True
        chosen = identified & training
        if not chosen.any():
            continue
        lower, upper = np.quantile(values[chosen], THIRDS)
        edges[int(fold)] = (float(lower), float(upper))
        here = identified & (tested == fold)
        place[here] = rising(values[here], edges[int(fold)])
    return place, edges
