"""Losses of many predictors of the same held-out votes, kept as means so that no predictor stays in memory."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling_ambiguity.inference.arrangement import Arrangement
from scaling_ambiguity.inference.bootstrap import Intervals, mean_interval
from scaling_ambiguity.inference.crossed import ALONE, crossed_mean_interval, speakers_alone
from scaling_ambiguity.inference.exchange import EquivalentVotes, bound_over_weights, equivalent_votes
from scaling_ambiguity.inference.pairs import nll_of_classes, vote_losses

Array: TypeAlias = NDArray[np.float64]
Key = tuple[str, int, float]  # name, human votes k, synthetic votes m
WHOLE = "all"


class ExchangeLosses:
    """NLL of k human votes and of every predictor that is added, over all utterances or by stratum.

    Args:
        world: U utterances in D deals.
        strata: Which utterances count in each deal, (D, U), by name; None for all of them.
        across: Whether losses of single votes are kept too, for intervals that resample raters.
    """

    def __init__(self, world: Arrangement, strata: dict[str, NDArray[np.bool_] | None], across: bool) -> None:
        self.world, self.strata, self.across = world, strata, across
        self._losses: dict[str, dict[Key, Array]] = {name: {} for name in strata}
        self._weights: dict[str, Array] = {}
        self._votes: dict[str, dict[Key, Array]] = {name: {} for name in strata}
        self._vote_weights: dict[str, Array] = {}
        self._profiles: dict[Key, list[Key]] = {}
        for k in range(world.largest + 1):
            self.add(("human", k, 0), world.human(k), across=True)

    def add(self, key: Key, votes: Array, *, across: bool = False) -> None:
        """Keep the loss of the prediction from human and weighted synthetic votes together, (D, U, C)."""
        loss = self.world.loss(votes)
        for name, mask in self.strata.items():
            used = np.ones_like(loss, dtype=bool) if mask is None else mask
            count = used.sum(axis=0)
            self._losses[name][key] = np.where(used, loss, 0.0).sum(axis=0) / np.maximum(count, 1)
            self._weights[name] = count / len(used)
        if not (across and self.across):
            return
        dealt, first = self.world.dealt, self.world.start + self.world.largest
        classes = [nll_of_classes(self.world.predict(votes), self.world.floor)]
        for name, mask in self.strata.items():
            values, weights = vote_losses(dealt, lambda deal: dealt.position[deal] >= first, classes, mask)
            self._votes[name][key], self._vote_weights[name] = values[:, 0], weights

    def profile(self, key: Key, human: Array, synthetic: Array, weights: tuple[float, ...]) -> None:
        """Keep the losses of a predictor at other weights than the fitted one, for :func:`bound_over_weights`."""
        self._profiles[key] = []
        for weight in weights:
            other = (f"{key[0]} at {weight}", *key[1:])
            self.add(other, human + weight * synthetic)
            self._profiles[key].append(other)

    def keys(self, across: bool = False) -> list[Key]:
        """Return the predictors that were added, human votes and profiles apart."""
        kept = self._votes if across else self._losses
        hidden = {other for profile in self._profiles.values() for other in profile}
        return [key for key in next(iter(kept.values())) if key[0] != "human" and key not in hidden]

    def occurs(self, stratum: str) -> bool:
        """Whether an utterance is in the stratum in some deal."""
        return bool((self._weights[stratum] > 0).any())

    def columns(self, stratum: str, keys: list[Key]) -> Array:
        """Return the losses of some predictors, or of ``("human", k, 0)``; (U, keys)."""
        return np.stack([self._losses[stratum][key] for key in keys], axis=1)

    def interval(self, stratum: str, settings: dict[str, Any]) -> Callable[[Array], Intervals]:
        """Return the clustered interval of the mean of columns (U, M) over a stratum."""
        return partial(mean_interval, clusters=self.world.speakers, weights=self._weights[stratum], **settings)

    def people(self) -> list[Key]:
        """Return the keys of the curve of human votes."""
        return [("human", k, 0) for k in range(self.world.largest + 1)]

    def values(self, stratum: str, settings: dict[str, Any]) -> list[tuple[Key, EquivalentVotes, str]]:
        """Return what every predictor is worth in human votes, these raters, and how the interval was made."""
        keys, weights = self.keys(), self._weights[stratum]
        if not keys:
            return []
        curve, interval = self.columns(stratum, self.people()), self.interval(stratum, settings)
        found = []
        values = equivalent_votes(curve, self.columns(stratum, keys), interval, weights)
        for key, value in zip(keys, values, strict=True):
            method = "test_inversion"
            if key in self._profiles and not np.isnan(value.low):
                losses = self.columns(stratum, self._profiles[key])
                value = bound_over_weights(value, curve, losses, interval, weights)
                method = "test_inversion_any_weight"
            found.append((key, value, method))
        return found

    def values_across(self, stratum: str, settings: dict[str, Any]) -> list[tuple[Key, EquivalentVotes, str]]:
        """Return the same for raters like these, of the predictors that were added ``across``.

        The method says so where the interval is that with speakers alone resampled, and nothing about the raters.
        """
        keys, weights = self.keys(across=True) if self.across else [], self._vote_weights.get(stratum)
        if not keys:
            return []
        columns = self._votes[stratum]
        curve, losses = (np.stack([columns[key] for key in chosen], axis=1) for chosen in (self.people(), keys))
        crossed, alone = (
            equivalent_votes(
                curve, losses, partial(kind, **self.world.per_vote(), weights=weights, **settings), weights
            )
            for kind in (crossed_mean_interval, speakers_alone)
        )
        ends = [np.array([(value.low, value.high) for value in values]) for values in (crossed, alone)]
        same = ((ends[0] == ends[1]) | np.isnan(ends).all(axis=0)).all(axis=1) & np.isfinite(ends[0][:, 0])
        methods = np.where(same, "test_inversion" + ALONE, "test_inversion")
        return list(zip(keys, crossed, methods.tolist(), strict=True))
