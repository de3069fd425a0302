"""The Wasserstein distance against scipy's two implementations, by hand, and its refusals."""

import numpy as np
import pytest
import scipy.stats

from scaling_ambiguity.metrics.divergences import total_variation
from scaling_ambiguity.metrics.transport import line_geometry, plane_geometry, wasserstein

RNG = np.random.default_rng(0)
P, Q = RNG.dirichlet(np.full(4, 0.5), 40), RNG.dirichlet(np.full(4, 0.8), 40)
PLANE = np.array([[0.0, 0.0], [0.8, 0.5], [-0.6, -0.4], [-0.5, 0.7]])


def test_on_a_line_scipy_agrees():
    positions = np.array([0.3, -1.0, 2.0, 0.9])
    expected = [scipy.stats.wasserstein_distance(positions, positions, p, q) for p, q in zip(P, Q, strict=True)]
    np.testing.assert_allclose(wasserstein(P, Q, line_geometry(positions)), expected, atol=1e-10)


def test_in_the_plane_scipy_agrees():
    expected = [scipy.stats.wasserstein_distance_nd(PLANE, PLANE, p, q) for p, q in zip(P[:12], Q[:12], strict=True)]
    np.testing.assert_allclose(wasserstein(P[:12], Q[:12], plane_geometry(PLANE)), expected, atol=1e-9)


def test_where_all_classes_are_equally_far_apart_it_is_the_total_variation():
    np.testing.assert_allclose(wasserstein(P, Q, 1 - np.eye(4)), total_variation(P, Q), atol=1e-9)


def test_many_rows_and_leading_shapes():
    p = RNG.dirichlet(np.ones(4), (3, 400))
    found = wasserstein(p, Q[0], plane_geometry(PLANE))
    assert found.shape == (3, 400)
    assert found[2, 17] == pytest.approx(float(wasserstein(p[2, 17], Q[0], plane_geometry(PLANE))), abs=1e-9)


@pytest.mark.parametrize(
    ("distances", "message"),
    [
        (np.ones((3, 3)), "shape"),
        (np.ones((4, 4)), "zeros on the diagonal"),
        (np.array([[0, 1, 9, 1], [1, 0, 1, 1], [9, 1, 0, 1], [1, 1, 1, 0.0]]), "by way of class 1"),
    ],
)
def test_what_is_no_geometry_is_refused(distances, message):
    with pytest.raises(ValueError, match=message):
        wasserstein(P, Q, distances)
