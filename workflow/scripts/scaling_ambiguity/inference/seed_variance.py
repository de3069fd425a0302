"""How much a result varies between training seeds: a variance component from five seeds on, a list otherwise."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from scaling_ambiguity.labels.others import speaker_blocks

MINIMUM_SEEDS = 5


@dataclass(frozen=True)
class SeedVariance:
    """What is known of the variation between seeds.

    Attributes:
        values: (seeds,) mean score of each seed, always.
        component: variance between seeds beyond what utterances explain, unit of the score squared, >= 0;
            None with fewer than five seeds.
        residual: variance of a block of speakers' mean around the sum of seed and block effects; None likewise.
        share: component / (component + residual), in [0, 1]; None likewise.
        sentence: what may be said.
    """

    values: NDArray[np.float64]
    component: float | None
    residual: float | None
    share: float | None
    sentence: str


def seed_variance(scores: ArrayLike, speakers: ArrayLike) -> SeedVariance:
    """Estimate the variance component of training seeds by restricted maximum likelihood.

    Model: y_js = block_j + seed_s + error_js for the mean score y of block j of speakers (one a speaker, 20 at
    most) and seed s, blocks fixed, seeds random: statsmodels ``MixedLM`` (Lindstrom & Bates 1988,
    10.1080/01621459.1988.10478693). In this balanced design it equals (MS_seed - MS_error) / blocks, cut at 0.

    Args:
        scores: (seeds, U) scores of the same utterances, losses in nats for NLL.
        speakers: (U,) speakers.

    Raises:
        ValueError: shapes that differ or a score that is not finite.
        UserError: a single speaker.
    """
    scores, speakers = np.asarray(scores, dtype=np.float64), np.asarray(speakers)
    if scores.ndim != 2 or scores.shape[1] != len(speakers):
        raise ValueError(f"scores {scores.shape} must be (seeds, {len(speakers)} utterances)")
    if not np.isfinite(scores).all():
        raise ValueError(f"scores, seed {np.argwhere(~np.isfinite(scores))[0, 0]}: not finite")
    seeds, values = len(scores), scores.mean(axis=1)
    if seeds < MINIMUM_SEEDS:
        sentence = f"{seeds} seed{'s' if seeds != 1 else ''}: values are listed; a component needs {MINIMUM_SEEDS}."
        return SeedVariance(values, None, None, None, sentence)
    blocks = speaker_blocks(speakers)
    counts = np.bincount(blocks)
    means = np.stack([np.bincount(blocks, row) / counts for row in scores])
    component, residual = _components(means)
    whole = component + residual
    share = component / whole if whole > 0 else 0.0
    sentence = f"{seeds} seeds: standard deviation between seeds {np.sqrt(component):.4f}."
    return SeedVariance(values, component, residual, share, sentence)


def _components(means: NDArray[np.float64]) -> tuple[float, float]:
    """Variance components (seed, error) of means (seeds, blocks)."""
    from statsmodels.regression.mixed_linear_model import MixedLM

    scale = float((means - means.mean(axis=0)).std())
    if scale < 1e-12:
        return 0.0, 0.0
    seeds, blocks = means.shape
    # the optimiser sees numbers of size one, whatever the unit of the score
    frame = pd.DataFrame({"y": ((means - means.mean(axis=0)) / scale).ravel()})
    groups = np.repeat(np.arange(seeds), blocks)
    design = np.tile(np.eye(blocks), (seeds, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a component at the boundary 0 is a result, and is reported as 0
        found = MixedLM(frame["y"].to_numpy(), design, groups=groups).fit(reml=True, method=["lbfgs", "powell"])
    return float(found.cov_re[0, 0]) * scale**2, float(found.scale) * scale**2
