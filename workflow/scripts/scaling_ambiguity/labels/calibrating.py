"""Calibrated pooling: a synthetic vote counts as fractions of votes for every class.

The predictor from h human and s synthetic votes is p = (h + s M + b) / sum, with a nonnegative matrix M (C x C):
row d says how many votes for each class a synthetic vote for class d is worth. It undoes what an annotator
mixes up in the same way again and again, which one weight for all classes cannot.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from scaling_ambiguity.labels.dirichlet import fit_dirichlet_multinomial
from scaling_ambiguity.labels.weighting import fit_weight, tabulate

Array: TypeAlias = NDArray[np.float64]
FOLDS = 5
PENALTIES = (0.1, 1.0, 10.0, 100.0, np.inf)  # at infinity M = w I and b = a: the weighted predictor
SMALLEST = 1e-3
STOP = {"maxiter": 100, "ftol": 1e-7}  # nats per vote: far below what the penalty moves


@dataclass(frozen=True)
class Patterns:
    """Distinct pairs of human and synthetic votes, and the votes that followed each, by fold of speakers.

    Attributes:
        human: (P, C) conditioning votes.
        synthetic: (P, C) synthetic votes.
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
    """Tabulate votes; human, synthetic, targets (deals, U, C), folds (U,) from 0."""
    classes, groups = targets.shape[-1], int(folds.max()) + 1
    code = np.zeros(targets.shape[:-1], dtype=np.int64)
    for votes in (human, synthetic):
        for c in range(classes):
            values, place = np.unique(votes[..., c], return_inverse=True)
            code = code * len(values) + place.reshape(votes.shape[:-1])
            code = np.unique(code, return_inverse=True)[1].reshape(code.shape)  # stay small
    _, first, place = np.unique(code, return_index=True, return_inverse=True)
    cell = np.broadcast_to(folds, code.shape).ravel() * len(first) + place.ravel()
    flat = targets.reshape(-1, classes)
    summed = np.stack([np.bincount(cell, flat[:, c], minlength=groups * len(first)) for c in range(classes)], axis=-1)
    take = [np.broadcast_to(votes, targets.shape).reshape(-1, classes)[first] for votes in (human, synthetic)]
    return Patterns(*take, summed.reshape(groups, len(first), classes))


def log_loss(human: Array, synthetic: Array, targets: Array, m: Array, b: Array) -> tuple[float, Array, Array]:
    """Return the mean NLL per target vote of (h + s M + b) / sum, and its gradients in M (C, C) and b (C,)."""
    votes, whole = human + synthetic @ m + b, targets.sum()
    row = targets.sum(axis=1)
    total = votes.sum(axis=1)
    loss = (row @ np.log(total) - (targets * np.log(votes)).sum()) / whole
    slope = ((row / total)[:, None] - targets / votes) / whole
    return float(loss), synthetic.T @ slope, slope.sum(axis=0)


def fit_calibration(
    human: Array, synthetic: Array, targets: Array, a: Array, w: float, penalty: float
) -> tuple[Array, Array]:
    """Return M (C, C) >= 0 and b (C,) > 0 that minimise mean NLL + penalty / n * ((m (M - w I))^2 + (b - a)^2).

    n is the summed weight of the targets and m the mean number of synthetic votes, so that the penalty is one on
    pseudo-votes and weighs as much with few votes as with many; the sums run over all entries.

    Args:
        human: (P, C) conditioning votes of every pattern.
        synthetic: (P, C) synthetic votes.
        targets: (P, C) weights of the votes that followed.
        a: (C,) where b is shrunk to, the prior's parameters.
        w: M is shrunk to w I.
        penalty: >= 0; infinity returns w I and a.
    """
    classes = len(a)
    target_m, target_b = w * np.eye(classes), np.maximum(a, SMALLEST)
    if not np.isfinite(penalty):
        return target_m, target_b
    row = targets.sum(axis=1)
    scale = penalty / row.sum()
    many = (row @ synthetic.sum(axis=1) / row.sum()) ** 2

    def objective(x: Array) -> tuple[float, Array]:
        m, b = x[: classes**2].reshape(classes, classes), x[classes**2 :]
        loss, slope_m, slope_b = log_loss(human, synthetic, targets, m, b)
        loss += scale * (many * ((m - target_m) ** 2).sum() + ((b - target_b) ** 2).sum())
        slope_m = slope_m + 2 * scale * many * (m - target_m)
        return loss, np.concatenate([slope_m.ravel(), slope_b + 2 * scale * (b - target_b)])

    bounds = [(0.0, None)] * classes**2 + [(SMALLEST, None)] * classes
    start = np.concatenate([target_m.ravel(), target_b])
    found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options=STOP)
    return found.x[: classes**2].reshape(classes, classes), found.x[classes**2 :]


@dataclass(frozen=True)
class Calibration:
    """One M and b for each fold of speakers, from the other folds.

    Attributes:
        folds: (U,) fold of each utterance.
        m: (folds, C, C).
        b: (folds, C).
        penalties: (folds,) chosen inside the training folds.
    """

    folds: NDArray[np.intp]
    m: Array
    b: Array
    penalties: Array

    def votes(self, human: Array, synthetic: Array) -> tuple[Array, Array]:
        """Return h + s M (deals, U, C), and b (U, C) in the place of the prior."""
        added = np.einsum("...uc,ucd->...ud", synthetic, self.m[self.folds])
        return human + added, self.b[self.folds]

    @property
    def worth(self) -> float:
        """Human votes that a synthetic vote adds: the mean over classes and folds of the row sums of M."""
        return float(self.m.sum(axis=-1).mean())


def calibrate(
    human: Array, synthetic: Array, targets: Array, counts: Array, count_blocks: NDArray[np.intp],
    blocks: NDArray[np.intp], penalties: Array | None = None,
) -> Calibration:  # fmt: skip
    """Fit M and b for each fifth of the speakers on the others, the penalty chosen by two halves of those.

    w and a, which the fits of both halves are shrunk to, come from both: the choice leans to the weighted predictor.

    Args:
        human: (deals, U, C) conditioning votes.
        synthetic: (deals, U, C) synthetic votes.
        targets: (deals, U, C) weights of the votes to predict, of equal sum an utterance.
        counts: (V, C) human votes that the prior is fitted to, again without the fold.
        count_blocks: (V,) their blocks of speakers.
        blocks: (U,) block of speakers.
        penalties: (folds,) taken as they are, such as those chosen at another number of votes.
    """
    groups = min(FOLDS, int(count_blocks.max()) + 1)
    folds, count_folds = blocks % groups, count_blocks % groups
    # halves of the training folds need folds of their own: each fold is cut in two
    halves = folds * 2 + (blocks // groups) % 2
    patterns = find_patterns(human, synthetic, targets, halves)
    evidence = tabulate(human, human.sum(axis=-1), synthetic, targets, folds)
    parts = np.flatnonzero(patterns.targets.sum(axis=(1, 2)) > 0)  # few speakers: a fold may be one of them
    found = []
    for fold in range(groups):
        a = fit_dirichlet_multinomial(counts[count_folds != fold])
        w = fit_weight(evidence, a, without=fold) if fold < len(evidence.seen) else 0.0
        training = [part for part in parts if part // 2 != fold]
        penalty = _choose(patterns, training, a, w) if penalties is None else penalties[fold]
        found.append((*fit_calibration(*patterns.followed(training), a, w, penalty), penalty))
    m, b, chosen = zip(*found, strict=True)
    return Calibration(folds, np.stack(m), np.stack(b), np.array(chosen))


def _choose(patterns: Patterns, training: list[int], a: Array, w: float) -> float:
    """Return the penalty that predicts each half of the training folds best from the other half."""
    pairs = [(training[::2], training[1::2]), (training[1::2], training[::2])]
    pairs = [pair for pair in pairs if all(patterns.targets[part].sum() > 0 for part in pair)]
    if not pairs:
        return float("inf")
    losses = np.zeros(len(PENALTIES))
    for fitted, judged in pairs:
        known, unseen = patterns.followed(fitted), patterns.followed(judged)
        for i, penalty in enumerate(PENALTIES):
            losses[i] += log_loss(*unseen, *fit_calibration(*known, a, w, penalty))[0] * unseen[2].sum()
    return PENALTIES[int(np.argmin(losses))]
