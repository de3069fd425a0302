"""Predictions say whose they are, and are complete, or the missing piece is named."""

import numpy as np
import pytest

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.evaluation.predictions import gather_predictions


@pytest.fixture
def gather(world):
    def gathered(paths, corpus="demo", classes=world.classes):
        return gather_predictions(paths, corpus, "fair", world.splits, world.names, classes)

    return gathered


def test_round_trip_wherever_the_tables_lie(gather, write_predictions, tmp_path):
    p = np.random.default_rng(0).dirichlet(np.ones(3), (2, 60))
    paths = write_predictions(p) + write_predictions(p[::-1], labels="synthetic-a", augmentation="dime")
    moved = [path.rename(tmp_path / f"{number}.parquet") for number, path in enumerate(paths)]
    found = gather(moved[::-1])
    assert list(found) == [("tiny", "human", "none"), ("tiny", "synthetic-a", "dime")]
    np.testing.assert_allclose(found["tiny", "human", "none"], p)
    np.testing.assert_allclose(found["tiny", "synthetic-a", "dime"], p[::-1])


def test_missing_table_wrong_fold_and_other_study(gather, write_predictions):
    paths = write_predictions(np.random.default_rng(0).dirichlet(np.ones(3), (2, 60)))
    with pytest.raises(UserError, match="fold 1, seed 1"):
        gather(paths[:-1])
    with pytest.raises(UserError, match="classes differ"):
        gather(paths, classes=["neutral", "happy", "angry"])
    with pytest.raises(UserError, match="predictions of corpus 'demo', not 'other'"):
        gather(paths, corpus="other")


def test_part_of_a_test_part_is_refused(gather, write_predictions, world):
    from scaling_ambiguity.tables.predictions import PREDICTIONS

    paths = write_predictions(np.random.default_rng(0).dirichlet(np.ones(3), (1, 60)))
    PREDICTIONS.write(PREDICTIONS.read(paths[0]).iloc[1:], paths[0])
    with pytest.raises(UserError, match="not the test part of fold 0"):
        gather(paths)
