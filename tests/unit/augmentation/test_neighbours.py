"""Neighbours are others, counted as published."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from scaling_ambiguity.augmentation.neighbours import nearest_neighbours, standardise


def test_agrees_with_sklearn():
    features = np.random.default_rng(1).normal(size=(40, 7)) * [1, 10, 100, 1, 1, 1, 1000]
    scaled = StandardScaler().fit_transform(features)
    np.testing.assert_allclose(standardise(features), scaled)
    expected = NearestNeighbors(n_neighbors=5).fit(scaled).kneighbors(scaled, return_distance=False)[:, 1:]
    np.testing.assert_array_equal(nearest_neighbours(features, 5), expected)


def test_constant_column_is_ignored():
    features = np.array([[0.1, 1.0], [0.1, 2.0], [0.1, 9.0]])
    np.testing.assert_array_equal(standardise(features)[:, 0], 0)


@given(st.integers(2, 12), st.integers(2, 6))
def test_never_oneself_even_among_duplicates(n, k):
    found = nearest_neighbours(np.zeros((n, 3)), k)
    assert found.shape == (n, min(k, max(n - 1, 2)) - 1)
    assert not (found == np.arange(n)[:, None]).any()


def test_three_counts_the_item_itself():
    assert nearest_neighbours(np.arange(10.0)[:, None], 3).shape == (10, 2)
    assert nearest_neighbours(np.arange(2.0)[:, None], 3).tolist() == [[1], [0]]


@pytest.mark.parametrize(("n", "k"), [(1, 3), (5, 1)])
def test_refuses(n, k):
    with pytest.raises(ValueError, match="neighbours"):
        nearest_neighbours(np.zeros((n, 2)), k)
