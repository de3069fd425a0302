"""Dawid and Skene's model of votes: every rater has an individual confusion of classes (1979, 10.2307/2346806).

An utterance has one class, drawn from a class prior, and rater r calls class k by the name l with probability
pi_r[k, l]. The posterior of the class is sharper than people's perception: it answers which class was meant,
not how many people would vote for each class. All draws of one ALM are one rater: together they have the weight of one
vote.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling_ambiguity.labels.counting import codes, human_votes, valid_draws
from scaling_ambiguity.labels.others import speaker_blocks

Array: TypeAlias = NDArray[np.float64]
Index: TypeAlias = NDArray[np.intp]
STRENGTH = 5.0  # pseudo-votes per class that shrink a rater's matrix towards that of its group
ITERATIONS, TOLERANCE = 200, 1e-6
ANONYMOUS = "(raters not known)"


@dataclass(frozen=True)
class Ballots:
    """Votes as E entries.

    Attributes:
        item: (E,) utterance 0 .. U - 1.
        rater: (E,) rater 0 .. R - 1.
        label: (E,) class.
        weight: (E,) share of a vote.
        raters: R names.
        group: (R,) 0 people, 1 ALMs.
        shape: (U, C).
    """

    item: Index
    rater: Index
    label: Index
    weight: Array
    raters: list[str]
    group: Index
    shape: tuple[int, int]

    def among(self, chosen: NDArray[np.bool_]) -> "Ballots":
        """Return the votes on the chosen utterances (U,), with unchanged numbers."""
        kept = chosen[self.item]
        parts = (self.item[kept], self.rater[kept], self.label[kept], self.weight[kept])
        return Ballots(*parts, self.raters, self.group, self.shape)


@dataclass(frozen=True)
class Confusions:
    """The fitted model.

    Attributes:
        prior: (C,) of the classes.
        matrix: (R, C, C), rows the class, columns the name it is given; rows sum to 1.
        groups: (groups, C, C) the same of all people, and of all ALMs.
    """

    prior: Array
    matrix: Array
    groups: Array


def ballots(
    votes: pd.DataFrame, proxies: pd.DataFrame | None, utterances: list[str], classes: list[str], where: str = "votes"
) -> Ballots:
    """Return human votes and, as one rater, an ALM's valid draws; people without names are one rater."""
    human = human_votes(votes, where)
    names = human["rater"].where(human["raters_known"], ANONYMOUS)
    frames = [human.assign(rater=names)[["utterance", "rater", "label", "weight"]]]
    if proxies is not None:
        valid = valid_draws(proxies)
        share = 1 / valid.groupby("utterance")["label"].transform("size")
        frames.append(valid.assign(weight=share)[["utterance", "rater", "label", "weight"]])
    rows = pd.concat(frames, ignore_index=True)
    rater, raters = pd.factorize(rows["rater"], sort=True)
    group = np.zeros(len(raters), dtype=np.intp)
    group[rater[len(frames[0]) :]] = 1
    return Ballots(
        codes(rows["utterance"], utterances, "utterance", where), rater, codes(rows["label"], classes, "label", where),
        rows["weight"].to_numpy(float), list(raters), group, (len(utterances), len(classes)),
    )  # fmt: skip


def fit(votes: Ballots) -> Confusions:
    """Fit prior and confusion matrices by EM, from the shares of the votes.

    In the M step the matrix of a rater is shrunk towards that of its group (people, ALMs) with the weight of 5 votes
    per class, and a group's towards uniform with one vote: a rater with few votes resembles its group. Stops when no
    posterior changes by more than 1e-6, or after 200 steps.

    Raises:
        ValueError: no vote.
    """
    if not len(votes.item):
        raise ValueError("there is no vote to fit to")
    items, classes = votes.shape
    counts = np.bincount(votes.item * classes + votes.label, votes.weight, minlength=items * classes)
    counts = counts.reshape(items, classes)
    seen = counts.sum(axis=1) > 0
    posterior = np.where(seen[:, None], counts, 1.0)
    posterior /= posterior.sum(axis=1, keepdims=True)
    for _ in range(ITERATIONS):
        prior = posterior[seen].mean(axis=0)
        matrix, groups = _matrices(votes, posterior)
        new = posterior_of(votes, prior, matrix)
        moved = np.abs(new - posterior)[seen].max()
        posterior = new
        if moved < TOLERANCE:
            break
    return Confusions(prior, matrix, groups)


def _matrices(votes: Ballots, posterior: Array) -> tuple[Array, Array]:
    classes, raters = votes.shape[1], len(votes.raters)
    cell = votes.rater * classes + votes.label
    named = [
        np.bincount(cell, votes.weight * posterior[votes.item, k], minlength=raters * classes) for k in range(classes)
    ]
    counts = np.stack(named).reshape(classes, raters, classes).transpose(1, 0, 2)  # (R, class, name)
    groups = np.stack([counts[votes.group == g].sum(axis=0) for g in range(int(votes.group.max()) + 1)]) + 1 / classes
    groups /= groups.sum(axis=-1, keepdims=True)
    matrix = counts + STRENGTH * groups[votes.group]
    return matrix / matrix.sum(axis=-1, keepdims=True), groups


def posterior_of(votes: Ballots, prior: Array, matrix: Array) -> Array:
    """Return the posterior of the class of every utterance, (U, C); the prior where there is no vote."""
    items, classes = votes.shape
    log = np.log(matrix)[votes.rater, :, votes.label] * votes.weight[:, None]
    total = np.stack([np.bincount(votes.item, log[:, k], minlength=items) for k in range(classes)], axis=1)
    total += np.log(np.maximum(prior, 1e-300))
    total = np.exp(total - total.max(axis=1, keepdims=True))
    return total / total.sum(axis=1, keepdims=True)


def pooled(votes: Ballots, speakers: NDArray, parts: Index) -> Array:
    """Return labels (U, C): posteriors under matrices fitted to the other speakers of the same test part.

    Args:
        votes: On U utterances.
        speakers: (U,).
        parts: (U,) fold in which the utterance is tested, -1 if in none.

    Raises:
        UserError: a test part with a single speaker.
    """
    labels = np.empty(votes.shape)
    for part in np.unique(parts):
        here = parts == part
        blocks = np.full(len(parts), -1)
        blocks[here] = speaker_blocks(speakers[here], f"test part {part}")
        for block in range(int(blocks.max()) + 1):
            mine = blocks == block
            fitted = fit(votes.among(here & ~mine))
            labels[mine] = posterior_of(votes.among(mine), fitted.prior, fitted.matrix)[mine]
    return labels
