"""Rows of the statistics table about an annotator's biases."""

from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling_ambiguity.inference.adjust import adjust_rows
from scaling_ambiguity.inference.alignment import over_deals
from scaling_ambiguity.inference.bias import Scores, called, heard_in
from scaling_ambiguity.inference.bootstrap import Intervals, mean_interval
from scaling_ambiguity.inference.contrasts import contrast_interval
from scaling_ambiguity.inference.variance_components import COMPONENTS, component_intervals
from scaling_ambiguity.labels.counting import codes, frequencies, valid_draws

Array: TypeAlias = NDArray[np.float64]
LEAST = 10  # minimum number of utterances per compared level of a factor
MATCHES = ("match", "match_human", "match_gap")


def whole_rows(scores: Scores, clusters: NDArray, settings: dict[str, Any]) -> list[dict]:
    """Return match, match_human, match_gap and entropy_gap over all utterances."""
    return [
        row
        for metric in (*MATCHES, "entropy_gap")
        for row in _mean_rows(getattr(scores, metric), clusters, settings, "all", metric)
    ]


def class_rows(
    human: Array, synthetic: Array, classes: list[str], clusters: NDArray, settings: dict[str, Any], method: str
) -> list[dict]:
    """Return for each class the share of human and of synthetic votes, their difference, and the labels it gets."""
    both = (human.sum(axis=1) > 0) & (synthetic.sum(axis=1) > 0)
    ours, theirs = frequencies(human)[both], frequencies(synthetic)[both]
    strata, clusters_of_both = [f"class={label}" for label in classes], clusters[both]
    rows = []
    for metric, values, more in (("share", ours, {"labels": "human"}), ("share", theirs, {})):
        intervals = mean_interval(values, clusters_of_both, **settings)
        rows += [_row(intervals, i, stratum, metric) | more for i, stratum in enumerate(strata)]
    intervals = mean_interval(theirs - ours, clusters_of_both, **settings)
    gaps = [_row(intervals, i, stratum, "share_gap", tested=True) for i, stratum in enumerate(strata)]
    rows += adjust_rows(gaps, method)
    values, other, weights = called(human, synthetic)
    for c, stratum in enumerate(strata):
        if not weights[:, c].any():
            continue
        for labels, what in ((None, values), ("human", other[:, c])):
            intervals = mean_interval(what, clusters, weights=weights[:, c], **settings)
            for d, label in enumerate(classes):
                rows.append(_row(intervals, d, stratum, f"called_{label}") | ({"labels": labels} if labels else {}))
    return rows


def factor_rows(
    name: str, values: NDArray, scores: Scores, clusters: NDArray, settings: dict[str, Any], method: str
) -> list[dict]:
    """Return the matches at each level of a factor, and how the gap differs from that of all other utterances.

    A level of fewer than five speakers has no interval and no p.
    """
    rows, contrasts = [], []
    usable = np.isfinite(scores.match_gap) & (values != "")
    levels = [level for level in sorted(set(values[usable])) if (usable & (values == level)).sum() >= LEAST]
    if len(levels) < 2:
        return []
    for level in levels:
        here, stratum = values == level, f"{name}={level}"
        for metric in MATCHES:
            rows += _mean_rows(np.where(here, getattr(scores, metric), np.nan), clusters, settings, stratum, metric)
        gap = np.where(usable, scores.match_gap, 0.0)
        intervals = contrast_interval((gap, usable & here), (gap, usable & ~here), clusters, **settings)
        contrasts.append(_row(intervals, 0, stratum, "match_gap_minus_rest", tested=True))
    return rows + adjust_rows(contrasts, method)


def level_rows(
    rest: Array, synthetic: Array, places: NDArray, levels: tuple[str, ...], clusters: NDArray,
    settings: dict[str, Any],
) -> list[dict]:  # fmt: skip
    """Return the matches at each level of ambiguity, averaged over deals.

    Args:
        rest: (D, U, C) human votes that did not decide the level.
        synthetic: (U, C).
        places: (D, U) index of the level, -1 if none.
        levels: Their names.
        clusters: (U,).
        settings: Settings of the intervals.
    """
    asked = synthetic.sum(axis=1) > 0
    share, n = frequencies(synthetic), rest.sum(axis=-1)
    fine = asked & (n >= 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        match = np.where(fine, (rest * share).sum(axis=-1) / n, 0.0)
        people = np.where(fine, ((rest**2).sum(axis=-1) - n) / (n * (n - 1)), 0.0)
    rows = []
    for place, level in enumerate(levels):
        mask = fine & (places == place)
        if not mask.any():
            continue
        for metric, values in zip(MATCHES, (match, people, match - people), strict=True):
            mean, weights = over_deals(values, mask)
            intervals = mean_interval(mean, clusters, weights=weights, **settings)
            rows.append(_row(intervals, 0, level, metric))
    return rows


def listening_rows(
    name: str, human: Array, synthetic: Array, alone: Array, factors: dict[str, NDArray], clusters: NDArray,
    settings: dict[str, Any],
) -> list[dict]:  # fmt: skip
    """Return how well the votes of an ALM match with input ``name`` (audio, text) alone, and the loss relative to both.

    ``match_{name}``; ``match_both_minus_{name}`` with p; ``changed_{name}``: how much the votes change, see
    :func:`heard_in`; each overall and at the levels of the factor ``conflict``.
    """
    share, mine = frequencies(human), {"both": synthetic, name: alone}
    asked = (human.sum(axis=1) > 0) & (synthetic.sum(axis=1) > 0) & (alone.sum(axis=1) > 0)
    match = {key: np.where(asked, (share * frequencies(votes)).sum(axis=1), np.nan) for key, votes in mine.items()}
    changed = np.where(asked, heard_in(synthetic, alone), np.nan)
    strata = {"all": np.ones(len(human), dtype=bool)}
    conflict = factors.get("conflict")
    if conflict is not None:
        strata |= {f"conflict={level}": conflict == level for level in sorted(set(conflict) - {""})}
    rows = []
    for stratum, here in strata.items():
        values = {f"match_{name}": match[name], f"match_both_minus_{name}": match["both"] - match[name]}
        values[f"changed_{name}"] = changed
        for metric, column in values.items():
            level_rows = _mean_rows(np.where(here, column, np.nan), clusters, settings, stratum, metric, tested=True)
            rows += level_rows
    return rows


def variance_rows(
    proxies: pd.DataFrame, names: list[str], classes: list[str], blocks: NDArray, level: float
) -> list[dict]:
    """Return the shares of the variance of single votes, ``variance_<component>``; none if not identifiable."""
    valid = valid_draws(proxies)
    item = codes(valid["utterance"], names, "utterance", "proxies")
    label = codes(valid["label"], classes, "label", "proxies")
    temperature, focus = (pd.factorize(valid[key], sort=True)[0] for key in ("temperature", "prompt"))
    if not len(valid) or (temperature < 0).any() or (focus < 0).any():
        print("variance components: not applicable, the votes have no temperature or no focus line")
        return []
    try:
        intervals = component_intervals(item, temperature, focus, label, len(classes), blocks[item], level)
    except ValueError as error:
        print(f"variance components: not applicable, {error}")
        return []
    common = {"stratum": "all", "method": "jackknife_t", "n": len(names), "n_clusters": int(blocks.max()) + 1}
    return [
        common | {"metric": f"variance_{name}", "estimate": estimate, "low": low, "high": high}
        for name, estimate, low, high in zip(COMPONENTS, *intervals, strict=True)
    ]


def _mean_rows(
    values: Array, clusters: NDArray, settings: dict[str, Any], stratum: str, metric: str, *, tested: bool = False
) -> list[dict]:
    finite = np.isfinite(values)
    if not finite.any():
        return []
    intervals = mean_interval(values[finite], clusters[finite], **settings)
    return [_row(intervals, 0, stratum, metric, tested=tested and "_minus_" in metric)]


def _row(intervals: Intervals, i: int, stratum: str, metric: str, *, tested: bool = False) -> dict:
    return {"stratum": stratum, "metric": metric} | intervals.row(i, tested=tested)
