"""A small world of votes whose truth is known: no audio, numpy only."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scaling_ambiguity.io import write_parquet

CLASSES = ["neutral", "happy", "sad", "angry"]


@dataclass
class VoteWorld:
    folder: Path
    v: np.ndarray
    names: list[str]
    speakers: np.ndarray

    def path(self, name: str) -> str:
        return str(self.folder / f"{name}.parquet")


def draw(rng: np.random.Generator, p: np.ndarray) -> np.ndarray:
    return (rng.random(p.shape[:-1])[..., None] >= np.cumsum(p, axis=-1)[..., :-1]).sum(axis=-1)


def make_votes(names: list[str], raters: np.ndarray, labels: np.ndarray, kind: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "utterance": names,
            "presentation": "voice",
            "rater": raters,
            "kind": kind,
            "role": "primary",
            "rank": 0,
            "label": np.array(CLASSES, dtype=object)[labels],
            "label_raw": np.array(CLASSES, dtype=object)[labels],
            "weight": 1.0,
            "raters_known": True,
        }
    )


def make_world(folder: Path, utterances: int = 480, speakers: int = 12, deals: int = 30, seed: int = 0) -> VoteWorld:
    rng = np.random.default_rng(seed)
    names = [f"demo_{i:04d}" for i in range(utterances)]
    speaker = np.array([f"demo_s{i % speakers:02d}" for i in range(utterances)])
    tilt = rng.dirichlet(np.full(4, 12.0), speakers)[np.arange(utterances) % speakers]
    v = 0.9 * rng.dirichlet([0.8, 0.45, 0.33, 0.22], utterances) + 0.1 * tilt
    number = rng.integers(3, 11, utterances)
    rows = np.repeat(np.arange(utterances), number)
    place = np.concatenate([np.arange(n) for n in number])
    order = rng.permuted(np.tile(np.arange(30), (utterances, 1)), axis=1)
    raters = np.array([f"demo_r{r:02d}" for r in order[rows, place]])
    named = [names[i] for i in rows]
    write_parquet(make_votes(named, raters, draw(rng, v[rows]), "observer"), folder / "votes.parquet")
    roles = {"utterance": named, "rater": raters, "votes": number[rows].astype(np.int16)}
    roles["level_votes"] = np.full(len(rows), 3, dtype=np.int16)
    for deal in range(deals):
        rank = pd.Series(rng.random(len(rows))).groupby(rows).rank(method="first") - 1
        roles[f"position_{deal:02d}"] = rank.to_numpy(np.int8)
    write_parquet(pd.DataFrame(roles), folder / "roles.parquet")
    m = 20
    q = 0.7 * v**1.3 / (v**1.3).sum(axis=1, keepdims=True) + 0.3 * rng.dirichlet(np.ones(4), utterances)
    proxies = make_votes(list(np.repeat(names, m)), "tiny", draw(rng, np.repeat(q, m, axis=0)), "synthetic")
    proxies["draw"] = np.tile(np.arange(m), utterances)
    proxies["rank"] = proxies["draw"]
    proxies["prompt"], proxies["temperature"], proxies["response"] = "p", 0.5, "x"
    proxies["status"], proxies["logprob"] = "ok", 0.0
    broken = proxies.index[rng.random(len(proxies)) < 0.02]
    proxies.loc[broken, ["label", "label_raw"]] = None
    proxies.loc[broken, "status"] = "invalid"
    write_parquet(proxies, folder / "proxies.parquet")
    truth = pd.DataFrame({"utterance": names})
    for i, c in enumerate(CLASSES):
        truth[f"p_{c}"] = truth[f"v_{c}"] = v[:, i]
    write_parquet(truth, folder / "truth.parquet")
    frame = pd.DataFrame({"utterance": names, "speaker": speaker, "session": None, "split": None, "path": None})
    frame["duration"], frame["sample_rate"], frame["transcript"] = 2.0, 16000, None
    for column in ("session", "split", "path", "transcript"):
        frame[column] = frame[column].astype("str").where(frame[column].notna(), None)
    write_parquet(frame, folder / "utterances.parquet")
    fold = np.arange(utterances) % speakers % 2
    splits = [
        pd.DataFrame({"utterance": names, "fold": f, "part": np.where(fold == f, "test", "train")}) for f in (0, 1)
    ]
    write_parquet(pd.concat(splits), folder / "splits.parquet")
    return VoteWorld(folder, v, names, speaker)


@pytest.fixture(scope="session")
def vote_world(tmp_path_factory: pytest.TempPathFactory) -> VoteWorld:
    return make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def new_world():
    """Return :func:`make_world`, for a world of another size."""
    return make_world
