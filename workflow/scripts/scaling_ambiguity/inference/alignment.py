"""Scores of synthetic votes, floors and ceilings against held-out human votes, deal by deal.

One deal is in memory at a time; only its sums over the utterances of a speaker and level are kept,
which suffices for means, correlations and their clustered intervals.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.stats import rankdata

from scaling_ambiguity.inference.correlation import pearson_moments
from scaling_ambiguity.inference.draws import first_counts, random_ranks, uniforms
from scaling_ambiguity.inference.pairs import brier_of_classes, nll_of_classes
from scaling_ambiguity.labels.counting import DealtVotes, frequencies
from scaling_ambiguity.labels.dirichlet import posterior_mean
from scaling_ambiguity.metrics.arrays import histogram, modes
from scaling_ambiguity.metrics.catalogue import PER_VOTE, SCORES
from scaling_ambiguity.metrics.divergences import entropy_bits
from scaling_ambiguity.tables.roles import ROLE_NAMES

Array: TypeAlias = NDArray[np.float64]
BLOCK = 10_000  # utterances whose random numbers are in memory at once


@dataclass(frozen=True)
class Predictors:
    """Everything that predicts the reference votes of a deal.

    Attributes:
        dealt: human votes with their positions in every deal.
        keep: (all utterances,) mask of the U scored utterances.
        names: (U,) names of the scored utterances.
        own: name of the synthetic votes in the column ``labels``.
        synthetic: (U, C) synthetic votes.
        draws: (U, m) class numbers of the synthetic votes, -1 fills up.
        prior: (U, C) class prior fitted to other speakers.
        a: (U, C) Dirichlet parameters fitted to other speakers.
        seed: seed of the matched draws.
    """

    dealt: DealtVotes
    keep: NDArray[np.bool_]
    names: list[str]
    own: str
    synthetic: Array
    draws: NDArray[np.integer]
    prior: Array
    a: Array
    seed: int

    def votes(self, deal: int, role: str) -> Array:
        """Return the human votes of a role in a deal, (U, C)."""
        return self.dealt.count(self.dealt.roles(deal) == ROLE_NAMES.index(role))[self.keep]

    def half(self, deal: int) -> Array:
        """Return as many conditioning votes as there are reference votes in a deal, (U, C): half of the votes.

        There are never fewer conditioning than reference votes; an odd one is left out.
        """
        dealt, role, place = self.dealt, self.dealt.roles(deal), self.dealt.position[deal]
        levels = np.where(dealt.votes >= dealt.level_votes + 2, dealt.level_votes, 0)
        references = np.maximum(1, (dealt.votes - levels) // 2)
        chosen = (role == ROLE_NAMES.index("conditioning")) & (place < levels + references)
        return dealt.count(chosen)[self.keep]

    @cached_property
    def matched(self) -> NDArray[np.uint16]:
        """As many synthetic votes as there are conditioning votes, redrawn in each deal, (deals, U, C)."""
        deals, _, classes = self.dealt.shape
        # the weights of a vote with three labels sum to one up to rounding
        sizes = np.stack([np.rint(self.votes(deal, "conditioning").sum(axis=-1)) for deal in range(deals)])
        counts = np.empty((deals, len(self.names), classes), dtype=np.uint16)
        for start in range(0, len(self.names), BLOCK):
            take = slice(start, start + BLOCK)
            table = self.draws[take]
            keys = uniforms(self.seed, "matched draws", self.names[take], deals * table.shape[1])
            keys = keys.reshape(len(table), deals, -1)
            for deal in range(deals):
                ranks = random_ranks(table, keys[:, deal])
                counts[deal, take] = first_counts(table, ranks, sizes[deal, take], classes)
        return counts

    def predict(self, deal: int, only: Sequence[str] = ()) -> dict[str, Array]:
        """Return the predictions of a deal by name, (U, C) each; ``only`` some of them, default all.

        A name ending in ``smoothed`` is the posterior mean (n + a) / (N + sum a), for human and synthetic votes with
        the same a of other speakers; other predictors from votes are raw histograms, whose NLL is dominated by the
        floor.

        Raises:
            KeyError: a name in ``only`` that is not a predictor.
        """
        conditioning = self.votes(deal, "conditioning")
        made: dict[str, Callable[[], Array]] = {
            self.own: lambda: frequencies(self.synthetic),
            f"{self.own}-matched": lambda: frequencies(self.matched[deal].astype(float)),
            f"{self.own}-smoothed": lambda: posterior_mean(self.synthetic, self.a),
            f"{self.own}-matched-smoothed": lambda: posterior_mean(self.matched[deal].astype(float), self.a),
            "uniform": lambda: np.full_like(self.prior, 1 / self.prior.shape[-1]),
            "prior": lambda: self.prior,
            "majority": lambda: modes(conditioning),
            "human": lambda: histogram(conditioning),
            "human-smoothed": lambda: posterior_mean(conditioning, self.a),
            "split-half": lambda: histogram(self.half(deal)),
        }
        return {name: made[name]() for name in only or made}

    def vote_losses(self, deal: int, columns: Sequence[tuple[str, str]], floor: float) -> list[Array]:
        """Return the loss of a single vote for each class, (U, C), for each column (labels, nll or brier)."""
        predictions = self.predict(deal, sorted({labels for labels, _ in columns}))
        return [
            nll_of_classes(predictions[labels], floor) if metric == "nll" else brier_of_classes(predictions[labels])
            for labels, metric in columns
        ]


class Totals:
    """Sums of per-utterance values over deals, by speaker and level: (speakers, levels + 1, columns).

    A mean over the deals in which an utterance has a level, weighted by their number, is linear in
    them: an utterance that has a level in a third of the deals counts one third for it.
    """

    def __init__(self, clusters: NDArray, levels: int) -> None:
        self.names, self._cluster = np.unique(np.asarray(clusters), return_inverse=True)
        self._levels = levels
        self._sums: Array | None = None
        self._sizes = np.zeros((len(self.names), levels + 1))
        self._deals = 0

    def add(self, values: Array, level: NDArray[np.integer]) -> None:
        """Add one deal: values (U, K), and the level of each utterance in it (U,), -1 for none."""
        group = self._cluster * (self._levels + 1) + np.where(level < 0, self._levels, level)
        rows = np.arange(len(group))
        member = sparse.csr_array((np.ones(len(group)), (group, rows)), shape=(self._sizes.size, len(group)))
        sums = (member @ values).reshape(*self._sizes.shape, -1)
        self._sums = sums if self._sums is None else self._sums + sums
        self._sizes += np.bincount(group, minlength=self._sizes.size).reshape(self._sizes.shape)
        self._deals += 1

    def of(self, level: int | None) -> tuple[Array, Array]:
        """Return sums (speakers, K) and sizes (speakers,), the utterances of a speaker, both averaged over deals.

        None means all levels together; sums are 0 where the size is 0.
        """
        assert self._sums is not None, "no deal was added"
        if level is None:
            return self._sums.sum(axis=1) / self._deals, self._sizes.sum(axis=1) / self._deals
        return self._sums[:, level] / self._deals, self._sizes[:, level] / self._deals


def score(predictions: dict[str, Array], reference: Array, floor: float) -> dict[tuple[str, str], Array]:
    """Return the values (U,) of every (labels, metric) against the reference votes (U, C) of a deal."""
    shares = histogram(reference)
    return {
        (labels, name): function(p, reference if name in PER_VOTE else shares, floor)
        for labels, p in predictions.items()
        for name, function in SCORES.items()
    }


def over_deals(values: Array, usable: NDArray[np.bool_] | None) -> tuple[Array, Array]:
    """Return each utterance's mean over its usable deals, and the share of deals that are usable.

    An utterance that has a level in a third of the deals counts one third for it.

    Args:
        values: (D, U), or (U,) if the same in every deal.
        usable: (D, U), None for all deals of values (D, U).

    Returns:
        value (U,), 0 where no deal is usable, and weight (U,) in [0, 1].
    """
    if usable is None:
        return values.mean(axis=0), np.ones(values.shape[1])
    count = usable.sum(axis=0)
    total = np.where(usable, np.broadcast_to(values, usable.shape), 0.0).sum(axis=0)
    return total / np.maximum(count, 1), count / len(usable)


def correlation_moments(
    predictions: dict[str, Array], reference: Array, classes: list[str]
) -> dict[tuple[str, str], Array]:
    """Return moments (U, 6) of each (labels, correlation) across utterances in a deal; predictions, reference (U, C).

    Correlations: ``pearson_<class>`` of the class' probability and its share of the reference votes;
    ``spearman_<class>``, the same of ranks over all utterances (not by level: ranks are over the whole
    set); ``entropy_pearson`` of the two entropies.
    """
    shares = histogram(reference)
    ranks = rankdata(shares, axis=0)
    moments: dict[tuple[str, str], Array] = {}
    for labels, p in predictions.items():
        predicted_ranks = rankdata(p, axis=0)
        for i, c in enumerate(classes):
            moments[labels, f"pearson_{c}"] = pearson_moments(p[:, i], shares[:, i])
            moments[labels, f"spearman_{c}"] = pearson_moments(predicted_ranks[:, i], ranks[:, i])
        moments[labels, "entropy_pearson"] = pearson_moments(entropy_bits(p), entropy_bits(shares))
    return moments


def scorable(dealt: DealtVotes) -> NDArray[np.bool_]:
    """Return which utterances have both conditioning and reference votes in every deal, (utterances,)."""
    fine = np.ones(dealt.shape[1], dtype=bool)
    for deal in range(dealt.shape[0]):
        role = dealt.roles(deal)
        for name in ("conditioning", "reference"):
            chosen = role == ROLE_NAMES.index(name)
            fine &= np.bincount(dealt.utterance[chosen], dealt.weight[chosen], minlength=dealt.shape[1]) > 0
    return fine
