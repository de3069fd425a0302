"""The deal of an utterance's human votes into disjoint sets: level, conditioning, reference.

Votes that decide a level, votes that a predictor may see and votes that it is scored on must
not overlap: with shared votes the exchange rate by level is off by a factor of two.
The order within an utterance is that of a 64-bit hash of (seed, deal, utterance, rater), so it
depends on nothing else, and millions of votes are dealt without a loop over utterances.
"""

import numpy as np
import pandas as pd

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.seeds import derive_seed

ROLES_IN_ORDER = np.array(["level", "conditioning", "reference"])


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


def role_codes(position: np.ndarray, count: np.ndarray, level_votes: int) -> np.ndarray:
    """Return the role (0 level, 1 conditioning, 2 reference) of votes at a position among ``count`` votes.

    With N votes and L level votes: if N >= L + 2 the first L are level votes and R = N - L
    remain, otherwise none are and R = N. The last max(1, R // 2) are the reference, the others conditioning.

    Args:
        position: Place in the random order, from 0, integers (n,).
        count: Number of votes of the same utterance, integers (n,).
        level_votes: L, at least 0.
    """
    levels = np.where(count >= level_votes + 2, level_votes, 0)
    references = np.maximum(1, (count - levels) // 2)
    return np.where(position < levels, 0, np.where(position < count - references, 1, 2)).astype(np.int8)


def human_votes(votes: pd.DataFrame) -> pd.DataFrame:
    """Return utterance, rater of the votes that are dealt: observers' primary votes inside the class set.

    Raises:
        UserError: A rater has two such votes on one utterance, or there is none at all.
    """
    chosen = (votes["kind"] == "observer") & (votes["role"] == "primary") & votes["label"].notna()
    pairs = votes.loc[chosen, ["utterance", "rater"]]
    twice = pairs.duplicated()
    if twice.any():
        raise UserError(
            f"votes: {pairs[twice].iloc[0].to_dict()} has two primary votes; "
            "choose one presentation and one rank in the corpus' reader."
        )
    if pairs.empty:
        raise UserError("votes: no primary vote of an observer lies in the class set; check the corpus' classes.")
    return pairs


def deal_roles(votes: pd.DataFrame, *, level_votes: int, deals: int, seed: int) -> pd.DataFrame:
    """Return utterance, rater, deal, role, position: every dealt vote in every deal, once.

    Args:
        votes: The votes table of a corpus.
        level_votes: Number of votes that decide the level, where there are two more than that.
        deals: Number of deals, at least 1.
        seed: Seed of the run.
    """
    if level_votes < 0 or deals < 1:
        raise UserError(f"level votes {level_votes}, deals {deals}: need at least 0 and 1; change the configuration.")
    pairs = human_votes(votes).sort_values(["utterance", "rater"], ignore_index=True)
    item, names = pd.factorize(pairs["utterance"])
    count = np.bincount(item, minlength=len(names))
    first = np.concatenate([[0], np.cumsum(count)[:-1]])
    vote_hash = mix(text_hash(pairs["utterance"]) ^ mix(text_hash(pairs["rater"])))
    position = np.empty((len(pairs), deals), dtype=np.int32)
    for deal in range(deals):
        # a tie of two 64-bit hashes is broken by the raters' names, through the stable sort
        order = np.lexsort((mix(vote_hash ^ np.uint64(derive_seed(seed, "deal", deal))), item))
        position[order, deal] = np.arange(len(pairs)) - first[item[order]]
    role = role_codes(position, count[item][:, None], level_votes)
    return pd.DataFrame(
        {
            "utterance": pairs["utterance"].repeat(deals).array,
            "rater": pairs["rater"].repeat(deals).array,
            "deal": np.tile(np.arange(deals), len(pairs)),
            "role": pd.array(ROLES_IN_ORDER, dtype="str").take(role.ravel()),
            "position": position.ravel().astype(np.int64),
        }
    )
