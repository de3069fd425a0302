"""An annotator whose votes are those of another corpus entry: published human votes stand in for a model's.

On CREMA-D the votes of raters who saw only the face thus stand in for a model that is asked about the voice: real,
informative, and wrong in a systematic way.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from scaling_ambiguity.corpora.roles import mix, text_hash
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.seeds import derive_seed
from scaling_ambiguity.tables.votes import observed

PROMPT = "replay"


def replay(
    votes: pd.DataFrame,
    utterances: Sequence[str],
    *,
    annotator: str,
    draws: int,
    classes: Sequence[str],
    seed: int,
    where: str = "votes",
) -> pd.DataFrame:
    """Return ``draws`` synthetic votes of each utterance, taken from other raters' votes on it.

    An utterance's raters are sorted by a 64-bit hash of (seed, annotator, utterance, presentation, rater), which
    depends on no other utterance, and the first ``draws`` of them vote; a rater who gave several labels contributes
    the one whose hash comes first. So more draws add votes and change none. A label outside ``classes`` is an answer
    of status ``invalid``; a draw for which there is no rater left has status ``failed``, so that every (utterance,
    draw) is there.

    Args:
        votes: Votes table of the other entry: its observers' primary votes are taken.
        utterances: Utterances to vote on; votes on others are ignored.
        annotator: Name of the annotator, the ``rater`` of every row.
        draws: Votes per utterance, at least 1.
        classes: The class set.
        seed: Seed of the run.
        where: Name of the votes table in messages.

    Returns:
        A table of synthetic votes (``scaling_ambiguity.tables.proxies``).

    Raises:
        UserError: No utterance has a vote, or the votes are of several presentations.
    """
    if draws < 1:
        raise UserError(f"annotator {annotator}: votes is {draws}; it has to be at least 1.")
    names = pd.Index(utterances, dtype="str").unique().sort_values()
    cast = votes[observed(votes) & votes["utterance"].isin(names)]
    if cast.empty:
        raise UserError(
            f"{where}: holds no vote of an observer on any of the {len(names)} utterances; "
            f"annotator {annotator} has to replay votes on the same utterances."
        )
    presentations = sorted(cast["presentation"].unique())
    if len(presentations) > 1:
        raise UserError(f"{where}: votes of several presentations {presentations}; keep one in the corpus' entry.")
    chosen = _first(_one_label_a_rater(cast), names, annotator, draws, seed)
    return _table(chosen, names, presentations[0], annotator, draws, list(classes))


def _one_label_a_rater(cast: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each (utterance, rater): of several labels the one whose hash comes first."""
    several = cast.duplicated(["utterance", "rater"], keep=False)
    if not several.any():
        return cast
    key = mix(text_hash(cast["utterance"]) ^ mix(text_hash(cast["rater"]) ^ mix(text_hash(cast["label_raw"]))))
    return cast.iloc[np.argsort(key, kind="stable")].drop_duplicates(["utterance", "rater"])


def _first(cast: pd.DataFrame, names: pd.Index, annotator: str, draws: int, seed: int) -> pd.DataFrame:
    """Return the votes that are drawn, with the number of their utterance and of their draw."""
    # a separate stream: if dealt like the target's votes, an anonymous vote #3 would coincide with the target's vote #3
    stream = np.uint64(derive_seed(seed, PROMPT, annotator, *cast["presentation"].iloc[:1]))
    cast = cast.sort_values(["utterance", "rater"], kind="stable")
    key = mix(text_hash(cast["utterance"]) ^ mix(text_hash(cast["rater"]) ^ stream))
    item = names.get_indexer(cast["utterance"])
    order = np.lexsort((key, item))
    first = np.concatenate([[0], np.cumsum(np.bincount(item, minlength=len(names)))[:-1]])
    draw = np.arange(len(cast)) - first[item[order]]
    return cast.iloc[order].assign(item=item[order], draw=draw)[draw < draws]


def _table(
    chosen: pd.DataFrame, names: pd.Index, presentation: str, annotator: str, draws: int, classes: list[str]
) -> pd.DataFrame:
    place = (chosen["item"] * draws + chosen["draw"]).to_numpy()
    inside = chosen["label"].isin(classes).to_numpy(bool)
    size = len(names) * draws

    def spread(values: object, otherwise: object) -> pd.Series:
        column = np.full(size, otherwise, dtype=object)
        column[place] = values
        return pd.Series(column, dtype="str")

    answer = chosen["label"].fillna(chosen["label_raw"]).fillna("").to_numpy(object)
    return pd.DataFrame(
        {
            "utterance": pd.Series(names.repeat(draws), dtype="str"),
            "presentation": presentation,
            "rater": annotator,
            "kind": "synthetic",
            "role": "primary",
            "rank": 0,
            "label": spread(chosen["label"].where(inside).to_numpy(object), None),
            "label_raw": spread(chosen["label_raw"].to_numpy(object), None),
            "weight": 1.0,
            "raters_known": True,
            "draw": np.tile(np.arange(draws), len(names)),
            "prompt": PROMPT,
            "temperature": 0.0,
            "response": spread(answer, ""),
            "status": spread(np.where(inside, "ok", "invalid"), "failed"),
            "logprob": np.nan,
        }
    )
