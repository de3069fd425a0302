"""Coverage of intervals on simulated corpora whose truth is known, and the consequences for a given design.

A corpus is G speakers with 20 utterances each, n votes per utterance from H crossed raters. A speaker has a mean
distribution m_g ~ Dirichlet(12 m), an utterance p ~ Dirichlet(3 m_g), a rater a habit b_h ~ Dirichlet(1) that takes
over a share of .25 of the votes: v = .75 p + .25 b_h. The score is the NLL of a sharpened predictor,
q ~ p^1.3 mixed with a fifth of uniform. *These raters*: the same raters vote on every corpus, and the truth is
defined by them. *Raters like these*: every corpus has new ones, and the truth is the expectation over all.
"""

from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binom

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.inference.bootstrap import mean_interval
from scaling_ambiguity.inference.crossed import MINIMUM_RATERS, crossed_mean_interval, enough
from scaling_ambiguity.inference.designs import Design
from scaling_ambiguity.inference.known_votes import HABIT, SHARPNESS, distributions
from scaling_ambiguity.seeds import generator
from scaling_ambiguity.tables.statistics import LIKE_THESE, THESE

Array: TypeAlias = NDArray[np.float64]
ITEMS = 20  # utterances per speaker
TRUTH_UTTERANCES = 100_000
BATCH = 100  # corpora simulated at once
REFUSED_BELOW, CONSERVATIVE_ABOVE = 0.94, 0.97
COLUMNS = ["population", "method", "speakers", "raters", "classes", "votes", "corpora", "resamples", "coverage"]


def _utterances(rng: np.random.Generator, shape: tuple[int, ...], items: int, classes: int) -> tuple[Array, Array]:
    """Return p and the loss of each class, (*shape, items, C), of the utterances of ``shape`` speakers."""
    p = distributions(rng, shape, items, classes)
    q = p**SHARPNESS
    return p, -np.log(0.8 * q / q.sum(axis=-1, keepdims=True) + 0.2 / classes)


def _assignment(rng: np.random.Generator, design: Design) -> NDArray[np.intp]:
    """Return the raters of each utterance, (G * items, n), distinct within an utterance."""
    keys = rng.random((design.speakers * ITEMS, design.raters))
    return np.argpartition(keys, design.votes - 1, axis=1)[:, : design.votes] if design.votes < design.raters else (
        np.tile(np.arange(design.raters), (len(keys), 1))[:, : design.votes]
    )  # fmt: skip


def simulate(design: Design, corpora: int, population: str, seed: int) -> tuple[Array, Array, Array, float]:
    """Return losses of single votes in many corpora, their speakers and raters, and the true mean.

    All corpora share the assignment of raters; speakers, utterances and votes are new in each, raters only if the
    population is that of raters like these.

    Returns:
        losses (U * n, corpora), speakers (U * n,), raters (U * n,), truth.
    """
    rng = generator(seed, "validity", population, design.name)
    raters = _assignment(rng, design)
    fixed = rng.dirichlet(np.ones(design.classes), design.raters)
    losses = np.empty((raters.size, corpora), dtype=np.float32)
    for start in range(0, corpora, BATCH):
        size = min(BATCH, corpora - start)
        p, loss = _utterances(rng, (size, design.speakers), ITEMS, design.classes)
        p, loss = (a.reshape(size, -1, design.classes) for a in (p, loss))
        habits = fixed[None] if population == THESE else rng.dirichlet(np.ones(design.classes), (size, design.raters))
        v = (1 - HABIT) * p[:, :, None, :] + HABIT * habits[:, raters]
        label = (rng.random(v.shape[:-1])[..., None] >= np.cumsum(v, axis=-1)[..., :-1]).sum(axis=-1)
        losses[:, start : start + size] = np.take_along_axis(loss, label, axis=-1).reshape(size, -1).T
    p, loss = _utterances(rng, (TRUTH_UTTERANCES,), 1, design.classes)
    habit = fixed[raters].mean(axis=(0, 1)) if population == THESE else np.full(design.classes, 1 / design.classes)
    truth = float((((1 - HABIT) * p + HABIT * habit) * loss).sum(axis=-1).mean())
    return losses.astype(np.float64), np.repeat(np.arange(design.speakers), ITEMS * design.votes), raters.ravel(), truth


def coverage(design: Design, corpora: int, resamples: int, seed: int) -> list[dict]:
    """Return one row per population and method: the share of ``corpora`` 95 % intervals that contain the truth."""
    rows = []
    for population in (THESE, LIKE_THESE):
        losses, speakers, raters, truth = simulate(design, corpora, population, seed)
        intervals = {
            method: mean_interval(losses, speakers, resamples=resamples, seed=seed, method=method)
            for method in ("bootstrap_t", "percentile", "t")
        }
        if population == LIKE_THESE and design.raters >= MINIMUM_RATERS:
            intervals["crossed_bootstrap_t"] = crossed_mean_interval(
                losses, speakers, raters, resamples=resamples, seed=seed
            )
        for method, interval in intervals.items():
            inside = float(((interval.low <= truth) & (truth <= interval.high)).mean())
            numbers = (design.speakers, design.raters, design.classes, design.votes, corpora, resamples, inside)
            rows.append(dict(zip(COLUMNS, (population, method, *numbers), strict=True)))
    return rows


def judge(table: pd.DataFrame) -> pd.DataFrame:
    """Return the cells with a verdict: ``refused``, ``conservative`` or ``covers``, and the limits behind it.

    Refused: the upper 99 % Monte-Carlo limit of the coverage (exact binomial, one-sided, Holm over all cells) is
    below 94 %. Conservative: the coverage is above 97 %.
    """
    table = table.sort_values(COLUMNS[:6], ignore_index=True)
    hits = np.rint(table["coverage"] * table["corpora"]).to_numpy()
    n = table["corpora"].to_numpy(float)
    p = binom.cdf(hits, n, REFUSED_BELOW)  # the probability of that few hits if the coverage were 94 %
    order, refused = np.argsort(p, kind="stable"), np.zeros(len(p), dtype=bool)
    for step, place in enumerate(order):
        if p[place] > 0.01 / (len(p) - step):
            break
        refused[place] = True
    verdict = np.where(refused, "refused", np.where(table["coverage"] > CONSERVATIVE_ABOVE, "conservative", "covers"))
    error = 2 * np.sqrt(table["coverage"] * (1 - table["coverage"]) / n)
    return table.assign(error=error.round(6), verdict=verdict)


def nearest(table: pd.DataFrame, population: str, method: str, speakers: int, raters: int | None) -> pd.Series | None:
    """Return the cell of the study for a design: the largest numbers of speakers and raters that it reaches, or None.

    With fewer speakers than in any cell, the cell with the fewest is used. Unknown raters count as many for these
    raters.
    """
    cells = table[(table["population"] == population) & (table["method"] == method)]
    cells = cells[(cells["classes"] == 4) & (cells["votes"] == 5)]
    for column, value in (("speakers", speakers), ("raters", raters)):
        if cells.empty:
            return None
        sizes = cells[column]
        reached = sizes[sizes <= value] if value is not None else sizes
        cells = cells[sizes == (reached.max() if len(reached) else sizes.min())]
    return None if cells.empty else cells.iloc[0]


def refuse(path: Path | str, population: str, method: str, speakers: int, raters: int | None) -> None:
    """Raise UserError if, according to the study in ``path``, the method does not cover in a design like this."""
    cell = nearest(pd.read_csv(path), population, method, speakers, raters)
    if cell is not None and cell["verdict"] == "refused":
        raise UserError(
            f"statistics.interval: {method} intervals for {population} cover {cell['coverage']:.1%} instead of 95 % "
            f"with {cell['speakers']} speakers and {cell['raters']} raters ({path}); this corpus has {speakers} "
            "speakers. Use bootstrap_t."
        )


def across_raters(path: Path | str, speakers: int, raters: int | None) -> bool:
    """Whether intervals for raters like these may be printed: 20 known raters or more, and a method that covers."""
    if not enough(raters):
        return False
    cell = nearest(pd.read_csv(path), LIKE_THESE, "crossed_bootstrap_t", speakers, raters)
    if cell is not None and cell["verdict"] == "refused":
        print(
            f"raters like these: no interval is printed, crossed bootstrap-t covers {cell['coverage']:.1%} instead of "
            f"95 % with {cell['speakers']} speakers and {cell['raters']} raters ({path})"
        )
        return False
    return True
