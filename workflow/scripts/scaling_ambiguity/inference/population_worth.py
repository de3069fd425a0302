"""The worth of a proxy on very many utterances, where neither votes nor speakers contribute sampling error.

The same predictors as on a corpus, with the prior and the weight of very many utterances, are scored by the expected
loss sum_c v_c loss_c, and the number of human votes with the same loss is read off the interpolated curve.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import xlogy

from scaling_ambiguity.inference.exchange_losses import CALIBRATED_HUMAN, HUMAN, WHOLE, ruler_of
from scaling_ambiguity.inference.known_votes import (
    CLASSES,
    VOTES,
    biased_votes,
    distributions,
    draw_labels,
    expected_vote,
    pool_habits,
    rater_labels,
)
from scaling_ambiguity.inference.recovery import BESIDE, FLOOR, LEVEL_VOTES, SYNTHETIC, level_places, read_off
from scaling_ambiguity.labels.calibrating import calibrate
from scaling_ambiguity.labels.counting import frequencies
from scaling_ambiguity.labels.dirichlet import fit_dirichlet_multinomial, posterior_mean
from scaling_ambiguity.labels.levels import LEVELS
from scaling_ambiguity.labels.others import Others
from scaling_ambiguity.labels.pooling import with_echo
from scaling_ambiguity.labels.weighting import fit_weight, tabulate
from scaling_ambiguity.seeds import generator

Array: TypeAlias = NDArray[np.float64]
SIZE = 200_000
CURVE = 10  # human votes covered by the curve, so that a worth beyond the range of a corpus is also a number
FRESH = 3  # largest numbers of fresh raters and of latent draws
EXACT = "theory"
MEASURED = "population"


@dataclass(frozen=True)
class Population:
    """Very many utterances: losses (U,) of 0 .. 10 human votes and of each proxy, and the level of each utterance.

    ``people`` are unmodified human votes, ``calibrated_people`` those used to read off calibrated proxies.
    """

    people: list[Array]
    calibrated_people: list[Array]
    proxies: dict[tuple[str, int, int], Array]
    level: NDArray[np.int8]


def population(size: int, seed: int) -> Population:
    """Return the losses on ``size`` utterances, each by its own speaker, for the raters of the pool."""
    rng, habits = generator(seed, "population worth"), pool_habits(seed)
    p = distributions(rng, (size,), 1, CLASSES)[:, 0]
    v = expected_vote(p, habits)
    _, labels = rater_labels(rng, p, LEVEL_VOTES + CURVE, habits)
    a = prior_of_corpora(rng, habits, size)
    blocks = np.arange(size) % 20

    def human(k: int) -> Array:
        return count(labels[:, LEVEL_VOTES : LEVEL_VOTES + k])

    def loss(votes: Array) -> Array:
        return expected_loss(v, posterior_mean(votes, a))

    def weighed(more: Array, k: int) -> Array:
        evidence = tabulate(human(k), np.full(size, k), more, v, np.zeros(size, dtype=np.intp))
        return human(k) + fit_weight(evidence, a) * more

    synthetic = biased_votes(rng, p, SYNTHETIC)
    losses = {}
    for k in range(1, FRESH + 1):
        losses[f"latent-{k}", 0, k] = loss(count(draw_labels(rng, np.repeat(p[:, None], k, axis=1))))
    losses["as_pooled", 0, SYNTHETIC] = loss(synthetic)
    losses["weighted", 0, SYNTHETIC] = loss(weighed(synthetic, 0))
    votes_of_prior = count(labels[:, : VOTES[0]])

    def calibrated(votes: Array, weight: float | None = None) -> Array:
        fitted = calibrate(human(0)[None], votes[None], v[None], Others(blocks, votes_of_prior, blocks), weight=weight)
        together, b = fitted.votes(human(0)[None], votes[None])
        return expected_loss(v, posterior_mean(together[0], b))

    losses["calibrated", 0, SYNTHETIC] = calibrated(synthetic)
    two = human(BESIDE)
    echo = with_echo(two, synthetic) * (BESIDE + SYNTHETIC) - two
    prior = np.broadcast_to(SYNTHETIC * frequencies(a), two.shape)
    for name, more in (("echo", echo), ("prior", prior)):
        losses[name, BESIDE, SYNTHETIC] = loss(weighed(more, BESIDE))
    people = [loss(human(k)) for k in range(CURVE + 1)]
    calibrated_people = [calibrated(human(k), 1.0) for k in range(CURVE + 1)]
    return Population(people, calibrated_people, losses, level_places(count(labels[:, :LEVEL_VOTES])))


def prior_of_corpora(rng: np.random.Generator, habits: Array, size: int) -> Array:
    """Return the Dirichlet-multinomial fitted to 5 to 10 votes on ``size`` utterances, (C,)."""
    p = distributions(rng, (size,), 1, CLASSES)[:, 0]
    _, labels = rater_labels(rng, p, VOTES[1], habits)
    cast = np.arange(VOTES[1]) < rng.integers(VOTES[0], VOTES[1] + 1, size)[:, None]
    return fit_dirichlet_multinomial(count(np.where(cast, labels, -1)))


def count(labels: NDArray[np.intp]) -> Array:
    """Return counts per class of labels (U, n), -1 left out, (U, C)."""
    return np.stack([(labels == c).sum(axis=1) for c in range(CLASSES)], axis=1).astype(np.float64)


def expected_loss(v: Array, p: Array) -> Array:
    """Return the expected NLL -sum_c v_c log p_c in nats per vote, p floored; v, p (U, C) -> (U,)."""
    raised = np.maximum(p, FLOOR)
    return -xlogy(v, raised / raised.sum(axis=1, keepdims=True)).sum(axis=1)


def worths(seed: int, size: int = SIZE) -> pd.DataFrame:
    """Return the truth of every proxy, overall and by level: stratum, proxy, beside, votes, truth, known_by.

    ``theory`` where the worth follows from the construction of the proxy, ``population`` where it is measured on
    ``size`` utterances. The truth is the gain over the human votes that the proxy is combined with.
    """
    people = population(size, seed)
    rows = []
    for stratum, mask in [(WHOLE, slice(None)), *((name, people.level == i) for i, name in enumerate(LEVELS))]:
        curves = {
            ruler: np.array([loss[mask].mean() for loss in losses])
            for ruler, losses in ((HUMAN, people.people), (CALIBRATED_HUMAN, people.calibrated_people))
        }
        for (name, beside, votes), loss in people.proxies.items():
            curve = curves[ruler_of(name)]
            rows.append((stratum, name, beside, votes, read_off(curve, loss[mask].mean()) - beside, MEASURED))
        by_theory = [(f"{kind}fresh-{k}", 0, k, float(k)) for kind in ("", "calibrated-") for k in range(1, FRESH + 1)]
        by_theory += [(name, 0, SYNTHETIC, 0.0) for name in ("noise", "shuffled")]
        rows += [(stratum, *row, EXACT) for row in by_theory]
    return pd.DataFrame(rows, columns=["stratum", "proxy", "beside", "votes", "truth", "known_by"])
