"""Agreement among raters, with and without the synthetic one: pairwise agreement, Krippendorff's alpha, Fleiss' kappa.

All are smooth functions of sums over utterances, so that intervals over speakers count no rater
twice. Utterances with fewer than two votes are left out.
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling_ambiguity.inference.bootstrap import Intervals, moment_interval

Array: TypeAlias = NDArray[np.float64]
METRICS = ("pairwise_agreement", "krippendorff_alpha", "fleiss_kappa")


def moments(counts: Array, extra: Array | None = None) -> Array:
    """Return each utterance's terms of the sums, (U, 4 + C): 1, agreement, disagreement, votes, votes per class.

    agreement: share of pairs of votes that are equal, sum_c n_c (n_c - 1) / (n (n - 1)).
    disagreement: sum over c != k of n_c n_k / (n - 1), the coincidences off the diagonal.

    Args:
        counts: (U, C) whole votes, two or more per row.
        extra: (U, C) shares q of an additional rater's vote, over which the expectation is taken: one rater, however
            many draws the shares are based on.

    Raises:
        ValueError: a row with fewer than two votes.
    """
    counts = np.asarray(counts, dtype=np.float64)
    n = counts.sum(axis=-1)
    if (n < 2).any():
        raise ValueError(f"row {int(np.argmax(n < 2))}: agreement needs two votes")
    squares, per_class = (counts**2).sum(axis=-1), counts
    if extra is not None:  # E (n_c + [c = d])^2 = n_c^2 + q_c (2 n_c + 1)
        squares = squares + (extra * (2 * counts + 1)).sum(axis=-1)
        n, per_class = n + 1, counts + extra
    agreement = (squares - n) / (n * (n - 1))
    disagreement = (n**2 - squares) / (n - 1)
    return np.column_stack([np.ones_like(n), agreement, disagreement, n, per_class])


def agreement_intervals(rows: Array, clusters: NDArray, **settings: Any) -> dict[str, Intervals]:
    """Return each metric with its interval over clusters; ``rows`` are :func:`moments` of U utterances.

    pairwise_agreement: mean over utterances, in [0, 1]. krippendorff_alpha, nominal: 1 - (N - 1) sum_u D_u /
    (N^2 - sum_c N_c^2), at most 1, D_u the disagreement (Krippendorff 2011, Computing alpha-reliability).
    fleiss_kappa: (P - E) / (1 - E), P the mean pairwise agreement, E = sum_c (N_c / N)^2 (Fleiss 1971,
    10.1037/h0031619); with unequal numbers of raters, every utterance weighs equally in P.

    Args:
        rows: (U, 4 + C).
        clusters: (U,) speakers.
        settings: resamples, seed, level and method of :func:`moment_interval`.
    """
    votes = rows[:, 3].sum()
    functions = {
        "pairwise_agreement": _pairwise,
        "krippendorff_alpha": lambda totals: _alpha(totals, 1 - 1 / votes),
        "fleiss_kappa": _kappa,
    }
    return {name: moment_interval(rows, clusters, function, **settings) for name, function in functions.items()}


def _pairwise(totals: Array) -> tuple[Array, Array]:
    n, agreement = totals[..., 0], totals[..., 1]
    gradient = np.zeros_like(totals)
    with np.errstate(divide="ignore", invalid="ignore"):
        gradient[..., 0], gradient[..., 1] = -agreement / n**2, 1 / n
        return agreement / n, gradient


def _alpha(totals: Array, factor: float) -> tuple[Array, Array]:
    """1 - factor N D / (N^2 - sum N_c^2); (N - 1) = factor N with the factor of the given data."""
    disagreement, n, per_class = totals[..., 2], totals[..., 3], totals[..., 4:]
    expected = n**2 - (per_class**2).sum(axis=-1)
    gradient = np.zeros_like(totals)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = factor * n * disagreement / expected
        gradient[..., 2] = -factor * n / expected
        gradient[..., 3] = -factor * disagreement / expected + ratio * 2 * n / expected
        gradient[..., 4:] = -ratio[..., None] * 2 * per_class / expected[..., None]
    return 1 - ratio, gradient


def _kappa(totals: Array) -> tuple[Array, Array]:
    units, agreement, n, per_class = totals[..., 0], totals[..., 1], totals[..., 3], totals[..., 4:]
    gradient = np.zeros_like(totals)
    with np.errstate(divide="ignore", invalid="ignore"):
        observed, share = agreement / units, per_class / n[..., None]
        chance = (share**2).sum(axis=-1)
        value = (observed - chance) / (1 - chance)
        by_chance = (observed - 1) / (1 - chance) ** 2
        gradient[..., 0] = -observed / units / (1 - chance)
        gradient[..., 1] = 1 / units / (1 - chance)
        gradient[..., 3] = by_chance * -2 * chance / n
        gradient[..., 4:] = by_chance[..., None] * 2 * share / n[..., None]
    return value, gradient
