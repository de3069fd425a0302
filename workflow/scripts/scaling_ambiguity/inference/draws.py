"""Random numbers and random subsets of votes, keyed by the utterance and never by its position in a table."""

from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.labels.counting import codes, valid_draws
from scaling_ambiguity.seeds import derive_seed

Array: TypeAlias = NDArray[np.float64]


def uniforms(seed: int, purpose: str, names: list[str], count: int) -> Array:
    """Return ``count`` numbers in [0, 1) for each name, (U, count): splitmix64 of (hash of name) + counter.

    A row depends only on (seed, purpose, name). Source: Steele, Lea & Flood 2014, 10.1145/2660193.2660195.
    """
    keys = np.array([derive_seed(seed, purpose, name) for name in names], dtype=np.uint64)
    state = keys[:, None] + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    state ^= state >> np.uint64(31)
    return (state >> np.uint64(11)) / float(1 << 53)


def draw_table(proxies: pd.DataFrame, utterances: list[str], classes: list[str], where: str = "proxies") -> NDArray:
    """Return the class number of each utterance's valid synthetic votes in order of draw, (U, m); -1 fills up.

    Raises:
        UserError: no valid synthetic vote at all.
    """
    rows = valid_draws(proxies)
    if rows.empty:
        raise UserError(f"{where}: no valid synthetic vote. Inspect the responses in it, then correct the prompt.")
    return vote_table(rows, utterances, classes, where)


def vote_table(rows: pd.DataFrame, utterances: list[str], classes: list[str], where: str = "votes") -> NDArray:
    """Return the class number of each utterance's votes in the order of the rows, (U, m); -1 fills up."""
    utterance = codes(rows["utterance"], utterances, "utterance", where)
    place = rows.groupby("utterance", sort=False).cumcount().to_numpy()
    table = np.full((len(utterances), int(place.max(initial=-1)) + 1), -1)
    table[utterance, place] = codes(rows["label"], classes, "label", where)
    return table


def random_ranks(table: NDArray, keys: Array) -> NDArray[np.intp]:
    """Return each vote's rank in a random order given by keys in [0, 1), absent votes last; (U, m) -> (U, m)."""
    order = np.argsort(np.where(table >= 0, keys, 2.0), axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(table.shape[1])[None, :], axis=1)
    return ranks


def first_counts(table: NDArray, ranks: NDArray[np.intp], size: int | NDArray, classes: int) -> Array:
    """Return counts per class of the ``size`` votes of lowest rank, (U, C); all votes where there are fewer.

    table, ranks (U, m); size a number or (U,).
    """
    chosen = ranks < np.broadcast_to(np.asarray(size), (len(table),))[:, None]
    return np.stack([(chosen & (table == c)).sum(axis=1) for c in range(classes)], axis=-1).astype(np.float64)


def fresh_groups(
    table: NDArray, names: list[str], size: int, least: int, classes: int, seed: int, purpose: str
) -> tuple[Array, NDArray[np.bool_]]:
    """Return counts of disjoint groups of ``size`` votes, (repeats, groups, U, C), and which are complete, (..., U).

    Within a repeat an utterance's m votes are cut, in random order, into m // size groups that share no vote, so
    that groups vary like fresh draws; there are enough repeats for ``least`` groups, or one if a group takes
    all votes. An utterance with fewer valid votes than a group needs has all of them in its first group, which counts
    as complete.
    """
    groups = max(table.shape[1] // size, 1)
    repeats = 1 if size >= table.shape[1] else -(-least // groups)
    keys = uniforms(seed, purpose, names, repeats * table.shape[1]).reshape(len(names), repeats, -1)
    valid = (table >= 0).sum(axis=1)
    counts = np.empty((repeats, groups, len(names), classes))
    for repeat in range(repeats):
        ranks = random_ranks(table, keys[:, repeat])
        for group in range(groups):
            chosen = (ranks // size == group) & (table >= 0)
            counts[repeat, group] = np.stack([(chosen & (table == c)).sum(axis=1) for c in range(classes)], axis=-1)
    whole = valid >= size * np.arange(1, groups + 1)[:, None]
    whole[0] |= valid > 0
    return counts, np.broadcast_to(whole, counts.shape[:-1])


def subsets(
    table: NDArray, names: list[str], sizes: list[int], repeats: int, classes: int, seed: int, purpose: str
) -> Array:
    """Return counts of nested random subsets of each utterance's votes, (sizes, repeats, U, C).

    Within a repeat the smaller subset is part of the larger one. A subset as large as the pool is
    the pool itself, and its error bar shows no sampling error.
    """
    keys = uniforms(seed, purpose, names, repeats * table.shape[1]).reshape(len(names), repeats, -1)
    counts = np.empty((len(sizes), repeats, len(names), classes))
    for repeat in range(repeats):
        ranks = random_ranks(table, keys[:, repeat])
        for i, size in enumerate(sizes):
            counts[i, repeat] = first_counts(table, ranks, size, classes)
    return counts


def fresh_votes(v: Array, names: list[str], size: int, repeats: int, seed: int, purpose: str) -> Array:
    """Return ``size`` independent votes drawn from v (U, C) in each repeat: counts (repeats, U, C)."""
    u = uniforms(seed, purpose, names, repeats * size)
    edges = np.cumsum(v, axis=1)[:, None, :-1]
    label = (u[:, :, None] >= edges).sum(axis=-1).reshape(len(names), repeats, size)
    counts = np.stack([(label == c).sum(axis=-1) for c in range(v.shape[1])], axis=-1)
    return counts.transpose(1, 0, 2).astype(np.float64)


def draw_class(p: NDArray[np.float64], luck: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the class drawn from a distribution by a number in [0, 1): p (U, C) or (1, C), luck (U,) -> (U,)."""
    return (luck[:, None] >= np.cumsum(p, axis=1)[:, :-1] - 1e-12).sum(axis=1)
