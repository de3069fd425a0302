"""Predictions are complete, or the missing piece is named."""

from pathlib import Path

import numpy as np
import pytest

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.evaluation.predictions import Place, gather_predictions, parse_path


def test_path():
    place = parse_path(Path("results/predictions/demo/fair/tiny/combined-a-equal/dime/fold-1/seed-0.parquet"))
    assert place == Place(("tiny", "combined-a-equal", "dime"), 1, 0)


@pytest.mark.parametrize("path", ["seed-0.parquet", "a/b/c/d/fold-x/seed-0.parquet", "a/b/c/0/1.parquet"])
def test_bad_path(path):
    with pytest.raises(UserError, match="expected"):
        parse_path(Path(path))


def test_round_trip(world, write_predictions):
    p = np.random.default_rng(0).dirichlet(np.ones(3), (2, 60))
    found = gather_predictions(write_predictions(p), world.splits, world.names, world.classes)
    assert list(found) == [("tiny", "human", "none")]
    np.testing.assert_allclose(found["tiny", "human", "none"], p)


def test_missing_table_and_wrong_fold(world, write_predictions):
    paths = write_predictions(np.random.default_rng(0).dirichlet(np.ones(3), (2, 60)))
    with pytest.raises(UserError, match="fold 1, seed 1"):
        gather_predictions(paths[:-1], world.splits, world.names, world.classes)
    paths[0].write_bytes(paths[2].read_bytes())
    with pytest.raises(UserError, match="not the test part of fold 0"):
        gather_predictions(paths, world.splits, world.names, world.classes)
    with pytest.raises(UserError, match="classes differ"):
        gather_predictions(paths, world.splits, world.names, ["neutral", "happy", "angry"])
