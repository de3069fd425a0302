"""Levels of ambiguity from the agreement of a fixed number of votes reserved for this purpose."""

from itertools import combinations
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.labels.counting import DealtVotes, codes, human_votes
from scaling_ambiguity.tables.base import by_deal
from scaling_ambiguity.tables.levels import LEVEL
from scaling_ambiguity.tables.roles import ROLE_NAMES
from scaling_ambiguity.tables.statistics import THESE

Array: TypeAlias = NDArray[np.float64]
LEVELS = ("low", "medium", "high")
RELIABILITY = "level_reliability"
TIE = 1e-9  # agreements of weight-sharing votes on an edge may round to either side


def pairwise_agreement(counts: Array, voters: Array | None = None, squares: Array | None = None) -> Array:
    """Unbiased pairwise agreement sum_c n_c (n_c - 1) / (n (n - 1)); counts (..., C) -> (...), in [0, 1].

    The share of pairs of votes that are equal; its expectation, sum_c p_c^2, does not depend on
    the number of votes. NaN with fewer than two votes. Source: Fleiss 1971, 10.1037/h0031619.

    For votes that share their weight among several labels, w_ic for vote i and class c, it is the mean
    over pairs of two votes i, j of sum_c w_ic w_jc: (sum_c n_c^2 - sum_i sum_c w_ic^2) / (n (n - 1)).

    Args:
        counts: (..., C) sums of the votes' weights, n_c = sum_i w_ic.
        voters: (...) numbers of votes n; by default, of whole votes, the sum of the counts.
        squares: (...) sums of squared weights sum_i sum_c w_ic^2; by default, of whole votes, n.
    """
    n = counts.sum(axis=-1) if voters is None else voters
    self_agreement = n if squares is None else squares
    pairs = np.where(n >= 2, n * (n - 1), np.nan)
    # sums of whole votes are exact; those of thirds may round to just outside the possible range
    return np.clip((counts**2).sum(axis=-1) - self_agreement, 0.0, pairs) / pairs


def agreements(dealt: DealtVotes) -> tuple[Array, Array]:
    """Return the agreement of the level votes and of all others, (deals, U) each; NaN with fewer than two votes."""
    level, rest = (np.empty(dealt.shape[:2]) for _ in range(2))
    for deal in range(dealt.shape[0]):
        role = dealt.roles(deal)
        for values, chosen in ((level, role == ROLE_NAMES.index("level")), (rest, role != ROLE_NAMES.index("level"))):
            values[deal] = pairwise_agreement(dealt.count(chosen), dealt.voters(chosen), dealt.squares(chosen))
    return level, rest


def human_agreement(votes: pd.DataFrame, utterances: list[str], classes: list[str]) -> Array:
    """Return the pairwise agreement of all human votes on each utterance, (U,); NaN with fewer than two votes.

    Raises:
        UserError: an utterance or label that is not in the lists.
    """
    return pairwise_agreement(*vote_sums(votes, utterances, classes))


def vote_sums(
    votes: pd.DataFrame, utterances: list[str], classes: list[str], where: str = "votes"
) -> tuple[Array, NDArray[np.intp], Array]:
    """Return of all human votes on each utterance the arguments of :func:`pairwise_agreement`: (U, C), (U,), (U,).

    Raises:
        UserError: an utterance or label that is not in the lists.
    """
    rows = human_votes(votes, where)
    item = codes(rows["utterance"], utterances, "utterance", where)
    label = codes(rows["label"], classes, "label", where)
    voter = pd.factorize(item * len(rows) + pd.factorize(rows["rater"])[0])[0]
    # labels merged by a class policy are one: a vote's weight on a class counts as one
    cell, place = np.unique(voter * len(classes) + label, return_inverse=True)
    weight = np.bincount(place, rows["weight"].to_numpy(float))
    of_voter = np.zeros(int(voter.max(initial=-1)) + 1, dtype=np.intp)
    of_voter[voter] = item
    home, size = of_voter[cell // len(classes)], len(utterances)
    counts = np.bincount(home * len(classes) + cell % len(classes), weight, minlength=size * len(classes))
    voters, squares = np.bincount(of_voter, minlength=size), np.bincount(home, weight**2, minlength=size)
    return counts.reshape(size, -1), voters, squares


def attainable_agreement(votes: int, classes: int) -> Array:
    """Return the values that the agreement of ``votes`` votes in ``classes`` classes can take, upwards."""

    def shapes(left: int, largest: int, parts: int) -> list[list[int]]:
        if left == 0:
            return [[]]
        if parts == 0:
            return []
        return [[n, *rest] for n in range(min(left, largest), 0, -1) for rest in shapes(left - n, n, parts - 1)]

    pairs = {sum(n * (n - 1) for n in shape) for shape in shapes(votes, votes, classes)}
    return np.array(sorted(pairs)) / (votes * (votes - 1))


def choose_edges(training: Array, votes: int, classes: int) -> tuple[float, float]:
    """Return two edges, at midpoints between attainable agreements, nearest to the tertiles of ``training``.

    Three whole votes have three agreements and thus one possible pair, for any tertiles. Nearest: the
    pair with least |F(lower) - 1/3| + |F(upper) - 2/3|, F the share of training values below an edge; the lower pair
    if two are equally near. An edge between attainable values never cuts through a tie of whole votes; votes of
    several labels on an edge are below it.

    Raises:
        UserError: fewer than three attainable values (two level votes): no three levels.
    """
    values = attainable_agreement(votes, classes)
    if len(values) < 3:
        raise UserError(
            f"levels.votes: {votes} votes in {classes} classes have {len(values)} agreements; use "
            f"{4 if classes == 2 else 3} or more."
        )
    midpoints = (values[:-1] + values[1:]) / 2
    below = (training[:, None] < midpoints + TIE).mean(axis=0)
    misfit = {(i, j): abs(below[i] - 1 / 3) + abs(below[j] - 2 / 3) for i, j in combinations(range(len(midpoints)), 2)}
    i, j = min(misfit, key=lambda pair: (round(misfit[pair], 12), pair))
    return float(midpoints[i]), float(midpoints[j])


def level_of(agreement: Array, edges: tuple[float, float]) -> NDArray[np.int8]:
    """Return the index in ``LEVELS``: low ambiguity is agreement above both edges, high not above the lower."""
    return (2 - np.searchsorted(np.array(edges) + TIE, agreement)).astype(np.int8)


def level_places(levels: pd.DataFrame, utterances: list[str], where: str = "levels") -> NDArray[np.int8]:
    """Return the index in ``LEVELS`` of each utterance in each deal, (deals, U); -1 without a level.

    Raises:
        UserError: a level of an utterance that is not in the list.
    """
    levels_by_deal = by_deal(levels, LEVEL, where)
    places = np.full((len(levels_by_deal), len(utterances)), -1, dtype=np.int8)
    places[:, codes(levels["utterance"], utterances, "utterance", where)] = levels_by_deal
    return places


def between_sets_correlation(level: Array, rest: Array) -> float:
    """Mean over deals of the Pearson correlation, over utterances, of two disjoint vote sets' agreements.

    level, rest (deals, U), NaN where a set has fewer than two votes -> [-1, 1]; NaN if no deal has
    three utterances with both, or one side does not vary. It measures how much of a level is more than chance.
    """
    both = ~np.isnan(level) & ~np.isnan(rest)
    n = np.where(both.sum(axis=1) > 2, both.sum(axis=1), np.nan)[:, None]
    x, y = (np.where(both, a, 0.0) for a in (level, rest))
    x, y = (np.where(both, a - a.sum(axis=1, keepdims=True) / n, 0.0) for a in (x, y))
    scale = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    fine = scale > 1e-12
    return float(((x * y).sum(axis=1)[fine] / scale[fine]).mean()) if fine.any() else float("nan")


def report_rows(report: pd.DataFrame) -> list[dict[str, object]]:
    """Return the report of assign_levels as rows of estimates, so that statements by level can refer to it.

    Per fold (stratum ``fold=<number>``) ``level_lower_edge``, ``level_upper_edge`` and ``level_reliability``, and
    overall the mean reliability, folds weighted by the utterances that have a level; ``n`` is their number.

    Args:
        report: fold, lower_edge, upper_edge, low, medium, high, reliability, one row per fold; a fold without levels
            has no edges.
    """
    with_edges = report.dropna(subset=["lower_edge", "upper_edge"])
    sizes = with_edges[list(LEVELS)].sum(axis=1)
    common = {"labels": "human", "reference": "none", "population": THESE, "method": "point"}
    rows: list[dict[str, object]] = []
    for (_, fold), n in zip(with_edges.iterrows(), sizes, strict=True):
        here = common | {"stratum": f"fold={int(fold['fold'])}", "n": round(n)}
        rows += [
            here | {"metric": f"level_{name}", "estimate": float(fold[name])}
            for name in ("lower_edge", "upper_edge", "reliability")
        ]
    fine = with_edges["reliability"].notna()
    if fine.any():
        mean = float(np.average(with_edges["reliability"][fine], weights=sizes[fine]))
        rows.append(common | {"stratum": "all", "metric": RELIABILITY, "estimate": mean, "n": round(sizes[fine].sum())})
    return rows
