"""The rows of the alignment table: every score with its interval, paired differences with their tests."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling_ambiguity.inference.adjust import adjust_rows
from scaling_ambiguity.inference.alignment import Predictors, Totals, correlation_moments, score
from scaling_ambiguity.inference.bootstrap import (
    Intervals,
    interval_settings,
    mean_interval,
    moment_interval,
    rows_counted,
)
from scaling_ambiguity.inference.ceilings import spearman_brown
from scaling_ambiguity.inference.contrasts import contrast_interval
from scaling_ambiguity.inference.correlation import pearson
from scaling_ambiguity.inference.crossed import ALONE, MINIMUM_RATERS, crossed_mean_interval, speakers_alone
from scaling_ambiguity.inference.pairs import DIFFERENCES, REFERENCE, vote_losses
from scaling_ambiguity.inference.permutation import sign_flip_test
from scaling_ambiguity.labels.levels import LEVELS
from scaling_ambiguity.metrics.catalogue import PER_VOTE
from scaling_ambiguity.tables.statistics import LIKE_THESE, SIGN_FLIP, THESE

Array: TypeAlias = NDArray[np.float64]
SMOOTHED = "human-smoothed"
Key = tuple[str, str]


class Rows:
    """Collects the rows of one alignment table.

    Intervals are over speakers; ``raters like these`` over speakers and raters crossed. Paired differences
    ``<nll or brier>_minus_<baseline>`` are negative where the synthetic votes are better; both sides are smoothed
    equally. ``nll_rise`` is the NLL at high minus that at low ambiguity. The differences in NLL have p-values; the
    family for adjustment consists of all of them in the table (one corpus, annotator and protocol), separately for each
    population and each test. Rows of method ``sign_flip`` hold the p of the sign-flip test of the same
    difference.
    """

    def __init__(
        self, predictors: Predictors, of_level: NDArray[np.integer], speakers: NDArray, options: dict, seed: int
    ) -> None:
        self._predictors, self._of_level, self._speakers = predictors, of_level, speakers
        self._floor, self._method = options["smoothing"], options["interval"]
        self._adjust = options["adjust"]
        self._settings = interval_settings(options, seed)
        self._rows: list[dict] = []
        own_name = predictors.own
        # all synthetic votes against the prior alone; equally many synthetic as human votes against the human ones
        self._pairs = (
            *((f"{own_name}-smoothed", other) for other in DIFFERENCES),
            (f"{own_name}-matched-smoothed", SMOOTHED),
        )

    def add_scores(self, classes: list[str]) -> None:
        """Add every score and correlation of every predictor, overall and by level, and the paired differences."""
        predictors = self._predictors
        scores, related = (Totals(self._speakers, len(LEVELS)) for _ in range(2))
        correlated = (predictors.own, f"{predictors.own}-matched", "human", "split-half")
        for deal in range(predictors.dealt.shape[0]):
            predictions, reference = predictors.predict(deal), predictors.votes(deal, "reference")
            values = score(predictions, reference, self._floor)
            scores.add(np.stack(list(values.values()), axis=1), self._of_level[deal])
            moments = correlation_moments({name: predictions[name] for name in correlated}, reference, classes)
            related.add(np.concatenate(list(moments.values()), axis=1), self._of_level[deal])
        keys, kinds = list(values), list(moments)
        for stratum, level in self._strata():
            sums, sizes = scores.of(level)
            used = sizes > 0
            means, sizes, names = sums[used] / sizes[used, None], sizes[used], scores.names[used]
            n = rows_counted(sizes)
            self._add(stratum, keys, mean_interval(means, names, weights=sizes, **self._settings), n)
            self._add_differences(stratum, keys, means, names, sizes, n)
            moments = related.of(level)[0][used].reshape(len(names), len(kinds), 6)
            self._add_correlations(stratum, kinds, moments, names, n)
        self._add_rises(scores, keys)

    def _add_rises(self, scores: Totals, keys: list[Key]) -> None:
        """Add the NLL of smoothed votes at high minus that at low ambiguity, whole speakers resampled."""
        (low, low_sizes), (high, high_sizes) = (scores.of(LEVELS.index(name)) for name in ("low", "high"))
        if not (low_sizes.any() and high_sizes.any()):
            return
        for labels in (f"{self._predictors.own}-smoothed", SMOOTHED):
            place = keys.index((labels, "nll"))
            above, below = (
                (np.divide(sums[:, place], sizes, out=np.zeros_like(sizes), where=sizes > 0), sizes)
                for sums, sizes in ((high, high_sizes), (low, low_sizes))
            )
            intervals = contrast_interval(above, below, scores.names, **self._settings)
            self._add("all", [(labels, "nll_rise")], intervals, rows_counted(high_sizes + low_sizes))

    def add_leave_one_out(self, values: dict[str, Array]) -> None:
        """Add the scores (U,) of each human vote by all others of its utterance, by metric."""
        keys = [("leave-one-out", metric) for metric in values]
        intervals = mean_interval(np.stack(list(values.values()), axis=1), self._speakers, **self._settings)
        self._add("all", keys, intervals, intervals.n)

    def add_equal_counts(self, values: dict[tuple[str, str, int], Array], chosen: NDArray[np.bool_]) -> None:
        """Add divergences at equal counts (W,), by source, metric and votes, and the synthetic ones' excess."""
        if not values:
            return
        own_name, columns = self._predictors.own, {}
        for (source, metric, votes), column in values.items():
            columns[own_name if source == "synthetic" else "human", metric, votes] = column
            if source == "synthetic":
                columns[own_name, f"{metric}_minus_human", votes] = column - values["human", metric, votes]
        intervals = mean_interval(np.stack(list(columns.values()), axis=1), self._speakers[chosen], **self._settings)
        keys = [(labels, metric) for labels, metric, _ in columns]
        self._add("all", keys, intervals, intervals.n, votes=[float(votes) for *_, votes in columns])

    def add_raters_like_these(self) -> None:
        """Add NLL, Brier and their differences with intervals over crossed speakers and raters, given 20 raters."""
        predictors = self._predictors
        dealt = predictors.dealt.of(predictors.keep)
        labels = (f"{predictors.own}-smoothed", f"{predictors.own}-matched-smoothed", "uniform", "prior", SMOOTHED)
        columns = [(name, metric) for name in labels for metric in PER_VOTE]
        for stratum, level in self._strata():
            values, weights = vote_losses(
                dealt,
                lambda deal: dealt.roles(deal) == REFERENCE,
                lambda deal: predictors.vote_losses(deal, columns, self._floor),
                None if level is None else self._of_level == level,
            )
            used = weights > 0
            speakers, raters = self._speakers[dealt.utterance[used]], dealt.rater[used]
            if len(np.unique(raters)) < MINIMUM_RATERS or len(np.unique(speakers)) < 2:
                print(f"{stratum}: {len(np.unique(raters))} raters; intervals over raters need {MINIMUM_RATERS}")
                continue
            values, keys = self._with_differences(columns, values[used])
            intervals = crossed_mean_interval(values, speakers, raters, weights=weights[used], **self._settings)
            alone = speakers_alone(values, speakers, raters, weights=weights[used], **self._settings)
            same = (intervals.low == alone.low) & (intervals.high == alone.high)
            method = [self._method + (ALONE if equal else "") for equal in same]
            self._add(stratum, keys, intervals, intervals.n, population=LIKE_THESE, method=method)

    def adjusted(self) -> list[dict]:
        """Return all rows, with the p-values of the paired differences adjusted within their families."""

        def family(row: dict) -> tuple | None:
            return (row["population"], row["method"] == SIGN_FLIP) if "_minus_" in row["metric"] else None

        return adjust_rows(self._rows, self._adjust, family)

    def _strata(self) -> list[tuple[str, int | None]]:
        there = [(name, level) for level, name in enumerate(LEVELS) if (self._of_level == level).any()]
        return [("all", None), *there]

    def _differences(self, keys: Sequence[Key]) -> list[tuple[int, int, Key]]:
        """Return (minuend, subtrahend, key) of every paired difference of the columns ``keys``."""
        place = {key: i for i, key in enumerate(keys)}
        return [
            (place[labels, metric], place[baseline, metric], (labels, f"{metric}_minus_{baseline}"))
            for metric in PER_VOTE
            for labels, baseline in self._pairs
        ]

    def _with_differences(self, keys: list[Key], values: Array) -> tuple[Array, list[Key]]:
        differences = self._differences(keys)
        more = np.stack([values[:, i] - values[:, j] for i, j, _ in differences], axis=1)
        return np.concatenate([values, more], axis=1), [*keys, *(key for *_, key in differences)]

    def _add_differences(
        self, stratum: str, keys: list[Key], means: Array, names: NDArray, sizes: Array, n: int
    ) -> None:
        values, every = self._with_differences(keys, means)
        values, own = values[:, len(keys) :], every[len(keys) :]
        self._add(stratum, own, mean_interval(values, names, weights=sizes, **self._settings), n)
        settings = {"resamples": self._settings["resamples"], "seed": self._settings["seed"]}
        tested = [i for i, (_, metric) in enumerate(own) if metric.startswith("nll")]
        flipped = sign_flip_test(values[:, tested], names, weights=sizes, **settings)
        nothing = np.full(len(tested), np.nan)
        intervals = Intervals(
            flipped.estimate, nothing, nothing, nothing, flipped.p, n, flipped.n_clusters, flipped.p_least
        )
        self._add(stratum, [own[i] for i in tested], intervals, n, method=SIGN_FLIP)

    def _add_correlations(self, stratum: str, kinds: list[Key], moments: Array, names: NDArray, n: int) -> None:
        # ranks are over the whole set and meaningless within a level
        chosen = [i for i, (_, kind) in enumerate(kinds) if stratum == "all" or not kind.startswith("spearman_")]
        keys = [kinds[i] for i in chosen]
        self._add(stratum, keys, moment_interval(moments[:, chosen], names, pearson, **self._settings), n)
        halves = [i for i in chosen if kinds[i][0] == "split-half" and kinds[i][1].startswith("pearson_")]
        keys = [("split-half-corrected", kinds[i][1]) for i in halves]
        self._add(stratum, keys, moment_interval(moments[:, halves], names, spearman_brown, **self._settings), n)

    def _add(
        self, stratum: str, keys: Sequence[Key], intervals: Intervals, n: int, *, votes: Sequence[float] | None = None,
        population: str = THESE, method: str | Sequence[str] | None = None,
    ) -> None:  # fmt: skip
        every = float(self._predictors.draws.shape[1])
        for i, (labels, metric) in enumerate(keys):
            # p-values of the hypotheses: a correlation of 0, a difference of 0 in the main score
            tested = metric.startswith("nll_minus_") or "pearson" in metric or "spearman" in metric
            how = method[i] if isinstance(method, list) else method or self._method
            whole = labels in (self._predictors.own, f"{self._predictors.own}-smoothed")
            number = votes[i] if votes is not None else every if whole else np.nan
            self._rows.append(intervals.row(i, tested=tested) | {
                "labels": labels, "stratum": stratum, "metric": metric, "reference": "human",
                "population": population, "votes": number, "n": n, "method": how,
            })  # fmt: skip
