"""The scores of human votes against each other: leave-one-rater-out, the noise of a histogram, and Spearman-Brown."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling_ambiguity.inference.alignment import BLOCK
from scaling_ambiguity.inference.correlation import pearson
from scaling_ambiguity.inference.draws import subsets
from scaling_ambiguity.labels.counting import DealtVotes
from scaling_ambiguity.labels.dirichlet import posterior_mean
from scaling_ambiguity.metrics.arrays import histogram
from scaling_ambiguity.metrics.catalogue import PER_VOTE, SCORES
from scaling_ambiguity.metrics.corrected import corrected_jsd_bits
from scaling_ambiguity.metrics.divergences import jsd_bits

Array: TypeAlias = NDArray[np.float64]
SIZES = (1, 2, 3, 5)  # numbers of votes of the histograms compared at equal counts


def leave_one_out(dealt: DealtVotes, keep: NDArray[np.bool_], a: Array, floor: float) -> dict[str, Array]:
    """Score each human vote by the posterior mean of all other human votes of its utterance.

    p = (n - n_i + a) / (N - N_i + sum a) for vote i; the mean over the utterance's votes of NLL and
    Brier, which are means over single votes for any number of votes. It is what the best use of N - 1 raters of
    the pool achieves, a ceiling for predictors based on votes only.

    Args:
        dealt: the human votes, in any deal: all of them are used.
        keep: (all utterances,) the utterances to score, with two votes or more; U of them.
        a: (U, C) Dirichlet parameters fitted to other speakers.
        floor: smallest probability of the NLL.

    Returns:
        (U,) by metric: nll (nats per vote), brier.
    """
    chosen = keep[dealt.utterance]
    vote = (np.cumsum(dealt.first) - 1)[chosen]
    _, vote = np.unique(vote, return_inverse=True)
    utterance = (np.cumsum(keep) - 1)[dealt.utterance[chosen]]
    classes = dealt.shape[2]
    votes = np.zeros((int(vote.max()) + 1, classes))
    votes[vote, dealt.label[chosen]] = dealt.weight[chosen]
    of = np.empty(len(votes), dtype=np.intp)
    of[vote] = utterance
    counts = np.stack([np.bincount(of, votes[:, c], minlength=len(a)) for c in range(classes)], axis=1)
    # fractions that sum to a whole vote may leave a rounding error below 0
    p = posterior_mean(np.maximum(counts[of] - votes, 0.0), a[of])
    weight = votes.sum(axis=1)
    whole = np.bincount(of, weight, minlength=len(a))
    scores = {name: SCORES[name](p, votes, floor) for name in PER_VOTE}
    return {name: np.bincount(of, weight * value, minlength=len(a)) / whole for name, value in scores.items()}


def equal_counts(
    dealt: DealtVotes, keep: NDArray[np.bool_], draws: NDArray[np.integer], names: list[str], seed: int
) -> tuple[dict[tuple[str, str, int], Array], NDArray[np.bool_]]:
    """Compare histograms of k votes with histograms of k other human votes, on one fixed set of utterances.

    Two disjoint sets of k human votes of the same utterance differ by chance alone: their expected JSD is
    the noise floor of k-vote histograms, below which no annotator can get by being right. It is accompanied by
    the JSD of k synthetic votes and, from two votes on, by both without the bias of few votes.

    Args:
        dealt: the human votes with their positions in every deal.
        keep: (all utterances,) scored utterances; U of them.
        draws: (U, m) class numbers of the synthetic votes, -1 fills up.
        names: (U,) names, which key the draws of synthetic votes.
        seed: seed of these draws.

    Returns:
        Values by (``human`` or ``synthetic``, metric, k), each (W,) bits averaged over deals, for k in
        ``SIZES`` up to half the votes of the median utterance, and (U,) which W utterances have twice the
        largest k human votes and the largest k synthetic ones. Metrics: ``jsd_bits_equal`` and, where votes
        are whole, ``jsd_bits_equal_corrected``.
    """
    voters, valid = dealt.voters()[keep], (draws >= 0).sum(axis=1)
    half = np.minimum(voters // 2, valid)
    largest = int(np.median(half))
    sizes = [k for k in SIZES if k <= largest]
    wide = half >= (sizes[-1] if sizes else 1)
    if not sizes or not wide.any():
        return {}, np.zeros(len(half), dtype=bool)
    inside = np.flatnonzero(keep)[wide]
    draws, chosen = draws[wide], [name for name, use in zip(names, wide, strict=True) if use]
    deals, _, classes = dealt.shape
    synthetic = np.empty((len(sizes), deals, len(chosen), classes), dtype=np.uint16)
    for start in range(0, len(chosen), BLOCK):
        take = slice(start, start + BLOCK)
        synthetic[:, :, take] = subsets(draws[take], chosen[take], sizes, deals, classes, seed, "equal counts")
    whole = bool((dealt.weight == 1).all())
    divergences: dict[tuple[str, str, int], Array] = {}
    for deal in range(deals):
        place = dealt.position[deal]
        for i, k in enumerate(sizes):
            other = dealt.count((place >= k) & (place < 2 * k))[inside]
            for source, x in (
                ("human", dealt.count(place < k)[inside]),
                ("synthetic", synthetic[i, deal].astype(float)),
            ):
                scores = {"jsd_bits_equal": jsd_bits(histogram(x), histogram(other))}
                if k > 1 and whole:
                    scores["jsd_bits_equal_corrected"] = corrected_jsd_bits(x, other)
                for metric, values in scores.items():
                    key = (source, metric, k)
                    divergences[key] = divergences.get(key, 0.0) + values / deals
    return divergences, wide


def spearman_brown(totals: Array) -> tuple[Array, Array]:
    """Correlation of twice the votes from that of two halves, 2 r / (1 + r), and its gradient; in (-1, 1].

    totals (..., 6) of ``correlation.pearson_moments``: for ``bootstrap.moment_interval``. It applies to
    correlations of averages over halves (Spearman 1910, Brown 1910, British Journal of Psychology 3),
    not to entropies or divergences. r is cut at -.5, where the formula leaves the range.
    """
    r, gradient = pearson(totals)
    inside = r > -0.5
    r = np.maximum(r, -0.5)
    return 2 * r / (1 + r), np.where(inside[..., None], gradient * (2 / (1 + r) ** 2)[..., None], 0.0)
