"""Calibrated pooling: a synthetic vote counts as fractions of votes for every class.

The predictor from h human and s synthetic votes is p = (h + s M + b) / sum, with a nonnegative matrix M (C x C):
row d gives the number of votes for each class that a synthetic vote for class d is worth. It corrects an annotator's
systematic confusions, which a single weight for all classes cannot.

Human votes can also pass through their own matrix, p = (h M_h + s M_s + b) / sum with M_h shrunk to the identity:
the yardstick for calibrated votes has to be calibrated in the same way.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from scaling_ambiguity.labels.dirichlet import fit_dirichlet_multinomial
from scaling_ambiguity.labels.others import Others
from scaling_ambiguity.labels.weighting import fit_weight, tabulate

Array: TypeAlias = NDArray[np.float64]
FOLDS = 5
PENALTIES = (0.1, 1.0, 10.0, 100.0, np.inf)  # at infinity M = w I and b = a: the weighted predictor
SMALLEST = 1e-3
STOP = {"maxiter": 100, "ftol": 1e-7}  # nats per vote: far below the effect of the penalty


@dataclass(frozen=True)
class Patterns:
    """Distinct pairs of human and synthetic votes, and the votes that followed each, by fold of speakers.

    Attributes:
        human: (P, C) votes that count unchanged.
        synthetic: (P, S) votes that pass through the matrix.
        targets: (folds, P, C) weights of the votes to predict.
    """

    human: Array
    synthetic: Array
    targets: Array

    def followed(self, folds: list[int]) -> tuple[Array, Array, Array]:
        """Return human, synthetic and summed targets of the patterns that occur in some folds."""
        targets = self.targets[folds].sum(axis=0)
        seen = targets.sum(axis=1) > 0
        return self.human[seen], self.synthetic[seen], targets[seen]


def find_patterns(human: Array, synthetic: Array, targets: Array, folds: NDArray[np.intp]) -> Patterns:
    """Tabulate votes; human, targets (deals, U, C), synthetic (deals, U, S), folds (U,) from 0."""
    classes, groups = targets.shape[-1], int(folds.max()) + 1
    code = np.zeros(targets.shape[:-1], dtype=np.int64)
    for votes in (human, synthetic):
        for c in range(votes.shape[-1]):
            values, place = np.unique(votes[..., c], return_inverse=True)
            code = code * len(values) + place.reshape(votes.shape[:-1])
            code = np.unique(code, return_inverse=True)[1].reshape(code.shape)  # stay small
    _, first, place = np.unique(code, return_index=True, return_inverse=True)
    cell = np.broadcast_to(folds, code.shape).ravel() * len(first) + place.ravel()
    flat = targets.reshape(-1, classes)
    summed = np.stack([np.bincount(cell, flat[:, c], minlength=groups * len(first)) for c in range(classes)], axis=-1)
    first_human, first_synthetic = (
        np.broadcast_to(votes, (*targets.shape[:-1], votes.shape[-1])).reshape(-1, votes.shape[-1])[first]
        for votes in (human, synthetic)
    )
    return Patterns(first_human, first_synthetic, summed.reshape(groups, len(first), classes))


def log_loss(human: Array, synthetic: Array, targets: Array, m: Array, b: Array) -> tuple[float, Array, Array]:
    """Return the mean NLL per target vote of (h + s M + b) / sum, and its gradients in M (S, C) and b (C,)."""
    votes, whole = human + synthetic @ m + b, targets.sum()
    row = targets.sum(axis=1)
    total = votes.sum(axis=1)
    loss = (row @ np.log(total) - (targets * np.log(votes)).sum()) / whole
    slope = ((row / total)[:, None] - targets / votes) / whole
    return float(loss), synthetic.T @ slope, slope.sum(axis=0)


def fit_calibration(
    human: Array, synthetic: Array, targets: Array, a: Array, centre: Array, penalty: float,
    start: tuple[Array, Array] | None = None,
) -> tuple[Array, Array]:  # fmt: skip
    """Return M (S, C) >= 0 and b (C,) > 0 that minimise mean NLL + penalty / n * ((m (M - M_0))^2 + (b - a)^2).

    n is the summed weight of the targets and m, for each row of M, the mean number of votes of its source, so that the
    penalty acts on pseudo-votes and has the same weight with few votes as with many; the sums run over all entries.

    Args:
        human: (P, C) votes of every pattern that count unchanged.
        synthetic: (P, S) votes that pass through M; S = C, or 2 C for two sources side by side.
        targets: (P, C) weights of the votes that followed.
        a: (C,) target to which b is shrunk, the prior's parameters.
        centre: (S, C) target to which M is shrunk, such as w I.
        penalty: >= 0; infinity returns ``centre`` and a.
        start: Starting values of M and b, default ``centre`` and a.
    """
    classes = len(a)
    target_b = np.maximum(a, SMALLEST)
    if not np.isfinite(penalty):
        return centre, target_b
    row = targets.sum(axis=1)
    scale = penalty / row.sum()
    sources = synthetic.reshape(len(synthetic), -1, classes).sum(axis=2)
    many = np.repeat((row @ sources / row.sum()) ** 2, classes)[:, None]
    split = centre.size

    def objective(x: Array) -> tuple[float, Array]:
        m, b = x[:split].reshape(centre.shape), x[split:]
        loss, slope_m, slope_b = log_loss(human, synthetic, targets, m, b)
        loss += scale * ((many * (m - centre) ** 2).sum() + ((b - target_b) ** 2).sum())
        slope_m = slope_m + 2 * scale * many * (m - centre)
        return loss, np.concatenate([slope_m.ravel(), slope_b + 2 * scale * (b - target_b)])

    bounds = [(0.0, None)] * split + [(SMALLEST, None)] * classes
    first = np.concatenate([part.ravel() for part in start or (centre, target_b)])
    solution = minimize(objective, first, jac=True, method="L-BFGS-B", bounds=bounds, options=STOP)
    return solution.x[:split].reshape(centre.shape), solution.x[split:]


@dataclass(frozen=True)
class Calibration:
    """One M and b for each fold of speakers, from the other folds.

    Attributes:
        folds: (U,) fold of each utterance.
        m: (folds, S, C); S = C, or 2 C where human votes have the first C rows.
        b: (folds, C).
        penalties: (folds,) chosen inside the training folds.
    """

    folds: NDArray[np.intp]
    m: Array
    b: Array
    penalties: Array

    def votes(self, human: Array, synthetic: Array) -> tuple[Array, Array]:
        """Return h + s M (deals, U, C), and b (U, C) in place of the prior; synthetic (deals, U, S)."""
        added = np.einsum("...uc,ucd->...ud", synthetic, self.m[self.folds])
        return human + added, self.b[self.folds]

    @property
    def row_sum(self) -> float:
        """Pseudo-votes that a synthetic vote adds: the mean over classes and folds of the row sums of its matrix."""
        classes = self.m.shape[-1]
        return float(self.m[:, -classes:].sum(axis=-1).mean())


def calibrate(
    human: Array, synthetic: Array, targets: Array, others: Others, penalties: Array | None = None, *,
    weight: float | None = None, mixed: bool = False,
) -> Calibration:  # fmt: skip
    """Fit M and b for each fifth of the speakers on the others, with the penalty chosen on two halves of those.

    w and a, to which the fits of both halves are shrunk, come from both: the choice favours the weighted predictor.

    Args:
        human: (deals, U, C) conditioning votes.
        synthetic: (deals, U, C) synthetic votes, or human ones to be calibrated.
        targets: (deals, U, C) weights of the votes to predict, of equal sum per utterance.
        others: Blocks of speakers, and the votes for fitting the prior, again without the fold.
        penalties: (folds,) given penalties, such as those chosen at another number of votes.
        weight: w that M is shrunk to, 1 for human votes; by default fitted.
        mixed: Human votes pass through their own matrix, shrunk to I; the result holds both matrices stacked.
    """
    together = np.concatenate([human, synthetic], axis=-1) if mixed else synthetic
    apart = np.zeros_like(human) if mixed else human
    groups = min(FOLDS, int(others.count_blocks.max()) + 1)
    folds, count_folds = others.blocks % groups, others.count_blocks % groups
    # halves of the training folds need their own folds: each fold is cut in two
    halves = folds * 2 + (others.blocks // groups) % 2
    patterns = find_patterns(apart, together, targets, halves)
    evidence = tabulate(human, human.sum(axis=-1), synthetic, targets, folds) if weight is None else None
    parts = np.flatnonzero(patterns.targets.sum(axis=(1, 2)) > 0)  # few speakers: a fold may be one of them
    fits = []
    for fold in range(groups):
        a = fit_dirichlet_multinomial(others.counts[count_folds != fold])
        w = weight
        if evidence is not None:
            w = fit_weight(evidence, a, without=fold) if fold < len(evidence.seen) else 0.0
        centre = np.concatenate([np.eye(len(a))] * mixed + [w * np.eye(len(a))])
        training = [part for part in parts if part // 2 != fold]
        penalty = _choose(patterns, training, a, centre) if penalties is None else penalties[fold]
        fits.append((*fit_calibration(*patterns.followed(training), a, centre, penalty), penalty))
    m, b, chosen = zip(*fits, strict=True)
    return Calibration(folds, np.stack(m), np.stack(b), np.array(chosen))


def _choose(patterns: Patterns, training: list[int], a: Array, centre: Array) -> float:
    """Return the penalty that predicts each half of the training folds best from the other half."""
    pairs = [(training[::2], training[1::2]), (training[1::2], training[::2])]
    pairs = [pair for pair in pairs if all(patterns.targets[part].sum() > 0 for part in pair)]
    if not pairs:
        return float("inf")
    losses = np.zeros(len(PENALTIES))
    for fitted, judged in pairs:
        seen, unseen = patterns.followed(fitted), patterns.followed(judged)
        start = None
        for i in reversed(range(len(PENALTIES))):  # from strong to weak penalty, each started at the previous solution
            start = fit_calibration(*seen, a, centre, PENALTIES[i], start)
            losses[i] += log_loss(*unseen, *start)[0] * unseen[2].sum()
    return PENALTIES[int(np.argmin(losses))]
