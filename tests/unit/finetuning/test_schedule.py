"""Steps are pure functions of the seed and their number."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaling_ambiguity.training.schedule import Batches, rate_factor


def test_rate_rises_and_falls():
    factors = [rate_factor(step, 20, 0.15) for step in range(20)]
    assert factors[:3] == pytest.approx([1 / 3, 2 / 3, 1])
    assert factors[3] == 1 and factors[3:] == sorted(factors[3:], reverse=True)
    assert 0 < factors[-1] < 0.02


@given(st.integers(1, 60), st.floats(0, 0.99))
def test_rate_is_a_share(steps, warmup):
    assert all(0 < rate_factor(step, steps, warmup) <= 1 for step in range(steps))


@given(st.integers(1, 9), st.integers(1, 12), st.integers(1, 20))
def test_every_item_equally_often_in_full_batches(n, size, steps):
    batches = Batches([f"u{i}" for i in range(n)], size, 7)
    rows = [batches.rows(step) for step in range(steps)]
    assert all(len(batch) == size for batch in rows)
    seen = Counter(row for batch in rows for row in batch)
    counts = [seen[i] for i in range(n)]
    assert max(counts) - min(counts) <= 1


def test_order_by_name_seed_and_epoch():
    names = [f"u{i}" for i in range(30)]
    order = Batches(names, 30, 1).rows(0)
    assert [names[row] for row in order] == [names[::-1][row] for row in Batches(names[::-1], 30, 1).rows(0)]
    assert order != Batches(names, 30, 1).rows(1)
    assert order != Batches(names, 30, 2).rows(0)


def test_batches_of_like_length():
    random = np.random.default_rng(3)
    names = [f"u{i}" for i in range(1000)]
    lengths = random.integers(10, 200, 1000).tolist()
    grouped, plain = Batches(names, 8, 5, lengths), Batches(names, 8, 5)

    def padding(batches, steps):
        rows = [[lengths[row] for row in batches.rows(step)] for step in steps]
        return sum(max(row) - length for row in rows for length in row)

    assert padding(grouped, range(125)) < 0.2 * padding(plain, range(125))
    assert sorted(row for step in range(125) for row in grouped.rows(step)) == list(range(1000)), "an epoch"
    first = [grouped.rows(step) for step in range(125)]
    assert first == [Batches(names, 8, 5, lengths).rows(step) for step in range(125)]
    assert first != [grouped.rows(step) for step in range(125, 250)]
    longest = [max(lengths[row] for row in rows) for rows in first]
    assert longest != sorted(longest), "not from short to long"


def test_batches_of_like_length_with_a_remainder():
    lengths = list(range(10, 21))
    batches = Batches([f"u{i}" for i in range(11)], 4, 5, lengths)
    assert sorted(row for step in range(11) for row in batches.rows(step)) == sorted(list(range(11)) * 4)
