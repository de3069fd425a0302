"""A world of sixty utterances whose votes are drawn from a known truth, in two folds."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

CLASSES = ["neutral", "happy", "sad"]
OPTIONS = {
    "resamples": 400,
    "interval": "bootstrap_t",
    "level": 0.95,
    "adjust": "holm",
    "smoothing": 0.001,
}


def _roles(votes, deals, random):
    parts = []
    for _, rows in votes.groupby("utterance"):
        part = rows[["utterance", "rater"]].assign(votes=len(rows), level_votes=3)
        orders = {f"position_{deal:02d}": random.permutation(len(rows)) for deal in range(deals)}
        parts.append(part.assign(**orders))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="session")
def world():
    """Tables of the world; ``truth`` (U, C) in order of ``names``; the first utterance has a single vote."""
    random = np.random.default_rng(11)
    names = [f"w_{i:02d}" for i in range(60)]
    speakers = [f"s{i % 6}" for i in range(60)]
    truth = random.dirichlet([2, 1, 1], 60)
    utterances = pd.DataFrame({"utterance": names, "speaker": speakers})
    rows = []
    for i, name in enumerate(names):
        number = 1 if i == 0 else 4 if i == 1 else 7
        labels = random.choice(CLASSES, number, p=truth[i])
        rows += [(name, f"r{j}", label) for j, label in enumerate(labels)]
    votes = pd.DataFrame(rows, columns=["utterance", "rater", "label"])
    votes = votes.assign(kind="observer", role="primary", presentation="voice", weight=1.0, raters_known=True)
    roles = _roles(votes, 5, random)
    levels = roles.loc[roles["votes"] >= 5, ["utterance"]].drop_duplicates()
    levels = levels.assign(**{f"level_{deal:02d}": random.integers(0, 3, len(levels)) for deal in range(5)})
    parts = []
    for fold in (0, 1):
        part = ["test" if i % 2 == fold else "validation" if i % 6 in (2, 3) else "train" for i in range(60)]
        parts.append(pd.DataFrame({"utterance": names, "fold": fold, "part": part}))
    return SimpleNamespace(
        names=names,
        classes=CLASSES,
        options=dict(OPTIONS),
        truth=truth,
        utterances=utterances,
        votes=votes,
        roles=roles,
        levels=levels,
        splits=pd.concat(parts, ignore_index=True),
    )


@pytest.fixture(scope="session")
def judges(world):
    from scaling_ambiguity.evaluation.judges import gather_judges

    return gather_judges(world.utterances, world.votes, world.roles, world.levels, world.splits, world.classes)


@pytest.fixture
def write_predictions(world, tmp_path):
    """Return a function that writes (seeds, U, C) as prediction tables and gives their paths."""
    from scaling_ambiguity.tables.predictions import PREDICTIONS

    def write(p, labels="human", augmentation="none"):
        paths = []
        for fold in (0, 1):
            rows = [i for i in range(60) if i % 2 == fold]
            for seed, values in enumerate(p):
                frame = pd.DataFrame(values[rows], columns=[f"p_{c}" for c in CLASSES])
                frame = frame.assign(
                    corpus="demo", protocol="fair", model="tiny", labels=labels, augmentation=augmentation,
                    strategy="none", fold=fold, seed=seed, utterance=[world.names[i] for i in rows],
                )  # fmt: skip
                path = tmp_path / f"tiny/{labels}/{augmentation}/fold-{fold}/seed-{seed}.parquet"
                PREDICTIONS.write(frame, path)
                paths.append(path)
        return paths

    return write
