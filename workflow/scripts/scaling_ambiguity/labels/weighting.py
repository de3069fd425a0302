"""The weight of a synthetic vote: the w that best predicts further human votes of other speakers.

The predictor is p_c = (x_c + w s_c + a_c) / (k + w m + sum a) from x human and s synthetic votes.
Its likelihood depends on few distinct pairs (x_c, s_c), so the votes are tabulated once, by block
of speakers, and every fit that leaves a block out uses only the tables.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

Array: TypeAlias = NDArray[np.float64]
LARGEST_WEIGHT = 100.0
_GRID = np.concatenate([[0.0], np.geomspace(1e-3, LARGEST_WEIGHT, 51)])


@dataclass(frozen=True)
class Evidence:
    """Tabulated votes: how often each (class, x, s) is the next vote, and each (k, m) its total.

    Attributes:
        seen: (blocks, cells) sum of target weights; ``x``, ``s``, ``label`` (cells,) describe the cells.
        whole: (blocks, totals) sum of target weights; ``k``, ``m`` (totals,) describe the totals.
    """

    seen: Array
    x: Array
    s: Array
    label: NDArray[np.intp]
    whole: Array
    k: Array
    m: Array


def tabulate(human: Array, k: Array, synthetic: Array, targets: Array, blocks: NDArray[np.intp]) -> Evidence:
    """Tabulate what :func:`fit_weight` needs.

    Args:
        human: (..., U, C) conditioning votes x_c, where class c is the target.
        k: (..., U) conditioning votes in all.
        synthetic: (..., U, C) synthetic votes.
        targets: (..., U, C) weights of the votes to predict, >= 0; 0 leaves a cell out.
        blocks: (U,) block of speakers of each utterance, 0 .. blocks - 1.
    """
    human, synthetic = (np.broadcast_to(a, targets.shape) for a in (human, synthetic))
    groups = int(blocks.max()) + 1
    label = np.broadcast_to(np.arange(targets.shape[-1]), targets.shape)
    block = np.broadcast_to(blocks[:, None], targets.shape)
    used = targets > 0
    seen, keys = _table([label[used], human[used], synthetic[used]], targets[used], block[used], groups)
    weight = targets.sum(axis=-1)
    used = weight > 0
    totals = [np.broadcast_to(a, weight.shape)[used] for a in (k, synthetic.sum(axis=-1))]
    whole, sizes = _table(totals, weight[used], np.broadcast_to(blocks, weight.shape)[used], groups)
    return Evidence(seen, keys[1], keys[2], keys[0].astype(np.intp), whole, sizes[0], sizes[1])


def leave_one_out(human: Array, synthetic: Array, blocks: NDArray[np.intp]) -> Evidence:
    """Tabulate every human vote as predicted from the utterance's other votes; human, synthetic (U, C).

    A vote weighs 1 / N, so that utterances weigh equally; utterances without a vote are left out.
    """
    n = human.sum(axis=-1)
    targets = human / np.where(n > 0, n, 1.0)[:, None]
    return tabulate(np.maximum(human - 1, 0), np.maximum(n - 1, 0), synthetic, targets, blocks)


def fit_weight(evidence: Evidence, a: Array, without: int | None = None) -> float:
    """Return w in [0, 100] that maximises the predictive likelihood, all blocks but ``without`` used.

    The likelihood need not be concave in w: a grid finds the basin, bounded minimisation the bottom.
    """
    left = [] if without is None else [without]
    seen, whole = (np.delete(table, left, axis=0).sum(axis=0) for table in (evidence.seen, evidence.whole))
    # cells that occur only in the block left out must not affect even the rounding
    has, sized = seen > 0, whole > 0
    seen, x, s, prior = seen[has], evidence.x[has], evidence.s[has], a[evidence.label[has]]
    whole, k, m, total = whole[sized], evidence.k[sized], evidence.m[sized], a.sum()

    def loss(w: Array) -> Array:
        w = np.asarray(w)[..., None]
        return np.log(k + w * m + total) @ whole - np.log(x + w * s + prior) @ seen

    values = loss(_GRID)
    best = int(np.argmin(values))
    if best == 0 and loss(_GRID[1] / 10) >= values[0]:
        return 0.0
    low, high = _GRID[max(best - 1, 0)], _GRID[min(best + 1, len(_GRID) - 1)]
    solution = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-7 * max(high, 1e-3)})
    return float(solution.x if solution.fun < values[best] else _GRID[best])


def _table(keys: list[Array], weight: Array, block: NDArray[np.intp], groups: int) -> tuple[Array, list[Array]]:
    """Sum ``weight`` by block and distinct key: (groups, cells) and the keys' values in each cell."""
    index = np.zeros(len(weight), dtype=np.intp)
    values = [np.unique(key, return_inverse=True) for key in keys]
    for names, inverse in values:
        index = index * len(names) + inverse
    cells, place = np.unique(index, return_inverse=True)
    table = np.bincount(block * len(cells) + place, weight, minlength=groups * len(cells)).reshape(groups, -1)
    unpacked: list[Array] = []
    for names, _ in reversed(values):
        unpacked.insert(0, names[cells % len(names)])
        cells = cells // len(names)
    return table, unpacked
