"""A simulated pool of raters: how each of them votes, and who rates which utterance.

A rater with sharpness k, bias b, confusion matrix C, lapse rate e and base rates g votes with

    v_r = (1 - e) softmax(k log p + b) C + e g,

where p is the perception of a perfect listener. The expected vote of a rater drawn from the pool,
v = mean over r of v_r, is the target of every estimand that refers to human votes.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.seeds import derive_seed, generator, uniform

LAPSE = (2.0, 28.0)  # Beta parameters of the share of votes given without listening
SHARPNESS_SPREAD = 0.25  # standard deviation of log k
BIAS_SPREAD = 0.35
CONFUSION_STRENGTH = (0.01, 0.08)
# targets of a confused vote, rows and columns neutral, happy, sad, angry
CONFUSED_WITH = np.array([[0.0, 0.3, 0.5, 0.2], [0.5, 0.0, 0.1, 0.4], [0.8, 0.1, 0.0, 0.1], [0.4, 0.5, 0.1, 0.0]])


@dataclass(frozen=True)
class RaterPool:
    """R raters: names, sharpness (R,), bias (R, C), confusion (R, C, C), lapse (R,), base rates (R, C)."""

    names: list[str]
    sharpness: np.ndarray
    bias: np.ndarray
    confusion: np.ndarray
    lapse: np.ndarray
    base: np.ndarray

    def votes(self, p: np.ndarray) -> np.ndarray:
        """Return every rater's vote distribution (R, n, C) for perceived distributions p (n, C)."""
        logits = self.sharpness[:, None, None] * np.log(np.maximum(p, 1e-12)) + self.bias[:, None, :]
        attentive = np.exp(logits - logits.max(axis=2, keepdims=True))
        attentive /= attentive.sum(axis=2, keepdims=True)
        lapse = self.lapse[:, None, None]
        return (1 - lapse) * np.einsum("rnc,rcd->rnd", attentive, self.confusion) + lapse * self.base[:, None, :]

    def expected_vote(self, p: np.ndarray) -> np.ndarray:
        """Return v (n, C), the expected vote of a rater drawn from the pool."""
        return self.votes(p).mean(axis=0)


def sample_pool(world: str, count: int, seed: int, prior: np.ndarray, kinds: list[int]) -> RaterPool:
    """Return ``count`` raters named ``{world}_r01`` ...

    Args:
        world: Name of the world.
        count: Number of raters.
        seed: Seed of the run.
        prior: Class prior (C,), the centre of the raters' base rates.
        kinds: Position of each class in (neutral, happy, sad, angry).
    """
    shape = CONFUSED_WITH[np.ix_(kinds, kinds)]
    shape = shape / shape.sum(axis=1, keepdims=True)
    sharpness, bias, confusion, lapse, base = [], [], [], [], []
    for number in range(count):
        draw = generator(seed, "rater", world, number)
        strength = draw.uniform(*CONFUSION_STRENGTH, size=(len(prior), 1))
        sharpness.append(np.exp(draw.normal(0, SHARPNESS_SPREAD)))
        bias.append(draw.normal(0, BIAS_SPREAD, len(prior)))
        confusion.append((1 - strength) * np.eye(len(prior)) + strength * shape)
        lapse.append(draw.beta(*LAPSE))
        base.append(draw.dirichlet(8 * prior))
    names = [f"{world}_r{number + 1:02d}" for number in range(count)]
    return RaterPool(names, *(np.array(values) for values in (sharpness, bias, confusion, lapse, base)))


def assign_raters(utterances: list[str], pool: RaterPool, votes: tuple[int, int], seed: int) -> pd.DataFrame:
    """Return who rates which utterance, columns utterance and rater, regardless of the utterances' content.

    The number of votes of an utterance is uniform in ``votes`` (both ends included) and derived from a hash of its
    name; its raters are those with the fewest votes so far, ties at random, so that the raters' numbers of votes
    differ by at most one.

    Raises:
        UserError: More votes than raters, or raters that no chain of shared utterances connects.
    """
    low, high = votes
    count = len(pool.names)
    if not 1 <= low <= high <= count:
        raise UserError(
            f"votes {list(votes)}: need 1 <= smallest <= largest <= raters ({count}); change corpora.*.votes."
        )
    load = np.zeros(count, dtype=int)
    rows, columns = [], []
    for index, utterance in enumerate(utterances):
        number = low + int(uniform(seed, "votes", utterance) * (high - low + 1))
        ties = generator(seed, "raters", utterance).permutation(count)
        chosen = np.lexsort((ties, load))[:number]
        load[chosen] += 1
        rows += [index] * number
        columns += sorted(chosen.tolist())
    size = len(utterances) + count
    graph = coo_matrix((np.ones(len(rows)), (rows, np.array(columns) + len(utterances))), shape=(size, size))
    if load.min() == 0 or connected_components(graph, directed=False)[0] > 1:
        raise UserError(
            f"{len(rows)} votes on {len(utterances)} utterances do not connect {count} raters; "
            "raise corpora.*.utterances or corpora.*.votes, or lower corpora.*.raters."
        )
    return pd.DataFrame({"utterance": np.array(utterances)[rows], "rater": np.array(pool.names)[columns]})


def cast_votes(pairs: pd.DataFrame, p: pd.DataFrame, pool: RaterPool, classes: list[str], seed: int) -> pd.Series:
    """Return one label for each row of ``pairs``; p is indexed by utterance, columns in class order.

    The label is drawn from the rater's distribution with a number hashed from utterance and rater.
    """
    by_rater = pool.votes(p.to_numpy())
    rater = pd.Index(pool.names).get_indexer(pairs["rater"])
    item = p.index.get_indexer(pairs["utterance"])
    u = np.array([uniform(seed, "vote", *pair) for pair in pairs[["utterance", "rater"]].itertuples(index=False)])
    chosen = (by_rater[rater, item].cumsum(axis=1) < u[:, None]).sum(axis=1)
    return pd.Series(np.array(classes)[np.minimum(chosen, len(classes) - 1)], index=pairs.index)


def pool_seed(seed: int, world: str) -> int:
    """Return the seed of a world's votes."""
    return derive_seed(seed, "votes of", world)
