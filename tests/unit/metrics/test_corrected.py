"""The corrected JSD and the entropy of fewer votes: by hand, and their refusals."""

from itertools import combinations

import numpy as np
import pytest

from scaling_ambiguity.metrics.arrays import histogram
from scaling_ambiguity.metrics.corrected import corrected_jsd_bits, rarefied_entropy_bits
from scaling_ambiguity.metrics.divergences import entropy_bits


def test_a_row_of_one_vote_is_named():
    with pytest.raises(ValueError, match=r"row \(1,\).*two votes"):
        corrected_jsd_bits([[1, 1], [1, 0]], [[2, 1]])


def test_entropy_of_fewer_votes_is_the_mean_over_all_subsets():
    counts = np.array([[3, 2, 1, 0], [0, 4, 0, 0], [1, 1, 2, 2]])
    sizes = np.array([3, 2, 5])
    for row, size, found in zip(counts, sizes, rarefied_entropy_bits(counts, sizes), strict=True):
        each = np.repeat(np.arange(4), row)
        subsets = [np.bincount(each[list(s)], minlength=4) for s in combinations(range(len(each)), size)]
        assert found == pytest.approx(entropy_bits(histogram(np.array(subsets))).mean(), abs=1e-12)
    whole = rarefied_entropy_bits(counts, counts.sum(axis=1))
    assert whole == pytest.approx(entropy_bits(histogram(counts)), abs=1e-12)
    with pytest.raises(ValueError, match="row 1: 5 votes of 4"):
        rarefied_entropy_bits(counts, [3, 5, 5])
