"""From vote tables to arrays of counts: (utterances, classes), and (deals, utterances, classes) by role.

Operations on every deal loop over the deals: with a million votes the arrays of one deal are small.
"""

from dataclasses import dataclass
from itertools import compress
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.tables.base import by_deal
from scaling_ambiguity.tables.roles import POSITION, ROLE_NAMES, role_codes
from scaling_ambiguity.tables.votes import counted

Array: TypeAlias = NDArray[np.float64]


def human_votes(votes: pd.DataFrame, where: str = "votes") -> pd.DataFrame:
    """Return the rows that count as human votes: kind observer, role primary, label inside the class set.

    Raises:
        UserError: more than one presentation among them; a count must not mix hearing and seeing.
    """
    rows = votes[counted(votes)]
    presentations = sorted(rows["presentation"].unique())
    if len(presentations) > 1:
        raise UserError(
            f"{where}: primary votes of several presentations ({', '.join(presentations)}). "
            "Let the corpus' reader keep one as primary and mark the others secondary."
        )
    return rows


def places(values: pd.Series, names: list[str]) -> NDArray[np.intp]:
    """Return the index of each value in ``names``, -1 where it is absent; each distinct value is looked up once."""
    code, distinct = pd.factorize(values)
    return np.append(pd.Index(names).get_indexer(distinct), -1)[code]


def codes(values: pd.Series, names: list[str], what: str, where: str) -> NDArray[np.intp]:
    """Return the index of each value in ``names``; a UserError names the first unknown one."""
    index = places(values, names)
    if (index < 0).any():
        value = values.iloc[int(np.argmax(index < 0))]
        raise UserError(f"{where}: unknown {what} {value!r}. Rebuild the table from its corpus.")
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


def voted_counts(
    votes: pd.DataFrame, utterances: list[str], classes: list[str], where: str
) -> tuple[NDArray[np.bool_], Array]:
    """Return which utterances have a human vote inside the class set, (U,), and the votes of these, (n, C).

    Raises:
        UserError: None has; see also :func:`human_counts`.
    """
    counts = human_counts(votes, utterances, classes, where)
    used = counts.sum(axis=1) > 0
    if not used.any():
        raise UserError(f"{where}: no utterance has a human vote inside the class set; nothing can be scored.")
    return used, counts[used]


def synthetic_counts(proxies: pd.DataFrame, utterances: list[str], classes: list[str], where: str = "proxies") -> Array:
    """Return the valid synthetic votes per class, (U, C)."""
    rows = valid_draws(proxies)
    return _sum(
        codes(rows["utterance"], utterances, "utterance", where),
        codes(rows["label"], classes, "label", where),
        np.ones(len(rows)),
        (len(utterances), len(classes)),
    )


def whole_votes(counts: Array) -> NDArray[np.bool_]:
    """Return which utterances have only votes that name one label, (U,); one that names several is split among them."""
    return np.abs(counts - np.rint(counts)).max(axis=1) < 1e-9


def frequencies(counts: Array) -> Array:
    """Return counts / their sum along the last axis, in [0, 1]; without any vote the uniform distribution.

    The uniform distribution expresses no knowledge; a default class would express some.
    """
    total = counts.sum(axis=-1, keepdims=True)
    return np.where(total > 0, counts / np.where(total > 0, total, 1.0), 1.0 / counts.shape[-1])


@dataclass(frozen=True)
class DealtVotes:
    """Human votes with their positions in every deal, as parallel arrays of one entry per rater and label.

    A vote of one label is one entry of weight 1; a vote of several labels has one entry per label, which
    share its weight and its position.

    Attributes:
        shape: (deals, utterances, classes).
        utterance: index of the utterance, (V,).
        label: index of the class, (V,).
        weight: weight of the label, (V,).
        first: whether it is the first entry of its vote, (V,).
        position: position of the vote in the random order of each deal, from 0, (deals, V).
        votes: number of votes of the utterance, (V,).
        level_votes: number of level votes requested, (V,).
        rater: number of the rater, (V,).
        raters: number of raters, None where they are not known.
    """

    shape: tuple[int, int, int]
    utterance: NDArray[np.intp]
    label: NDArray[np.intp]
    weight: Array
    first: NDArray[np.bool_]
    position: NDArray[np.integer]
    votes: NDArray[np.integer]
    level_votes: NDArray[np.integer]
    rater: NDArray[np.intp]
    raters: int | None

    def of(self, keep: NDArray[np.bool_]) -> "DealtVotes":
        """Return the votes on the utterances of ``keep`` (U,) only, renumbered."""
        entry = keep[self.utterance]
        columns = {name: getattr(self, name)[entry] for name in ("label", "weight", "first", "votes", "level_votes")}
        return DealtVotes(
            shape=(self.shape[0], int(keep.sum()), self.shape[2]),
            utterance=(np.cumsum(keep) - 1)[self.utterance[entry]],
            position=self.position[:, entry],
            rater=self.rater[entry],
            raters=self.raters,
            **columns,
        )

    def roles(self, deal: int) -> NDArray[np.int8]:
        """Return the role of each entry in one deal, (V,): its index in ``tables.roles.ROLE_NAMES``."""
        return role_codes(self.position[deal], self.votes, self.level_votes)

    def voters(self, chosen: NDArray[np.bool_] | None = None) -> NDArray[np.intp]:
        """Return the number of votes of each utterance, (U,), or of those whose entries are chosen."""
        rows = self.first if chosen is None else self.first & chosen
        return np.bincount(self.utterance[rows], minlength=self.shape[1])

    def count(self, chosen: NDArray[np.bool_]) -> Array:
        """Return the chosen entries' weights per class, (utterances, classes)."""
        return _sum(self.utterance[chosen], self.label[chosen], self.weight[chosen], self.shape[1:])

    def squares(self, chosen: NDArray[np.bool_]) -> Array:
        """Return the chosen entries' sum of squared weights, (utterances,): the agreement of votes with themselves."""
        return np.bincount(self.utterance[chosen], self.weight[chosen] ** 2, minlength=self.shape[1])

    def in_role(self, *names: str) -> Array:
        """Return the votes of the named roles per class, (deals, utterances, classes)."""
        wanted = np.array([name in names for name in ROLE_NAMES])
        return np.stack([self.count(wanted[self.roles(deal)]) for deal in range(self.shape[0])])

    def between(self, start: int, stop: int | None = None) -> Array:
        """Return the votes at positions start .. stop - 1, or to the end, per class, (deals, utterances, classes)."""
        stop = np.iinfo(self.position.dtype).max + 1 if stop is None else stop
        return np.stack([self.count((place >= start) & (place < stop)) for place in self.position])


@dataclass(frozen=True)
class HumanVotes:
    """The human votes of U utterances.

    Attributes:
        names: Their names.
        dealt: Their votes in D deals.
        counts: (U, C) all votes.
        blocks: (U,) block of speakers; what is fitted for one comes from the others.
        speakers: (U,).
    """

    names: list[str]
    dealt: DealtVotes
    counts: Array
    blocks: NDArray[np.intp]
    speakers: NDArray

    def of(self, used: NDArray[np.bool_]) -> "HumanVotes":
        """Return the votes of the utterances in a mask (U,)."""
        names = list(compress(self.names, used))
        return HumanVotes(names, self.dealt.of(used), self.counts[used], self.blocks[used], self.speakers[used])


def deal_votes(
    roles: pd.DataFrame, votes: pd.DataFrame, utterances: list[str], classes: list[str], where: str = "roles"
) -> DealtVotes:
    """Join the roles with the votes they belong to.

    Raises:
        UserError: a role without a vote or a vote without a role, or an utterance or label that is not in the lists.
    """
    human = human_votes(votes)
    rater, names = pd.factorize(pd.concat([roles["rater"], human["rater"]], ignore_index=True))
    item = codes(pd.concat([roles["utterance"], human["utterance"]], ignore_index=True), utterances, "utterance", where)
    role_key, vote_key = np.split(item * len(names) + rater, [len(roles)])
    order = np.argsort(role_key, kind="stable")
    near = np.minimum(np.searchsorted(role_key, vote_key, sorter=order), len(roles) - 1)
    row = order[near]
    has_role, used = role_key[row] == vote_key, np.zeros(len(roles), dtype=bool)
    used[row[has_role]] = True
    for table, fine, fault in ((roles, used, "no primary in-set vote"), (human, has_role, "no role")):
        if not fine.all():
            pair = table.loc[~fine, ["utterance", "rater"]].iloc[0].to_dict()
            raise UserError(f"{where}: {fault} for {pair}. Deal the roles again from this vote table.")
    # labels merged by a class policy are one entry: a vote's weight on a class counts as one
    entry = row * len(classes) + codes(human["label"], classes, "label", where)
    entry, place = np.unique(entry, return_inverse=True)
    row, label = np.divmod(entry, len(classes))
    position = by_deal(roles, POSITION, where)
    return DealtVotes(
        shape=(len(position), len(utterances), len(classes)),
        utterance=item[row],
        label=label,
        weight=np.bincount(place, human["weight"].to_numpy(float)),
        first=np.append(True, row[1:] != row[:-1]),
        position=position[:, row],
        votes=roles["votes"].to_numpy()[row],
        level_votes=roles["level_votes"].to_numpy()[row],
        rater=rater[: len(roles)][row],
        raters=int(human["rater"].nunique()) if human["raters_known"].all() else None,
    )


def _sum(rows: NDArray[np.intp], columns: NDArray[np.intp], weight: Array, shape: tuple[int, int]) -> Array:
    return np.bincount(rows * shape[1] + columns, weight, minlength=shape[0] * shape[1]).reshape(shape)
