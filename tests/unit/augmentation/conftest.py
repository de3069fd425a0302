"""A corpus of ten short tones with an imbalanced label table."""

import numpy as np
import pandas as pd
import pytest
import soundfile

from scaling_ambiguity.augmentation.feature_table import FEATURES
from scaling_ambiguity.tables.labels import LABELS

CLASSES = ["neutral", "happy", "sad"]


@pytest.fixture
def corpus(tmp_path):
    """Ten utterances: eight in training (six neutral, two happy on top), one validation, one test."""
    root = tmp_path / "corpus"
    (root / "audio").mkdir(parents=True)
    names = [f"x_{i:02d}" for i in range(10)]
    for i, name in enumerate(names):
        time = np.arange(8000 + 400 * i) / 16000
        soundfile.write(root / f"audio/{name}.wav", 0.4 * np.sin(2 * np.pi * (200 + 40 * i) * time), 16000)
    utterances = pd.DataFrame(
        {
            "utterance": names,
            "speaker": "s",
            "session": None,
            "split": None,
            "path": [f"audio/{n}.wav" for n in names],
            "duration": 0.5,
            "sample_rate": 16000,
            "transcript": [f"Sentence {n}." for n in names],
        }
    )
    p = np.array([[0.7, 0.2, 0.1]] * 6 + [[0.2, 0.6, 0.2], [0.0, 0.5, 0.5]] + [[0.1, 0.1, 0.8]] * 2)
    labels = pd.DataFrame(p, columns=[f"p_{c}" for c in CLASSES])
    labels.insert(0, "utterance", names)
    labels["n_human"], labels["n_synthetic"] = 5, 0
    splits = pd.DataFrame({"utterance": names, "fold": 0, "part": ["train"] * 8 + ["validation", "test"]})
    features = pd.DataFrame(np.random.default_rng(0).normal(size=(10, 4)), columns=[f"f_{i}" for i in range(4)])
    features.insert(0, "utterance", names)
    LABELS.write(labels, tmp_path / "labels.parquet")
    FEATURES.write(features, tmp_path / "features.parquet")
    return {
        "folder": tmp_path,
        "root": root,
        "utterances": utterances,
        "labels": labels,
        "splits": splits,
        "features": features,
        "classes": CLASSES,
    }
