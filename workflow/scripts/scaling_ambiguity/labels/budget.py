"""Labels from a limited number of votes: at most h human and m synthetic votes per utterance."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling_ambiguity.labels.counting import human_votes, valid_draws
from scaling_ambiguity.seeds import derive_seed


def limit_human(votes: pd.DataFrame, most: int | None, seed: int) -> pd.DataFrame:
    """Return the human votes of at most ``most`` raters per utterance.

    The raters are drawn by (seed, utterance, rater): a smaller set is part of a larger one, and all labels
    of one vote stay together.
    """
    rows = human_votes(votes)
    return rows if most is None else rows[_place(rows, "rater", "budget human", seed) < most]


def limit_synthetic(proxies: pd.DataFrame, most: int, seed: int) -> pd.DataFrame:
    """Return at most ``most`` valid synthetic votes per utterance, likewise drawn by (seed, utterance, draw)."""
    rows = valid_draws(proxies)
    return rows[_place(rows, "draw", "budget synthetic", seed) < most]


def _place(rows: pd.DataFrame, column: str, purpose: str, seed: int) -> NDArray[np.intp]:
    """Return the position of each row's (utterance, ``column``) in the random order within its utterance."""
    pairs = rows[["utterance", column]].drop_duplicates()
    keys = [derive_seed(seed, purpose, *pair) for pair in pairs.itertuples(index=False)]
    pairs = pairs.assign(key=np.array(keys, dtype=np.uint64))
    pairs["place"] = pairs.groupby("utterance")["key"].rank(method="first").astype(int) - 1
    return rows.merge(pairs, on=["utterance", column], how="left")["place"].to_numpy()
