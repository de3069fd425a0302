"""Prediction-powered estimate of the class shares of a whole corpus from few human and many synthetic votes.

Human votes on some utterances correct synthetic votes on all others, whatever the errors of the synthetic
votes. Sources: Angelopoulos et al. 2023, 10.1126/science.adi6000; power tuning (PPI++): Angelopoulos,
Duchi & Zrnic 2023, arXiv 2311.01453.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling_ambiguity.inference.bootstrap import Intervals, moment_interval
from scaling_ambiguity.inference.draws import uniforms
from scaling_ambiguity.labels.counting import frequencies

Array: TypeAlias = NDArray[np.float64]
LABELLED = 0.2  # share of the utterances that has one human vote


def power(human: Array, labelled_synthetic: Array, other_synthetic: Array) -> Array:
    """Return lambda (C,) in [0, 1]: the weight given to the synthetic votes.

    lambda = cov(y, f) / ((1 + n / N) var(f)), over the n labelled and all n + N utterances (arXiv 2311.01453,
    proposition 2 for a mean), which minimises the variance with independent utterances; 0 where f is constant.

    Args:
        human: (n, C) shares y of the human votes.
        labelled_synthetic: (n, C) shares f of the synthetic votes on the same utterances.
        other_synthetic: (N, C) on the others.
    """
    n, others = len(human), len(other_synthetic)
    y, f = human - human.mean(axis=0), labelled_synthetic - labelled_synthetic.mean(axis=0)
    covariance = (y * f).sum(axis=0) / max(n - 1, 1)
    variance = np.concatenate([labelled_synthetic, other_synthetic]).var(axis=0, ddof=1) * (1 + n / max(others, 1))
    fine = variance > 1e-12
    return np.clip(np.divide(covariance, variance, out=np.zeros_like(variance), where=fine), 0.0, 1.0)


@dataclass(frozen=True)
class ClassShares:
    """Shares of the classes over a corpus, (C,) each.

    Attributes:
        human: from the human votes alone.
        ppi: prediction-powered.
        synthetic: from the synthetic votes alone; its error does not shrink with their number.
        lambdas: (C,) weight of the synthetic votes.
        labelled: number of labelled utterances n.
    """

    human: Intervals
    ppi: Intervals
    synthetic: Intervals
    lambdas: Array
    labelled: int


def class_shares(
    human: Array, synthetic: Array, labelled: NDArray[np.bool_], speakers: NDArray, settings: dict[str, Any]
) -> ClassShares:
    """Estimate the mean share of each class with clustered intervals of all three estimators.

    theta = lambda mean_others(f) + mean_labelled(y - lambda f); its interval resamples speakers, both terms
    together, with lambda fixed. Range: the estimate can leave [0, 1] where there are few votes.

    Args:
        human: (U, C) human votes; used where ``labelled``.
        synthetic: (U, C) synthetic votes.
        labelled: (U,), at least two and not all.
        speakers: (U,).
        settings: resamples, seed, level, method.

    Raises:
        ValueError: fewer than two labelled utterances or no other.
    """
    if labelled.sum() < 2 or labelled.all():
        raise ValueError(f"{int(labelled.sum())} of {len(labelled)} utterances are labelled; needs two, and others")
    y, f = frequencies(human) * labelled[:, None], frequencies(synthetic)
    lambdas = power(y[labelled], f[labelled], f[~labelled])
    size = np.broadcast_to(labelled[:, None].astype(np.float64), y.shape)
    rest = 1 - size
    moments = np.stack([size, rest, y, f * size, f * rest], axis=-1)  # (U, C, 5)

    def combined(weight: Array, alone: bool = False) -> Any:
        def function(totals: Array) -> tuple[Array, Array]:
            n, others, human_sum, on_labelled, on_others = np.moveaxis(totals, -1, 0)
            trust = np.broadcast_to(weight, n.shape)
            with np.errstate(divide="ignore", invalid="ignore"):
                if alone:
                    value = (on_labelled + on_others) / (n + others)
                    gradient = [-value, -value, 0 * n, 1 + 0 * n, 1 + 0 * n]
                    return value, np.stack(gradient, axis=-1) / (n + others)[..., None]
                corrected, trusted = (human_sum - trust * on_labelled) / n, on_others / others
                gradient = [-corrected / n, -trust * trusted / others, 1 / n, -trust / n, trust / others]
                return corrected + trust * trusted, np.stack(gradient, axis=-1)

        return moment_interval(moments, speakers, function, **settings)

    return ClassShares(
        combined(np.zeros(len(lambdas))), combined(lambdas), combined(lambdas, alone=True), lambdas,
        int(labelled.sum()),
    )  # fmt: skip


def choose_labelled(names: list[str], seed: int) -> NDArray[np.bool_]:
    """Return the utterances that are labelled, a random fifth of them by name, at least two."""
    keys = uniforms(seed, "labelled utterances", names, 1)[:, 0]
    count = max(2, round(LABELLED * len(names)))
    chosen = np.zeros(len(names), dtype=bool)
    chosen[np.argsort(keys, kind="stable")[:count]] = True
    return chosen


def share_rows(shares: ClassShares, classes: list[str], target: Array, common: dict[str, Any]) -> list[dict]:
    """Return the rows of the statistics table.

    ``class_share_human``, ``class_share_ppi``, ``class_share_synthetic`` by class, ``class_share_all`` (from all
    human votes; the target, of which the human votes used are a part), ``ppi_lambda``, and ``ppi_ratio``: the
    squared ratio of the standard errors, the factor by which more human votes would be needed for the same precision.
    ``votes`` is the number of human votes used.
    """
    rows = []
    for i, label in enumerate(classes):
        row = common | {"stratum": f"class={label}", "votes": shares.labelled, "labels": "synthetic"}
        for name in ("human", "ppi", "synthetic"):
            part = getattr(shares, name)
            labels = "human" if name == "human" else "synthetic"
            rows.append(part.row(i) | row | {"metric": f"class_share_{name}", "labels": labels})
        point = row | {"method": "point"}
        rows.append(point | {"metric": "class_share_all", "labels": "human", "estimate": target[i]})
        rows.append(point | {"metric": "ppi_lambda", "estimate": shares.lambdas[i]})
        if shares.ppi.se[i] > 0:
            ratio = (shares.human.se[i] / shares.ppi.se[i]) ** 2
            rows.append(point | {"metric": "ppi_ratio", "estimate": ratio})
    return rows
