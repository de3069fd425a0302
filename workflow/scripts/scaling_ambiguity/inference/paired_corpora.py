"""Simulated corpora in which two predictors are compared and the true mean difference of their losses is known.

Utterances, raters and votes are those of the coverage study (``validity``). Predictor A is the normalised p^1.3 e^z
and predictor B the normalised p^t e^y, with log t ~ Normal(log 1.3, s) of each speaker and z, y ~ Normal(0, e) of each
utterance and class; both are mixed with a fifth of uniform. A difference is loss A - loss B of one vote, in nats.

``ordinary`` (s = .35, e = .5): speakers' mean differences have a skewness of -.5 and an excess kurtosis of 1.3; those
of simple predictors on CREMA-D's 91 actors have one of -.3 to -.7 and of .2 to 1.4. ``skewed`` (s = .3, e = 0): -2.4
and 9, a few speakers dominate; harder than anything observed.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling_ambiguity.inference.designs import Design
from scaling_ambiguity.inference.known_votes import HABIT, SHARPNESS, distributions, draw_labels
from scaling_ambiguity.inference.validity import BATCH, ITEMS
from scaling_ambiguity.seeds import generator
from scaling_ambiguity.tables.statistics import THESE

Array: TypeAlias = NDArray[np.float64]
TRUTH_BLOCKS, TRUTH_UTTERANCES = 16, 250_000  # large blocks, as an error of the truth would shift every test
WORLDS = {"ordinary": (0.35, 0.5), "skewed": (0.3, 0.0)}  # s, e


@dataclass(frozen=True)
class PairedCorpora:
    """Differences in many corpora of G speakers with 20 utterances each; corpora are columns.

    Attributes:
        votes: (U * n, corpora) difference of each vote.
        high: (U, corpora) whether an utterance is of high ambiguity: sum p_c^2 below the median of the world.
        speakers: (U * n,) of each vote.
        raters: (U * n,) of each vote.
        truth: True mean difference.
        by_group: True mean differences at low and at high ambiguity.
        ballots: Votes n of each utterance.
    """

    votes: NDArray[np.float32]
    high: NDArray[np.bool_]
    speakers: NDArray[np.intp]
    raters: NDArray[np.intp]
    truth: float
    by_group: tuple[float, float]
    ballots: int

    @property
    def utterances(self) -> Array:
        """Mean difference of each utterance's votes, (U, corpora)."""
        return self.votes.reshape(-1, self.ballots, self.votes.shape[1]).mean(axis=1, dtype=np.float64)

    @property
    def homes(self) -> NDArray[np.intp]:
        """The speaker of each utterance, (U,)."""
        return self.speakers[:: self.ballots]


def differences(
    rng: np.random.Generator, speakers: tuple[int, ...], items: int, classes: int, world: str
) -> tuple[Array, Array]:
    """Return p and the difference for a vote of each class, (*speakers, items, C)."""
    spread, error = WORLDS[world]
    p = distributions(rng, speakers, items, classes)
    t = SHARPNESS * np.exp(spread * rng.standard_normal((*speakers, 1, 1)))
    losses = []
    for power in (SHARPNESS, t):
        q = p**power * np.exp(error * rng.standard_normal(p.shape))
        losses.append(-np.log(0.8 * q / q.sum(axis=-1, keepdims=True) + 0.2 / classes))
    return p, losses[0] - losses[1]


def _population(rng: np.random.Generator, habit: Array, classes: int, world: str) -> tuple[Array, Array]:
    """Return sum p_c^2 and the expected difference of very many utterances, each by its own speaker."""
    parts = []
    for _ in range(TRUTH_BLOCKS):
        p, of_class = (a[:, 0] for a in differences(rng, (TRUTH_UTTERANCES,), 1, classes, world))
        expected = (((1 - HABIT) * p + HABIT * habit) * of_class).sum(axis=-1)
        parts.append(((p**2).sum(axis=-1), expected))
    sureness, expected = zip(*parts, strict=True)
    return np.concatenate(sureness), np.concatenate(expected)


def paired_corpora(design: Design, corpora: int, population: str, world: str, seed: int) -> PairedCorpora:
    """Return ``corpora`` corpora of a design in one of ``WORLDS``, and the truth behind them.

    The assignment of raters is the same in all; speakers, utterances and votes are new in each, raters only where the
    population is that of raters like these.
    """
    rng = generator(seed, "paired corpora", world, population, design.name)
    utterances = design.speakers * ITEMS
    raters = np.argsort(rng.random((utterances, design.raters)), axis=1)[:, : design.votes]
    fixed = rng.dirichlet(np.ones(design.classes), design.raters)
    habit = fixed[raters].mean(axis=(0, 1)) if population == THESE else np.full(design.classes, 1 / design.classes)
    sureness, expected = _population(rng, habit, design.classes, world)
    median = np.median(sureness)
    votes = np.empty((raters.size, corpora), dtype=np.float32)
    high = np.empty((utterances, corpora), dtype=bool)
    for start in range(0, corpora, BATCH):
        size = min(BATCH, corpora - start)
        p, of_class = differences(rng, (size, design.speakers), ITEMS, design.classes, world)
        p, of_class = (a.reshape(size, utterances, design.classes) for a in (p, of_class))
        habits = fixed[None] if population == THESE else rng.dirichlet(np.ones(design.classes), (size, design.raters))
        label = draw_labels(rng, (1 - HABIT) * p[:, :, None, :] + HABIT * habits[:, raters])
        votes[:, start : start + size] = np.take_along_axis(of_class, label, axis=-1).reshape(size, -1).T
        high[:, start : start + size] = ((p**2).sum(axis=-1) < median).T
    return PairedCorpora(
        votes=votes,
        high=high,
        speakers=np.repeat(np.arange(design.speakers), ITEMS * design.votes),
        raters=raters.ravel(),
        truth=float(expected.mean()),
        by_group=(float(expected[sureness >= median].mean()), float(expected[sureness < median].mean())),
        ballots=design.votes,
    )
