"""Simulated corpora of votes with known truth, for checking the estimators."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling_ambiguity.labels.counting import DealtVotes
from scaling_ambiguity.seeds import generator

Array: TypeAlias = NDArray[np.float64]
CLASSES = 4
RATERS = 30
VOTES = (5, 10)  # fewest and most votes per utterance
DEALS = 6
SPEAKER, UTTERANCE = 12, 3  # concentrations of the Dirichlet distributions of speakers and of utterances
SHARPNESS, CONFUSED = 1.3, 0.35  # of the biased annotator
HABIT = 0.25  # share of a rater's votes that follow habit


@dataclass(frozen=True)
class KnownVotes:
    """A corpus of U utterances.

    Attributes:
        names: U names.
        speakers: (U,).
        p: (U, C) latent distributions.
        v: (U, C) expected votes of a rater drawn from the pool.
        dealt: The votes in every deal.
        counts: (U, C) all votes.
    """

    names: list[str]
    speakers: NDArray[np.intp]
    p: Array
    v: Array
    dealt: DealtVotes
    counts: Array


def distributions(rng: np.random.Generator, speakers: tuple[int, ...], items: int, classes: int) -> Array:
    """Return p of ``items`` utterances of every speaker, (*speakers, items, C).

    A speaker has the mean m_g ~ Dirichlet(12 m), m_c falling by the factor .6 from class to class, an utterance
    p ~ Dirichlet(3 m_g): the model of the coverage study (``validity``).
    """
    prior = 0.6 ** np.arange(classes)
    mean = rng.standard_gamma(SPEAKER * prior / prior.sum(), (*speakers, classes)) + 1e-3
    mean /= mean.sum(axis=-1, keepdims=True)
    shape = (*speakers, items, classes)
    p = rng.standard_gamma(np.broadcast_to(UTTERANCE * mean[..., None, :], shape)) + 1e-12
    return p / p.sum(axis=-1, keepdims=True)


def draw_labels(rng: np.random.Generator, p: Array) -> NDArray[np.intp]:
    """Return one label drawn from each distribution; p (..., C) -> (...)."""
    edges = np.cumsum(p, axis=-1)[..., :-1]
    return (rng.random(p.shape[:-1])[..., None] >= edges).sum(axis=-1)


def pool_habits(seed: int) -> Array:
    """Return the habits b_h ~ Dirichlet(1) of the pool of raters, (H, C); the same in every corpus of a seed."""
    return generator(seed, "known votes", "raters").dirichlet(np.ones(CLASSES), RATERS)


def rater_labels(rng: np.random.Generator, p: Array, votes: int, habits: Array) -> tuple[NDArray, NDArray]:
    """Return raters and labels of ``votes`` different raters per utterance, (U, votes) each.

    A rater votes with .75 p + .25 b_h; p (U, C), habits (H, C).
    """
    raters = np.argsort(rng.random((len(p), len(habits))), axis=1)[:, :votes]
    return raters, draw_labels(rng, (1 - HABIT) * p[:, None, :] + HABIT * habits[raters])


def expected_vote(p: Array, habits: Array) -> Array:
    """Return v = .75 p + .25 mean b_h, the expected vote of a rater of the pool; p (U, C) -> (U, C)."""
    return (1 - HABIT) * p + HABIT * habits.mean(axis=0)


def biased_votes(rng: np.random.Generator, p: Array, votes: int) -> Array:
    """Return counts (U, C) of an overconfident annotator that labels 35 % of each class as the next one.

    Its votes are draws from q = .65 s + .35 s shifted by a class, s the normalised p^1.3.
    """
    sharp = p**SHARPNESS
    sharp /= sharp.sum(axis=-1, keepdims=True)
    q = (1 - CONFUSED) * sharp + CONFUSED * np.roll(sharp, 1, axis=-1)
    return rng.multinomial(votes, q / q.sum(axis=-1, keepdims=True)).astype(np.float64)


def known_corpus(utterances: int, speakers: int, habits: Array, *parts: object) -> KnownVotes:
    """Return a corpus of ``utterances`` by ``speakers`` speakers, 5 to 10 votes each, dealt 6 times.

    Args:
        utterances: U, a multiple of the speakers.
        speakers: G.
        habits: (H, C) the pool of raters.
        parts: Key of the corpus in its stream of random numbers, such as a seed and a number.
    """
    rng = generator("known votes", utterances, speakers, *parts)
    p = distributions(rng, (speakers,), utterances // speakers, CLASSES).reshape(-1, CLASSES)
    number = rng.integers(VOTES[0], VOTES[1] + 1, len(p))
    raters, labels = rater_labels(rng, p, VOTES[1], habits)
    cast = np.arange(VOTES[1]) < number[:, None]
    keys = np.where(cast, rng.random((DEALS, *cast.shape)), 2.0)
    position = np.argsort(np.argsort(keys, axis=-1), axis=-1)[:, cast]
    utterance, total = np.nonzero(cast)[0], int(number.sum())
    counts = np.bincount(utterance * CLASSES + labels[cast], minlength=p.size).reshape(p.shape).astype(np.float64)
    dealt = DealtVotes(
        shape=(DEALS, *p.shape),
        utterance=utterance,
        label=labels[cast],
        weight=np.ones(total),
        first=np.ones(total, dtype=bool),
        position=position,
        votes=number[utterance],
        level_votes=np.zeros(total, dtype=np.intp),
        rater=raters[cast],
        raters=len(habits),
    )
    names = [f"u{i:04d}" for i in range(len(p))]
    home = np.repeat(np.arange(speakers), utterances // speakers)
    return KnownVotes(names, home, p, expected_vote(p, habits), dealt, counts)
