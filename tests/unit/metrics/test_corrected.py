"""The corrected entropy and JSD: by hand, without bias on simulated votes, and their refusals."""

import numpy as np
import pytest

from scaling_ambiguity.metrics.arrays import histogram
from scaling_ambiguity.metrics.corrected import corrected_entropy_bits, corrected_jsd_bits
from scaling_ambiguity.metrics.divergences import entropy_bits


def test_entropy_by_hand():
    # votes a, b: H = 1; without one of them 0. n H - (n - 1) mean = 2
    assert corrected_entropy_bits([1, 1]) == pytest.approx(2.0)
    assert corrected_entropy_bits([3, 0]) == 0


def test_most_of_the_bias_of_entropy_is_gone():
    p = np.array([0.5, 0.25, 0.15, 0.1])
    counts = np.random.default_rng(0).multinomial(8, p, 40_000)
    plain = entropy_bits(histogram(counts)).mean() - entropy_bits(p)
    assert plain < -0.2 and abs(corrected_entropy_bits(counts).mean() - entropy_bits(p)) < 0.15 * abs(plain)


@pytest.mark.parametrize("function", [corrected_entropy_bits, lambda x: corrected_jsd_bits(x, [[2, 1]])])
def test_a_row_of_one_vote_is_named(function):
    with pytest.raises(ValueError, match=r"row \(1,\).*two votes"):
        function([[1, 1], [1, 0]])
