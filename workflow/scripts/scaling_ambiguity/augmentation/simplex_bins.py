"""Bins of the simplex of label distributions: repaired DiME-Aug balances these instead of only the largest class."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.labels.levels import LEVELS, TIE
from scaling_ambiguity.metrics.divergences import normalised_entropy

Array: TypeAlias = NDArray[np.float64]
EDGES = (1 / 3, 2 / 3)
KINDS = ("levels", "codebook", "class")
ROUNDS = 100


@dataclass(frozen=True)
class Bins:
    """A partition of the simplex.

    Attributes:
        names: One name per bin, ``[a-z0-9_]+``.
        low: (B,) whether a bin holds distributions of low ambiguity, which mixing two items would leave.
        classes: Number of classes.
        edges: Two edges of normalised entropy, between low and medium and between medium and high.
        centres: (B, C) centres of a codebook; None where bins are classes, or classes and levels.
    """

    names: tuple[str, ...]
    low: NDArray[np.bool_]
    classes: int
    edges: tuple[float, float]
    centres: Array | None = None

    def place(self, distributions: Array) -> NDArray[np.intp]:
        """Return the bin of each distribution, (n, C) -> (n,); the first class wins a tie, as does the first centre."""
        distributions = np.asarray(distributions, dtype=np.float64).reshape(-1, self.classes)
        if self.centres is not None:
            roots, targets = np.sqrt(distributions), np.sqrt(self.centres)
            return np.argmax(np.round(roots @ targets.T, 12), axis=1)
        top = distributions.argmax(axis=1)
        return top if len(self.names) == self.classes else top * len(LEVELS) + entropy_level(distributions, self.edges)

    def count(self, distributions: Array) -> NDArray[np.intp]:
        """Return the number of distributions in each bin, (n, C) -> (B,)."""
        return np.bincount(self.place(distributions), minlength=len(self.names))


def entropy_level(distributions: Array, edges: tuple[float, float] = EDGES) -> NDArray[np.intp]:
    """Return the index in ``LEVELS`` of H / log2 C of each distribution, (n, C) -> (n,); one on an edge is below it."""
    return np.searchsorted(np.array(edges) + TIE, normalised_entropy(distributions))


def make_bins(options: dict[str, Any], distributions: Array, classes: list[str], where: str) -> Bins:
    """Return the bins specified by ``options``.

    ``bins: levels`` (default) crosses the dominant class with three levels of normalised
    entropy, cut at ``edges`` (thirds of its range by default). ``codebook`` is k-means, with
    ``codes`` centres, of the training distributions. ``class`` is the dominant class alone.

    Args:
        options: Keys ``bins``, ``edges``, ``codes``, all optional.
        distributions: (n, C), the training part; only a codebook reads it.
        classes: The class set, in order.
        where: Start of the messages.

    Raises:
        UserError: An unknown kind, edges that do not rise in (0, 1), or fewer than two codes.
    """
    kind, edges = options.get("bins", "levels"), tuple(float(edge) for edge in options.get("edges", EDGES))
    if kind not in KINDS:
        raise UserError(f"{where}: bins {kind!r} is unknown; use one of {', '.join(KINDS)}.")
    if len(edges) != 2 or not 0 < edges[0] < edges[1] < 1:
        raise UserError(f"{where}: edges {list(edges)} must be two rising numbers between 0 and 1.")
    if kind == "class":
        return Bins(tuple(classes), np.zeros(len(classes), dtype=bool), len(classes), edges)
    if kind == "levels":
        names = tuple(f"{label}_{level}" for label in classes for level in LEVELS)
        return Bins(names, np.tile([True, False, False], len(classes)), len(classes), edges)
    codes = options.get("codes", 8)
    if codes < 2:
        raise UserError(f"{where}: a codebook needs 2 codes or more, not {codes}.")
    centres = codebook(distributions, codes)
    names = tuple(f"code{number:02d}_{classes[row.argmax()]}" for number, row in enumerate(centres))
    return Bins(names, entropy_level(centres, edges) == 0, len(classes), edges, centres)


def codebook(distributions: Array, codes: int) -> Array:
    """Return at most ``codes`` centres of k-means in Hellinger space, (k, C), by dominant class, then entropy.

    Points are square roots of distributions, whose Euclidean distance is sqrt(2) times the Hellinger distance; a
    centre is the distribution whose root points to the mean of its members' roots. The initialisation is
    farthest-first from the point nearest to the mean, without randomness. There are never more centres than different
    distributions.
    """
    points, weights = np.unique(np.round(np.sqrt(distributions), 12), axis=0, return_counts=True)
    middle = np.average(points, axis=0, weights=weights)
    chosen = [int(np.argmin(((points - middle) ** 2).sum(axis=1)))]
    distance = np.full(len(points), np.inf)
    while len(chosen) < min(codes, len(points)):
        distance = np.minimum(distance, ((points - points[chosen[-1]]) ** 2).sum(axis=1))
        chosen.append(int(np.argmax(distance)))
    centres = points[chosen]
    home = np.full(len(points), -1)
    for _ in range(ROUNDS):
        nearest = np.argmax(np.round(points @ centres.T, 12), axis=1)
        if (nearest == home).all():
            break
        home = nearest
        for code in range(len(centres)):
            members = home == code
            if members.any():
                mean = np.average(points[members], axis=0, weights=weights[members])
                centres[code] = mean / np.sqrt((mean**2).sum())
    code_centres = centres**2
    code_centres /= code_centres.sum(axis=1, keepdims=True)
    order = sorted(
        range(len(code_centres)),
        key=lambda code: (int(code_centres[code].argmax()), *np.round(-code_centres[code], 9)),
    )
    return code_centres[order]
