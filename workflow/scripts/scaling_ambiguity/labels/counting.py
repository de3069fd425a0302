"""From vote tables to arrays of counts: (utterances, classes), and (deals, utterances, classes) by role."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling_ambiguity.errors import UserError

Array = NDArray[np.float64]


def human_votes(votes: pd.DataFrame, where: str = "votes") -> pd.DataFrame:
    """Return the rows that count as human votes: kind observer, role primary, label inside the class set.

    Raises:
        UserError: more than one presentation among them; a count must not mix hearing and seeing.
    """
    rows = votes[(votes["kind"] == "observer") & (votes["role"] == "primary") & votes["label"].notna()]
    presentations = sorted(rows["presentation"].unique())
    if len(presentations) > 1:
        raise UserError(
            f"{where}: primary votes of several presentations ({', '.join(presentations)}). "
            "Let the corpus' reader keep one as primary and mark the others secondary."
        )
    return rows


def codes(values: pd.Series, names: list[str], what: str, where: str) -> NDArray[np.intp]:
    """Return the place of each value in ``names``; a UserError names the first unknown one."""
    index = pd.Index(names).get_indexer(values)
    if (index < 0).any():
        value = values.iloc[int(np.argmax(index < 0))]
        raise UserError(f"{where}: unknown {what} {value!r}. Build the table again from its corpus.")
    return index


def human_counts(votes: pd.DataFrame, utterances: list[str], classes: list[str], where: str = "votes") -> Array:
    """Return the human votes per class, (U, C): sums of vote weights, 1 for an ordinary vote."""
    rows = human_votes(votes, where)
    return _sum(
        codes(rows["utterance"], utterances, "utterance", where),
        codes(rows["label"], classes, "label", where),
        rows["weight"].to_numpy(float),
        (len(utterances), len(classes)),
    )


def valid_draws(proxies: pd.DataFrame) -> pd.DataFrame:
    """Return the synthetic votes with a usable answer, in order of utterance and draw."""
    rows = proxies[(proxies["status"] == "ok") & proxies["label"].notna()]
    return rows.sort_values(["utterance", "draw"], kind="stable")


def synthetic_counts(proxies: pd.DataFrame, utterances: list[str], classes: list[str], where: str = "proxies") -> Array:
    """Return the valid synthetic votes per class, (U, C)."""
    rows = valid_draws(proxies)
    return _sum(
        codes(rows["utterance"], utterances, "utterance", where),
        codes(rows["label"], classes, "label", where),
        np.ones(len(rows)),
        (len(utterances), len(classes)),
    )


def frequencies(counts: Array) -> Array:
    """Return counts / their sum along the last axis, in [0, 1]; without any vote the uniform distribution.

    The uniform distribution says that nothing is known; a default class would say something.
    """
    total = counts.sum(axis=-1, keepdims=True)
    return np.where(total > 0, counts / np.where(total > 0, total, 1.0), 1.0 / counts.shape[-1])


@dataclass(frozen=True)
class DealtVotes:
    """Human votes in every deal, as parallel arrays of one entry a vote and deal.

    Attributes:
        shape: (deals, utterances, classes).
        deal: deal number.
        utterance: place of the utterance.
        label: place of the class.
        weight: weight of the vote.
        role: "level", "conditioning" or "reference".
        position: place in the random order of the deal, from 0.
    """

    shape: tuple[int, int, int]
    deal: NDArray[np.intp]
    utterance: NDArray[np.intp]
    label: NDArray[np.intp]
    weight: Array
    role: NDArray[np.object_]
    position: NDArray[np.intp]

    def count(self, chosen: NDArray[np.bool_]) -> Array:
        """Return the chosen votes per class, (deals, utterances, classes)."""
        deals, utterances, classes = self.shape
        flat = (self.deal[chosen] * utterances + self.utterance[chosen]) * classes + self.label[chosen]
        return np.bincount(flat, self.weight[chosen], minlength=deals * utterances * classes).reshape(self.shape)

    def in_role(self, role: str) -> Array:
        """Return the votes of one role per class, (deals, utterances, classes)."""
        return self.count(self.role == role)


def deal_votes(
    roles: pd.DataFrame, votes: pd.DataFrame, utterances: list[str], classes: list[str], where: str = "roles"
) -> DealtVotes:
    """Join the roles with the votes they belong to.

    Raises:
        UserError: a role without a vote, or an utterance or label that is not in the lists.
    """
    human = human_votes(votes)[["utterance", "rater", "label", "weight"]]
    joined = roles.merge(human, on=["utterance", "rater"], how="left")
    missing = joined["label"].isna()
    if missing.any():
        item = joined.loc[missing, ["utterance", "rater"]].iloc[0].to_dict()
        raise UserError(f"{where}: no primary in-set vote for {item}. Deal the roles again from this vote table.")
    deal = joined["deal"].to_numpy(np.intp)
    return DealtVotes(
        shape=(int(deal.max()) + 1, len(utterances), len(classes)),
        deal=deal,
        utterance=codes(joined["utterance"], utterances, "utterance", where),
        label=codes(joined["label"], classes, "label", where),
        weight=joined["weight"].to_numpy(float),
        role=joined["role"].to_numpy(object),
        position=joined["position"].to_numpy(np.intp),
    )


def _sum(rows: NDArray[np.intp], columns: NDArray[np.intp], weight: Array, shape: tuple[int, int]) -> Array:
    return np.bincount(rows * shape[1] + columns, weight, minlength=shape[0] * shape[1]).reshape(shape)
