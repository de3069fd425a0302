"""How much a result varies between training seeds: a variance component, from five seeds on."""

import warnings

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from scaling_ambiguity.labels.others import speaker_blocks

MINIMUM_SEEDS = 5  # with fewer, the values of the seeds are listed


def seed_variance(scores: ArrayLike, speakers: ArrayLike) -> float:
    """Return the variance between seeds beyond what speakers explain, in the unit of the score squared, >= 0.

    Estimated by restricted maximum likelihood in the model y_js = block_j + seed_s + error_js for the mean score y of
    block j of speakers (one a speaker, 20 at most) and seed s, blocks fixed, seeds random: statsmodels ``MixedLM``
    (Lindstrom & Bates 1988, 10.1080/01621459.1988.10478693). In this balanced design it equals
    (MS_seed - MS_error) / blocks, cut at 0.

    Args:
        scores: (seeds, U) scores of the same utterances, losses in nats for NLL.
        speakers: (U,) speakers.

    Raises:
        ValueError: shapes that differ or a score that is not finite.
        UserError: a single speaker.
    """
    from statsmodels.regression.mixed_linear_model import MixedLM

    scores, speakers = np.asarray(scores, dtype=np.float64), np.asarray(speakers)
    if scores.ndim != 2 or scores.shape[1] != len(speakers):
        raise ValueError(f"scores {scores.shape} must be (seeds, {len(speakers)} utterances)")
    if not np.isfinite(scores).all():
        raise ValueError(f"scores, seed {np.argwhere(~np.isfinite(scores))[0, 0]}: not finite")
    block = speaker_blocks(speakers)
    counts = np.bincount(block)
    means = np.stack([np.bincount(block, row) / counts for row in scores])
    scale = float((means - means.mean(axis=0)).std())
    if scale < 1e-12:
        return 0.0
    seeds, blocks = means.shape
    # scaled so that the optimiser works with numbers of order one for any unit of the score
    frame = pd.DataFrame({"y": ((means - means.mean(axis=0)) / scale).ravel()})
    groups = np.repeat(np.arange(seeds), blocks)
    design = np.tile(np.eye(blocks), (seeds, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a component at the boundary 0 is a result, and is reported as 0
        fitted = MixedLM(frame["y"].to_numpy(), design, groups=groups).fit(reml=True, method=["lbfgs", "powell"])
    return float(fitted.cov_re[0, 0]) * scale**2
