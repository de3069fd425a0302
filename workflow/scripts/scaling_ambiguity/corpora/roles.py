"""The deal of an utterance's human votes into disjoint sets: level, conditioning, reference.

Votes that decide a level, votes that a predictor may see and votes that it is scored on must
not overlap: with shared votes the exchange rate by level is off by a factor of two.
The order within an utterance is that of a 64-bit hash of (seed, deal, utterance, rater), so it
depends on nothing else, and millions of votes are dealt without a loop over utterances.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.seeds import derive_seed
from scaling_ambiguity.tables.base import deal_columns
from scaling_ambiguity.tables.roles import POSITION
from scaling_ambiguity.tables.votes import counted

WEIGHT_TOLERANCE = 1e-6  # of the sum of the weights of a vote's labels


def mix(values: np.ndarray) -> np.ndarray:
    """Return the finaliser of SplitMix64 (Steele, Lea and Flood 2014) of uint64 values, elementwise."""
    with np.errstate(over="ignore"):
        values = values + np.uint64(0x9E3779B97F4A7C15)
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return values ^ (values >> np.uint64(31))


def text_hash(names: pd.Series) -> np.ndarray:
    """Return a uint64 hash of each name, the same on every machine."""
    codes, unique = pd.factorize(names)
    return np.array([derive_seed(name) for name in unique], dtype=np.uint64)[codes]


def votes_to_deal(votes: pd.DataFrame) -> pd.DataFrame:
    """Return utterance, rater of the votes to be dealt: observers' primary votes inside the class set.

    A vote with several labels (ranks 0, 1 ... that share its weight) is dealt once, as a whole.

    Raises:
        UserError: A rater has two such votes on one utterance, or there is none at all.
    """
    rows = votes.loc[counted(votes), ["utterance", "rater", "rank", "weight"]]
    if rows.empty:
        raise UserError("votes: no primary vote of an observer lies in the class set; check the corpus' classes.")
    further = rows.duplicated(["utterance", "rater"])
    if not further.any():
        return rows[["utterance", "rater"]]
    whole = rows.groupby(["utterance", "rater"])["weight"].transform("sum") > 1 + WEIGHT_TOLERANCE
    twice = rows.duplicated(["utterance", "rater", "rank"]) | whole
    if twice.any():
        raise UserError(
            f"votes: {rows.loc[twice, ['utterance', 'rater']].iloc[0].to_dict()} has two primary votes. In the "
            "corpus' reader choose one presentation, and let several labels of one vote share its weight."
        )
    return rows.loc[~further, ["utterance", "rater"]]


def deal_roles(votes: pd.DataFrame, *, level_votes: int, deals: int, seed: int) -> pd.DataFrame:
    """Return the roles table (:mod:`tables.roles`): one row per dealt vote, its position in every deal.

    Args:
        votes: The votes table of a corpus.
        level_votes: Number of votes that decide the level, where there are at least two more votes than that.
        deals: Number of deals, at least 1.
        seed: Seed of the run.
    """
    if level_votes < 0 or deals < 1:
        raise UserError(f"level votes {level_votes}, deals {deals}: need at least 0 and 1; change the configuration.")
    pairs = votes_to_deal(votes).sort_values(["utterance", "rater"], ignore_index=True)
    item, names = pd.factorize(pairs["utterance"])
    count = np.bincount(item, minlength=len(names))
    if count.max() > np.iinfo(np.int16).max:
        raise UserError(f"votes: {names[int(count.argmax())]} has {count.max()} votes; the roles hold 32767.")
    # rows are sorted by utterance: sorting within utterances keeps their positions
    place = np.arange(len(pairs)) - np.concatenate([[0], np.cumsum(count)[:-1]])[item]
    vote_hash = mix(text_hash(pairs["utterance"]) ^ mix(text_hash(pairs["rater"])))
    small = np.int8 if count.max() <= np.iinfo(np.int8).max else np.int16
    columns = {"utterance": pairs["utterance"], "rater": pairs["rater"]}
    columns |= {"votes": count[item].astype(np.int16), "level_votes": np.full(len(pairs), level_votes, np.int16)}
    for deal, column in enumerate(deal_columns(deals, POSITION)):
        position = np.empty(len(pairs), dtype=small)
        position[_order(mix(vote_hash ^ np.uint64(derive_seed(seed, "deal", deal))), item)] = place
        columns[column] = position
    return pd.DataFrame(columns)


def _order(keys: NDArray[np.uint64], item: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the stable order by item, then key: a tie of two keys is broken by the order of the rows.

    Sorting by item and leading bits of the key takes a third of the time of sorting by both; only if
    leading bits tie within an item is the whole key used.
    """
    bits = int(item.max()).bit_length()
    packed = keys >> np.uint64(bits)
    if bits:
        packed |= item.astype(np.uint64) << np.uint64(64 - bits)
    order = np.argsort(packed, kind="stable")
    packed = packed[order]
    return np.lexsort((keys, item)) if (packed[1:] == packed[:-1]).any() else order
