"""Bins of the simplex: where known distributions fall."""

import numpy as np
import pytest

from scaling_ambiguity.augmentation.balancing import distances, lifted, shares_of
from scaling_ambiguity.augmentation.simplex_bins import codebook, entropy_level, make_bins
from scaling_ambiguity.errors import UserError

CLASSES = ["neutral", "happy", "sad"]


def _bins(options=None, p=None):
    return make_bins(options or {}, np.eye(3) if p is None else np.asarray(p, float), CLASSES, "augmentations.x")


def test_dominant_class_and_level():
    bins = _bins()
    p = [[1, 0, 0], [0, 1, 0], [0.8, 0.2, 0], [1 / 3, 1 / 3, 1 / 3], [0.1, 0.3, 0.6]]
    # H / log2 3: 0, 0, .455, 1, .817
    assert [bins.names[place] for place in bins.place(p)] == [
        "neutral_low", "happy_low", "neutral_medium", "neutral_high", "sad_high",
    ]  # fmt: skip
    assert bins.low.tolist() == [True, False, False] * 3


def test_an_edge_is_below():
    assert entropy_level(np.array([[0.5, 0.5, 0.0, 0.0]]), (0.25, 0.5)).tolist() == [1]
    assert entropy_level(np.array([[0.5, 0.5, 0.0, 0.0]]), (0.25, 0.49)).tolist() == [2]


def test_class_bins_are_the_largest_entry():
    assert _bins({"bins": "class"}).count(np.array([[0.4, 0.4, 0.2], [0.1, 0.2, 0.7]])).tolist() == [1, 0, 1]


def test_codebook_finds_the_clumps_that_are_there():
    random = np.random.default_rng(0)
    clumps = np.array([[0.9, 0.05, 0.05], [0.05, 0.9, 0.05], [0.34, 0.33, 0.33]])
    p = np.concatenate([random.dirichlet(400 * clump, 50) for clump in clumps])
    bins = _bins({"bins": "codebook", "codes": 3}, p)
    assert bins.names == ("code00_neutral", "code01_neutral", "code02_happy")
    np.testing.assert_allclose(bins.centres, clumps[[0, 2, 1]], atol=0.03)
    assert bins.count(p).tolist() == [50, 50, 50]
    assert make_bins({"bins": "codebook", "codes": 3, "edges": [0.5, 0.8]}, p, CLASSES, "x").low.tolist() == [
        True, False, True,
    ]  # fmt: skip


def test_codebook_does_not_depend_on_the_order_and_never_repeats_a_centre():
    p = np.random.default_rng(1).dirichlet(np.ones(3), 60)
    np.testing.assert_array_equal(codebook(p, 6), codebook(p[::-1], 6))
    few = np.repeat([[1.0, 0, 0], [0, 1.0, 0]], 5, axis=0)
    np.testing.assert_allclose(codebook(few, 8), [[1, 0, 0], [0, 1, 0]])


@pytest.mark.parametrize(
    "options", [{"bins": "cubes"}, {"edges": [0.6, 0.3]}, {"edges": [0.3]}, {"bins": "codebook", "codes": 1}]
)
def test_bad_options(options):
    with pytest.raises(UserError, match=r"augmentations\.x"):
        _bins(options)


def test_lifting_and_distances():
    before = np.array([10, 4, 0, 1])
    assert lifted(before, 0.5).tolist() == [10, 5, 0, 5]  # an empty bin stays empty
    assert lifted(before, 0.0).tolist() == before.tolist()
    found = distances(before, np.array([10, 5, 0, 5]), np.array([10, 5, 0, 5]))
    assert found["target_after"] == {"total_variation": 0.0, "js_distance": 0.0}
    # shares 10/15, 4/15, 0, 1/15 against thirds
    assert found["balance_before"]["total_variation"] == pytest.approx(1 / 3)
    assert found["balance_after"]["total_variation"] == pytest.approx(1 / 6)
    assert shares_of(np.zeros(3)).tolist() == [0, 0, 0]
