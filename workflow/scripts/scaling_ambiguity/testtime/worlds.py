"""Simulated pools whose truth is known: verifiers of planted quality, pools without diversity, votes one by one.

An utterance has a latent distribution p ~ Dir(alpha); the annotator believes softmax(ln(p + .02) + .5 noise) of it, and
writes candidates q_b ~ Dir(spread x belief), rounded as people and models round. A verifier's score is
r z + sqrt(1 - r^2) noise, z the standardised -JSD of a candidate to p over the whole pool, r its planted quality.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling_ambiguity.metrics.divergences import jsd_bits
from scaling_ambiguity.seeds import generator
from scaling_ambiguity.testtime.pool import Pool, Verdicts

Array: TypeAlias = NDArray[np.float64]
CLASSES = ("neutral", "happy", "sad", "angry")
NOISE, OFFSET, ALPHA = 0.5, 0.02, 0.6
ROUNDED = 0.05


@dataclass(frozen=True)
class World:
    """A pool and what is true of it.

    Attributes:
        truth: (U, C) latent distributions.
        pool: The candidates; verifier ``verifier`` scores them if a quality was planted.
        speakers: (U,).
        seed: Seed of the world.
    """

    truth: Array
    pool: Pool
    speakers: NDArray[np.str_]
    seed: int

    def votes(self, number: int) -> Array:
        """Return ``number`` human votes on every utterance, (U, C)."""
        return generator(self.seed, "votes", number).multinomial(number, self.truth).astype(float)


def simulated_pool(
    utterances: int,
    candidates: int,
    *,
    seed: int,
    quality: float | None = None,
    spread: float = 6.0,
    rounded: float = ROUNDED,
    speakers: int = 40,
) -> World:
    """Return a world whose candidates scatter around the annotator's belief.

    Args:
        utterances: U.
        candidates: K.
        seed: Its seed.
        quality: Planted correlation, over all candidates, of the verifier's score and -JSD to the truth, in [-1, 1];
            None: no verifier. The score serves as log-probability too.
        spread: Concentration of the candidates around the belief.
        rounded: Step to which shares are rounded; 0: not.
        speakers: Number of speakers, of equally many utterances.
    """
    truth, belief = _beliefs(utterances, seed)
    q = _around(spread * belief, candidates, rounded, seed)
    score = None
    if quality is not None:
        score = planted(-jsd_bits(truth[:, None], q), quality, seed)
    return World(truth, pool_of(q, score), _speakers(utterances, speakers), seed)


def near_duplicates(utterances: int, candidates: int, *, seed: int, step: float = ROUNDED) -> World:
    """Return a world whose candidates differ from the first by moving ``step`` between two random classes, as beams do.

    A class with a smaller share gives all that it has.
    """
    truth, belief = _beliefs(utterances, seed)
    base = _around(6.0 * belief, 1, step, seed)
    random = generator(seed, "duplicates")
    q = np.repeat(base, candidates, axis=1)
    shape = (utterances, candidates - 1)
    gives = random.integers(0, q.shape[2], shape)
    takes = (gives + random.integers(1, q.shape[2], shape)) % q.shape[2]
    rows, columns = np.indices(shape)
    moved = np.minimum(step, q[rows, columns + 1, gives])
    q[rows, columns + 1, gives] -= moved
    q[rows, columns + 1, takes] += moved
    return World(truth, pool_of(q, None), _speakers(utterances, 40), seed)


def planted(values: Array, quality: float, seed: int) -> Array:
    """Return scores that correlate with ``values`` at ``quality`` over all entries, (U, K)."""
    z = (values - values.mean()) / values.std()
    noise = generator(seed, "scores").standard_normal(values.shape)
    return quality * z + np.sqrt(1 - quality**2) * noise


def pool_of(q: Array, score: Array | None, kind: str = "sampled") -> Pool:
    """Return a pool of distributions q (U, K, C); a score (U, K) is verifier's, pick and log-probability."""
    shape = q.shape[:2]
    verdicts = {}
    nothing = np.full(shape, np.nan)
    if score is not None:
        pick = np.repeat(score.argmax(axis=1)[:, None], 2, axis=1)
        verdicts = {"verifier": Verdicts(score, pick, np.ones(shape, dtype=bool))}
    return Pool(
        kind=kind,
        utterances=tuple(f"u{number:06d}" for number in range(len(q))),
        classes=CLASSES[: q.shape[2]] if q.shape[2] <= len(CLASSES) else tuple(f"c{c}" for c in range(q.shape[2])),
        q=q,
        status=np.full(shape, "ok"),
        reason=np.full(shape, ""),
        logprob=nothing if score is None else score,
        tokens=np.ones(shape),
        logprob_answer=nothing if score is None else score,
        seconds=nothing,
        verdicts=verdicts,
    )


def dirichlet_rows(alpha: Array, draws: int, random: np.random.Generator) -> Array:
    """Return ``draws`` samples of Dir(alpha) for each row of alpha (U, C), (U, draws, C)."""
    values = random.standard_gamma(np.broadcast_to(alpha[:, None], (len(alpha), draws, alpha.shape[1])))
    values = np.maximum(values, 1e-300)
    return values / values.sum(axis=2, keepdims=True)


def _beliefs(utterances: int, seed: int) -> tuple[Array, Array]:
    random = generator(seed, "world")
    truth = random.dirichlet(np.full(len(CLASSES), ALPHA), utterances)
    logits = np.log(truth + OFFSET) + NOISE * random.standard_normal(truth.shape)
    belief = np.exp(logits)
    return truth, belief / belief.sum(axis=1, keepdims=True)


def _around(alpha: Array, candidates: int, rounded: float, seed: int) -> Array:
    q = dirichlet_rows(alpha, candidates, generator(seed, "candidates"))
    if rounded:
        q = np.round(q / rounded) * rounded
        q /= q.sum(axis=2, keepdims=True)
    return q


def _speakers(utterances: int, speakers: int) -> NDArray[np.str_]:
    return np.array([f"s{number % speakers:03d}" for number in range(utterances)])
