"""One arrangement of human votes for the exchange rate: k to condition on, the rest to be predicted, all disjoint."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling_ambiguity.inference.bootstrap import mean_interval
from scaling_ambiguity.inference.exchange import Weights, fit_weights
from scaling_ambiguity.inference.pairs import nll_of_classes, vote_losses
from scaling_ambiguity.labels.calibrating import Calibration, calibrate
from scaling_ambiguity.labels.counting import DealtVotes, HumanVotes, frequencies
from scaling_ambiguity.labels.dirichlet import fit_dirichlet_multinomial, posterior_mean
from scaling_ambiguity.labels.others import Others, from_others
from scaling_ambiguity.metrics.scores import nll_votes

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Arrangement:
    """The utterances with more than ``start + largest`` votes, their votes in every deal, and a prior from others.

    In each deal the votes at positions ``start`` .. ``start + k - 1`` are the k conditioning votes, those from
    ``start + largest`` on the reference, the same for all k; those before ``start`` may have decided a level.

    Attributes:
        names: The U utterances.
        dealt: Votes on them, D deals, C classes.
        speakers: (U,).
        prior: (U, C) Dirichlet-multinomial fitted to the votes of other blocks' utterances.
        others: Blocks of speakers, and all human votes of the corpus for fits that leave a block out.
        start: Number of leading votes kept apart.
        largest: Largest number k of conditioning votes.
        floor: Smallest probability in the NLL.
        level: Coverage of intervals of weights.
    """

    names: list[str]
    dealt: DealtVotes
    speakers: NDArray
    prior: Array
    others: Others
    start: int
    largest: int
    floor: float
    level: float
    cache: dict[int, Array] = field(default_factory=dict)

    @cached_property
    def reference(self) -> Array:
        """The votes to predict, (D, U, C)."""
        return self.dealt.between(self.start + self.largest)

    def human(self, k: int) -> Array:
        """Return the k conditioning votes, (D, U, C)."""
        if k not in self.cache:
            self.cache[k] = self.dealt.between(self.start, self.start + k)
        return self.cache[k]

    def predict(self, votes: Array) -> Array:
        """Return the posterior mean of votes (D, U, C) under the prior, (D, U, C)."""
        return posterior_mean(votes, self.prior)

    def loss(self, votes: Array) -> Array:
        """Return the NLL of that prediction in each deal, (D, U), nats per vote."""
        return nll_votes(self.predict(votes), self.reference, self.floor)

    def weigh(self, synthetic: Array, k: int) -> tuple[Array, Weights]:
        """Return k human votes plus synthetic ones (D, U, C) times the fitted weight, and the weight."""
        fitted = fit_weights(self.human(k), synthetic, self.reference, self.others, self.level)
        return self.human(k) + fitted.each[:, None] * synthetic, fitted

    def calibrate(
        self, synthetic: Array, k: int, *, deals: slice = slice(None), penalties: Array | None = None,
        weight: float | None = None, mixed: bool = False,
    ) -> Calibration:  # fmt: skip
        """Return the fitted matrix of a calibrated pool of k human votes and synthetic ones (D, U, C).

        ``weight`` and ``mixed`` as in :func:`labels.calibrating.calibrate`.
        """
        human, targets = self.human(k)[deals], frequencies(self.reference[deals])
        return calibrate(human, synthetic[deals], targets, self.others, penalties, weight=weight, mixed=mixed)

    def calibrated(self, calibration: Calibration, synthetic: Array, k: int) -> Array:
        """Return the votes (D, U, C) for which :meth:`predict` gives the calibrated prediction: b is the prior."""
        votes, b = calibration.votes(self.human(k), synthetic)
        return votes + (b - self.prior)

    def calibrated_human(self, k: int, penalties: Array | None = None) -> tuple[Array, Calibration]:
        """Return the votes (D, U, C) for which :meth:`predict` gives the prediction of k calibrated human votes."""
        human = self.human(k)
        calibration = self.calibrate(human, 0, penalties=penalties, weight=1.0)
        return self.calibrated(calibration, human, 0), calibration

    def calibrated_beside(
        self, synthetic: Array, k: int, *, deals: slice = slice(None), penalties: Array | None = None
    ) -> tuple[Array, Calibration]:
        """Return the same for k human votes and synthetic ones (D, U, C), each through its own matrix."""
        calibration = self.calibrate(synthetic, k, deals=deals, penalties=penalties, mixed=k > 0)
        human = self.human(k)
        together = np.concatenate([human, synthetic], axis=-1) if k else synthetic
        votes, b = calibration.votes(np.zeros_like(human), together)
        return votes + (b - self.prior), calibration

    def vote_losses(self, votes: list[Array]) -> tuple[Array, Array]:
        """Return the losses of single reference votes (entries, P) of predictions from votes, and their weights."""
        losses = [nll_of_classes(self.predict(v), self.floor) for v in votes]
        first = self.start + self.largest
        return vote_losses(self.dealt, lambda deal: self.dealt.position[deal] >= first, losses)

    def per_vote(self) -> dict[str, Any]:
        """Return the speaker and rater of every entry of :meth:`vote_losses`."""
        return {"speakers": self.speakers[self.dealt.utterance], "raters": self.dealt.rater}


def arrange(
    human: HumanVotes, *, start: int, largest: int, floor: float, level: float, among: NDArray[np.bool_] | None = None
) -> tuple[Arrangement, NDArray[np.bool_]]:
    """Return the arrangement of the utterances with enough votes, and the mask of these among all U.

    Args:
        human: Votes of all utterances.
        start: Number of leading votes kept apart.
        largest: Largest number of conditioning votes, at least 1.
        floor: Smallest probability in the NLL.
        level: Coverage of intervals of weights.
        among: (U,) Utterances that may be used; None: all.
    """
    fixed = human.dealt.voters() > start + largest
    if among is not None:
        fixed &= among
    prior = from_others(human.counts, human.blocks, fit_dirichlet_multinomial)[fixed]
    used = human.of(fixed)
    others = Others(used.blocks, human.counts, human.blocks)
    return Arrangement(used.names, used.dealt, used.speakers, prior, others, start, largest, floor, level), fixed


def largest_of_most(votes: NDArray[np.integer], start: int, largest: int) -> int:
    """Return the largest k <= ``largest`` for which half of the utterances have more than start + k votes, or 0."""
    fitting = [k for k in range(1, largest + 1) if 2 * (votes > start + k).sum() >= len(votes)]
    return max(fitting, default=0)


@dataclass(frozen=True)
class OneMoreVote:
    """Delta = NLL(k, 0) - NLL(k + 1, 0), the value of one more human vote, in nats per vote.

    Attributes:
        after: k, or 0 where the value is not known.
        each: (V,) Delta for every utterance, from the speakers of other blocks only; NaN where not known.
        mean: Their mean, the margin of equivalence.
        low: Lower end of a clustered interval of Delta over all speakers; NaN with fewer than five.
        high: Upper end.
        se: Its standard error, likewise.
    """

    after: int
    each: Array
    mean: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    se: float = float("nan")

    def words(self) -> str:
        """Return a sentence about the value."""
        if not self.after:
            return (
                "fewer than half of the utterances have three votes, or the speakers cannot be separated: "
                "the value of one more vote is not known, nor is H3"
            )
        error = f"standard error {self.se:.4f}, interval {self.low:.4f} to {self.high:.4f}"
        return f"one more human vote after {self.after} is worth {self.mean:.4f} nats per vote ({error})"


def value_of_one_more_vote(human: HumanVotes, *, floor: float, settings: dict[str, Any]) -> OneMoreVote:
    """Return Delta = NLL(3, 0) - NLL(4, 0), or NLL(1, 0) - NLL(2, 0) if there are few votes.

    This is the margin of equivalence: smaller effects are less than the gain from one more human vote. Few means that
    fewer than half of the utterances have more than four votes. If fewer than half have three it is not known,
    nor if all speakers are in one block: no speaker contributes to the margin by which their utterances are judged.
    ``settings`` are level, resamples, seed and method of its interval.
    """
    votes, blocks = human.dealt.voters(), human.blocks
    unknown = np.full(len(blocks), np.nan)
    largest = 4 if largest_of_most(votes, 0, 4) == 4 else 2
    if largest_of_most(votes, 0, largest) < largest or len(np.unique(blocks[votes > largest])) < 2:
        return OneMoreVote(0, unknown)
    world, fixed = arrange(human, start=0, largest=largest, floor=floor, level=0.95)
    less, more = (world.loss(world.human(k)).mean(axis=0) for k in (largest - 1, largest))
    gain = less - more
    of_others = {block: gain[world.others.blocks != block].mean() for block in np.unique(blocks)}
    each = np.array([of_others[block] for block in blocks])
    around = mean_interval(gain, world.speakers, **settings)
    ends = (float(part[0]) for part in (around.low, around.high, around.se))
    return OneMoreVote(largest - 1, each, float(each[fixed].mean()), *ends)
