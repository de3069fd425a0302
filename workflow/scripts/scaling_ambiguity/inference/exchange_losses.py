"""Losses of many predictors of the same held-out votes, kept as means so that no predictor has to stay in memory."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling_ambiguity.inference.arrangement import Arrangement
from scaling_ambiguity.inference.bootstrap import Intervals, mean_interval
from scaling_ambiguity.inference.crossed import ALONE, MINIMUM_RATERS, crossed_mean_interval, enough, speakers_alone
from scaling_ambiguity.inference.exchange import EquivalentVotes, bound_over_weights, equivalent_votes, widened
from scaling_ambiguity.inference.pairs import nll_of_classes, vote_losses

Array: TypeAlias = NDArray[np.float64]
Key = tuple[str, int, float]  # name, human votes k, synthetic votes m
WHOLE = "all"
HUMAN, CALIBRATED_HUMAN = "human", "calibrated-human"  # the two yardsticks: k human votes, unmodified and calibrated
ECHO = {"weighted": "echo", "calibrated": "calibrated-echo"}  # the control of a variant, which adds no information


def ruler_of(name: str) -> str:
    """Return the curve of human votes for reading off a predictor: calibrated human votes for calibrated ones."""
    return CALIBRATED_HUMAN if name.startswith("calibrated") else HUMAN


class ExchangeLosses:
    """NLL of k human votes and of every added predictor, over all utterances or by stratum.

    Predictors whose name begins with ``calibrated`` are read off the curve of calibrated human votes
    (:meth:`add_calibrated_ruler`), so that votes of the same raters are worth their number in every variant.

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
        self._coarse: set[Key] = set()
        for k in range(world.largest + 1):
            self.add((HUMAN, k, 0), world.human(k), across=True)

    def add_calibrated_ruler(self) -> None:
        """Keep the losses of k calibrated human votes; the shrinkage is chosen at the largest k."""
        if (CALIBRATED_HUMAN, 0, 0) in next(iter(self._losses.values())):
            return
        penalties = None
        for k in range(self.world.largest, -1, -1):
            votes, fitted = self.world.calibrated_human(k, penalties)
            penalties = fitted.penalties
            self.add((CALIBRATED_HUMAN, k, 0), votes, across=True)

    def add(self, key: Key, votes: Array, *, across: bool = False, coarse: bool = False) -> None:
        """Keep the loss of the prediction from human and weighted synthetic votes together, (D, U, C).

        ``coarse``: a control that adds almost nothing, at a learnt weight near 0. Its difference
        hardly varies, and the interval would be narrower than the uncertainty of the weight: no end is within .05
            votes.
        """
        if coarse:
            self._coarse.add(key)
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
        """Keep the losses of a predictor at weights other than the fitted one, for :func:`bound_over_weights`."""
        self._profiles[key] = []
        for weight in weights:
            other = (f"{key[0]} at {weight}", *key[1:])
            self.add(other, human + weight * synthetic)
            self._profiles[key].append(other)

    def keys(self, across: bool = False) -> list[Key]:
        """Return the predictors that were added, except human votes and profiles."""
        kept = self._votes if across else self._losses
        hidden = {other for profile in self._profiles.values() for other in profile}
        hidden |= {key for key in next(iter(kept.values())) if key[0] in (HUMAN, CALIBRATED_HUMAN)}
        return [key for key in next(iter(kept.values())) if key not in hidden]

    def rulers(self) -> list[str]:
        """Return the names of the curves of human votes that are kept."""
        kept = {key[0] for key in next(iter(self._losses.values()))}
        return [name for name in (HUMAN, CALIBRATED_HUMAN) if name in kept]

    def occurs(self, stratum: str) -> bool:
        """Whether an utterance is in the stratum in some deal."""
        return bool((self._weights[stratum] > 0).any())

    def columns(self, stratum: str, keys: list[Key]) -> Array:
        """Return the losses of some predictors, or of ``("human", k, 0)``; (U, keys)."""
        return np.stack([self._losses[stratum][key] for key in keys], axis=1)

    def means(self, stratum: str, keys: list[Key]) -> Array:
        """Return the mean loss of each of some predictors, (keys,)."""
        return np.average(self.columns(stratum, keys), axis=0, weights=self._weights[stratum])

    def interval(self, stratum: str, settings: dict[str, Any]) -> Callable[[Array], Intervals]:
        """Return the clustered interval of the mean of columns (U, M) over a stratum."""
        return partial(mean_interval, clusters=self.world.speakers, weights=self._weights[stratum], **settings)

    def people(self, ruler: str = HUMAN) -> list[Key]:
        """Return the keys of a curve of human votes."""
        return [(ruler, k, 0) for k in range(self.world.largest + 1)]

    def values(self, stratum: str, settings: dict[str, Any]) -> list[tuple[Key, EquivalentVotes, str]]:
        """Return the worth of every predictor in human votes, for these raters, and the method of its interval."""
        interval, weights = self.interval(stratum, settings), self._weights[stratum]
        estimates = []
        for ruler in self.rulers():
            keys = [key for key in self.keys() if ruler_of(key[0]) == ruler]
            if not keys:
                continue
            curve = self.columns(stratum, self.people(ruler))
            values = equivalent_votes(curve, self.columns(stratum, keys), interval, weights)
            for key, value in zip(keys, values, strict=True):
                method = "test_inversion"
                if key in self._profiles and not np.isnan(value.low):
                    losses = self.columns(stratum, self._profiles[key])
                    value = bound_over_weights(value, curve, losses, interval, weights)
                    method = "test_inversion_any_weight"
                if key in self._coarse:
                    value = widened(value, self.world.largest)
                estimates.append((key, value, method))
        return estimates

    def net_values(self, stratum: str, settings: dict[str, Any]) -> list[tuple[Key, EquivalentVotes]]:
        """Return the worth of predictors combined with human votes after subtracting the gain of their control.

        The loss read off the curve is NLL(k, m) + NLL(k, 0) - NLL(k, echo), utterance by utterance: the
        number of human votes beyond k with the same gain as the synthetic votes have over an echo of the k votes.
        """
        keys = self.keys()
        pairs = [(key, (ECHO[key[0]], *key[1:])) for key in keys if key[0] in ECHO]
        pairs = [(key, control) for key, control in pairs if control in keys]
        values = []
        for key, control in pairs:
            curve = self.columns(stratum, self.people(ruler_of(key[0])))
            own_loss, echo = self.columns(stratum, [key, control]).T
            net = (own_loss + curve[:, key[1]] - echo)[:, None]
            value = equivalent_votes(curve, net, self.interval(stratum, settings), self._weights[stratum])
            values.append((key, value[0]))
        return values

    def values_across(self, stratum: str, settings: dict[str, Any]) -> list[tuple[Key, EquivalentVotes, str]]:
        """Return the same as :meth:`values` for raters like these, of the predictors that were added ``across``.

        The method is marked where the interval resamples speakers only and carries no information about the raters.
        A stratum whose votes are of fewer than 20 raters, fewer than the corpus may have, has none.
        """
        columns, weights = self._votes[stratum], self._vote_weights.get(stratum)
        settings = settings | {"weights": weights} | self.world.per_vote()
        estimates: list[tuple[Key, EquivalentVotes, str]] = []
        raters = 0 if weights is None else len(np.unique(settings["raters"][weights > 0]))
        if self.across and not enough(raters):
            print(f"{stratum}: votes of {raters} raters; values for raters like these need {MINIMUM_RATERS}")
            return estimates
        for ruler in self.rulers() if self.across else []:
            keys = [key for key in self.keys(across=True) if ruler_of(key[0]) == ruler]
            if not keys:
                continue
            curve, losses = (np.stack([columns[key] for key in part], axis=1) for part in (self.people(ruler), keys))
            crossed, alone = (
                equivalent_votes(curve, losses, partial(kind, **settings), weights)
                for kind in (crossed_mean_interval, speakers_alone)
            )
            ends = [np.array([(value.low, value.high) for value in values]) for values in (crossed, alone)]
            same = np.isclose(*ends, rtol=0, atol=1e-9, equal_nan=True).all(axis=1) & np.isfinite(ends[0][:, 0])
            methods = np.where(same, "test_inversion" + ALONE, "test_inversion")
            estimates += zip(keys, crossed, methods.tolist(), strict=True)
        return estimates
