"""Sign-flip test of a mean: the signs of whole clusters are flipped."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scaling_ambiguity.inference.bootstrap import weighted_columns
from scaling_ambiguity.seeds import generator
from scaling_ambiguity.tables.statistics import LEAST_CLUSTERS

Array: TypeAlias = NDArray[np.float64]
LARGEST_EXACT = 12  # most clusters for which all 2^G patterns are evaluated
_CHUNK = 4_000_000  # numbers held at once
_TIE = 1e-12


@dataclass(frozen=True)
class SignFlip:
    """Result of :func:`sign_flip_test`, one entry per column.

    Attributes:
        estimate: (M,) weighted means.
        p: (M,) p-values; NaN of a column with fewer than five clusters.
        n_clusters: clusters G; no p is below 2 / 2^G, two-sided.
        p_least: the smallest p possible with that many random patterns; NaN where every pattern was evaluated.
    """

    estimate: Array
    p: Array
    n_clusters: int
    p_least: float = float("nan")


def sign_flip_test(
    values: ArrayLike,
    clusters: ArrayLike,
    *,
    resamples: int,
    seed: int,
    weights: ArrayLike | None = None,
    alternative: str = "two-sided",
) -> SignFlip:
    """Test that the weighted mean is 0 by flipping the signs of whole clusters.

    Under the null hypothesis a cluster's total T_g = sum w x is as likely to be -T_g. The statistic is
    sum_g s_g T_g with signs s_g; p is the share of sign patterns at least as extreme as the data,
    two-sided in its absolute value. With 12 clusters or fewer all 2^G patterns are evaluated (exact);
    otherwise ``resamples`` random ones, p = (1 + number as extreme) / (1 + resamples) (Phipson & Smyth 2010,
    10.2202/1544-6115.1585). Source: Fisher 1935, The Design of Experiments, section 21. The total that the
    sum is divided by does not change with the signs, so that the test is one of the mean.

    Args:
        values: (n,) or (n, M) paired differences, finite where the weight is positive.
        clusters: (n,) cluster of each row.
        resamples: random patterns with more than 12 clusters.
        seed: their seed; columns share the patterns.
        weights: (n,) or (n, M), >= 0; default 1.
        alternative: ``two-sided``, ``less`` (the mean is below 0) or ``greater``.

    Raises:
        ValueError: unknown alternative, a value that is not finite, a negative weight or a column without weight.
    """
    if alternative not in ("two-sided", "less", "greater"):
        raise ValueError(f"alternative must be two-sided, less or greater, not {alternative!r}")
    values, weights = weighted_columns(values, weights)
    used = (weights > 0).any(axis=1)
    names, index = np.unique(np.asarray(clusters)[used], return_inverse=True)
    totals = np.zeros((len(names), values.shape[1]))
    np.add.at(totals, index, np.where(weights > 0, weights * values, 0.0)[used])
    observed = totals.sum(axis=0)
    tie = _TIE * np.maximum(np.abs(totals).sum(axis=0), 1e-300)
    exact = len(names) <= LARGEST_EXACT
    extreme, patterns = np.zeros(len(observed)), 0
    for signs in _patterns(len(names), resamples, seed):
        flipped = signs @ totals
        if alternative == "two-sided":
            extreme += (np.abs(flipped) >= np.abs(observed) - tie).sum(axis=0)
        elif alternative == "greater":
            extreme += (flipped >= observed - tie).sum(axis=0)
        else:
            extreme += (flipped <= observed + tie).sum(axis=0)
        patterns += len(signs)
    p = extreme / patterns if exact else (1 + extreme) / (1 + patterns)
    present = np.zeros((len(names), values.shape[1]), dtype=bool)
    np.logical_or.at(present, index, weights[used] > 0)
    p = np.where(present.sum(axis=0) < LEAST_CLUSTERS, np.nan, p)
    least = float("nan") if exact else 1 / (1 + patterns)
    return SignFlip(observed / weights.sum(axis=0), p, len(names), least)


def _patterns(clusters: int, resamples: int, seed: int) -> Iterator[Array]:
    """Yield all sign patterns, or random ones in blocks, (patterns, clusters)."""
    if clusters <= LARGEST_EXACT:
        bits = (np.arange(1 << clusters)[:, None] >> np.arange(clusters)) & 1
        yield 1.0 - 2.0 * bits
        return
    rng = generator(seed, "sign flip")
    step = max(1, _CHUNK // clusters)
    for start in range(0, resamples, step):
        yield 1.0 - 2.0 * rng.integers(0, 2, (min(step, resamples - start), clusters))
