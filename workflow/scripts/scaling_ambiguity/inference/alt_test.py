"""The alternative annotator test: whether a rater may be replaced by the synthetic one (arXiv 2501.10970).

Each human rater is left out in turn, and both the rater and the candidate are compared with the remaining raters of
each item. On skewed data a constant answer can pass; a candidate that does not beat the constant may replace no one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ttest_1samp

from scaling_ambiguity.labels.counting import human_votes

EPSILON = 0.2  # what a candidate may be worse by and still win, for it is cheaper; the paper's value for experts
LEAST_RATERS, LEAST_ITEMS = 3, 30


@dataclass(frozen=True)
class AltTest:
    """Outcome for one candidate.

    Attributes:
        winning_rate: share of raters whom the candidate beats, tests adjusted by Benjamini-Yekutieli at .05, in [0, 1].
            It has no interval: every rater is compared with the others, so that raters cannot be resampled.
        advantage: mean over raters of the chance that the candidate is at least as close to the others, in [0, 1].
        raters: number of raters tested.
        items: number of comparisons.
    """

    winning_rate: float
    advantage: float
    raters: int
    items: int


def applicable(votes: object, where: str = "votes") -> str | None:
    """Return why the test cannot be applied to these votes, or None."""
    rows = human_votes(votes, where)
    if not rows["raters_known"].all():
        return "raters are not known"
    if (rows["rank"] > 0).any():
        return "some votes name several labels"
    items = rows.groupby("rater")["utterance"].nunique()
    if (items >= LEAST_ITEMS).sum() < LEAST_RATERS:
        return f"fewer than {LEAST_RATERS} raters have {LEAST_ITEMS} items"
    return None


def alt_test(
    item: NDArray[np.intp],
    label: NDArray[np.intp],
    rater: NDArray[np.intp],
    candidate: NDArray[np.intp],
    classes: int,
) -> AltTest:
    """Compare a candidate with every rater of at least 30 items.

    For vote i of rater j with other votes o on the item: S_h = share of o equal to the rater's label, S_f = share
    equal to the candidate's; W_f = [S_f >= S_h], W_h = [S_h >= S_f]. H0 of rater j: mean (W_h - W_f) >= .2,
    by a one-sided t test.

    Args:
        item: (V,) item of each vote.
        label: (V,) class of each vote.
        rater: (V,) rater of each vote.
        candidate: (items,) class that the candidate gives, -1 where it gives none.
        classes: number of classes.
    """
    from statsmodels.stats.multitest import multipletests  # a one-second import that other programs do not need

    counts = np.zeros((len(candidate), classes))
    np.add.at(counts, (item, label), 1.0)
    others = counts.sum(axis=1)[item] - 1
    used = (others > 0) & (candidate[item] >= 0)
    item, label, rater, others = item[used], label[used], rater[used], others[used]
    share_equal = (counts[item, label] - 1) / others
    theirs = (counts[item, candidate[item]] - (candidate[item] == label)) / others
    better, worse = theirs >= share_equal - 1e-12, share_equal >= theirs - 1e-12
    difference = worse.astype(float) - better.astype(float)
    p, advantage = [], []
    for name in np.unique(rater):
        mine = rater == name
        if mine.sum() < LEAST_ITEMS:
            continue
        d = difference[mine]
        constant = np.ptp(d) == 0
        p.append(float(d[0] >= EPSILON) if constant else ttest_1samp(d, EPSILON, alternative="less").pvalue)
        advantage.append(better[mine].mean())
    won = multipletests(p, alpha=0.05, method="fdr_by")[0]
    return AltTest(float(won.mean()), float(np.mean(advantage)), len(p), int(used.sum()))
