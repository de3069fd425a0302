"""An untrained Qwen2-Audio, twenty short noises as a corpus and a label table."""

import copy
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch

from scaling_ambiguity.alms.encoding_shards import encode_shard
from scaling_ambiguity.alms.loading import load_alm
from scaling_ambiguity.alms.tiny.build import build_model, build_processor
from scaling_ambiguity.alms.tiny.tokenizer import train_tokenizer
from scaling_ambiguity.encoders.encoding import encode_items
from scaling_ambiguity.encoders.kinds import open_encoder
from scaling_ambiguity.encoders.store import Vectors
from scaling_ambiguity.proxies.prompts import load_prompts
from scaling_ambiguity.tables.labels import LABELS
from scaling_ambiguity.tables.splits import SPLITS
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.training.examples import gather_examples
from scaling_ambiguity.training.job import TrainingJob
from scaling_ambiguity.training.run import gather_parts, train_fold

SCRIPTS = Path(__file__).resolve().parents[3] / "workflow" / "scripts"
PROMPTS = Path(__file__).resolve().parents[3] / "workflow" / "prompts" / "focus.yaml"
CLASSES = ["neutral", "happy", "sad"]
OPTIONS = {
    "steps": 6,
    "batch": 4,
    "evaluate_every": 2,
    "learning_rate": 0.01,
    "warmup": 0.2,
    "weight_decay": 0.03,
    "clip": 1.0,
    "lora": {"r": 4, "alpha": 8, "dropout": 0.3, "targets": ["q_proj", "k_proj", "v_proj", "o_proj"]},
}
PROTOCOL = {"head": "labels", "loss": "nll"}


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """Folder of a Qwen2-Audio of random weights."""
    folder = tmp_path_factory.mktemp("model")
    prompts = load_prompts(PROMPTS)
    texts = [prompts.user_text(focus, "It is late.", CLASSES, "both") for focus in prompts.focus_ids]
    processor = build_processor(train_tokenizer(texts, CLASSES))
    model = build_model(processor, 3)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


@pytest.fixture
def alm(checkpoint):
    return load_alm(checkpoint, device="cpu")


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """Folder with twenty clips and the tables: 12 utterances in training, 4 in validation, 4 in test."""
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "audio").mkdir()
    names = [f"x_{i:02d}" for i in range(20)]
    random = np.random.default_rng(5)
    for i, name in enumerate(names):
        noise = random.normal(size=4000 + 300 * i) * 0.05 * (1 + i % 4)
        soundfile.write(folder / f"audio/{name}.wav", noise, 16000)
    utterances = pd.DataFrame(
        {
            "utterance": names,
            "speaker": [f"s{i % 5}" for i in range(20)],
            "session": None,
            "split": None,
            "path": [f"audio/{name}.wav" for name in names],
            "duration": 0.3,
            "sample_rate": 16000,
            "transcript": [f"It is {'late' if i % 2 else 'fine'}." for i in range(20)],
        }
    )
    UTTERANCES.write(utterances, folder / "utterances.parquet")
    labels = pd.DataFrame(random.dirichlet([6, 2, 1], 20), columns=[f"p_{c}" for c in CLASSES])
    labels.insert(0, "utterance", names)
    LABELS.write(labels.assign(n_human=4, n_synthetic=0), folder / "labels.parquet")
    parts = ["train"] * 12 + ["validation"] * 4 + ["test"] * 4
    SPLITS.write(pd.DataFrame({"utterance": names, "fold": 0, "part": parts}), folder / "splits.parquet")
    return folder


@pytest.fixture
def gather(corpus):
    """Return a function that gives the parts of the corpus' only fold."""

    def parts(labels=corpus / "labels.parquet", augmented=None, encoded=()):
        utterances, splits = UTTERANCES.read(corpus / "utterances.parquet"), SPLITS.read(corpus / "splits.parquet")
        return gather_examples(utterances, corpus, labels, splits, 0, CLASSES, augmented, encoded)

    return parts


@pytest.fixture(scope="session")
def encoded(checkpoint, corpus, tmp_path_factory):
    """Folders of the encoder outputs of the corpus, in two shards."""
    folder, clips = tmp_path_factory.mktemp("encoded"), sorted((corpus / "audio").iterdir())
    for shard in (0, 1):
        named = [(path.stem, path) for path in clips[shard::2]]
        encode_shard(load_alm(checkpoint, device="cpu"), named, folder / "state", folder / str(shard))
    return [folder / "0", folder / "1"]


@pytest.fixture(scope="session")
def tower(checkpoint):
    """Return a function that opens the model's audio tower, once."""
    return cache(lambda: open_encoder({"kind": "alm", "checkpoint": str(checkpoint), "device": "cpu"}))


@pytest.fixture
def vectors_of(tower, tmp_path):
    """Return a function that gives the tower's vectors of named sound files."""

    def encode(names, paths):
        encode_items(tower(), names, paths, tmp_path / "state", tmp_path / "vectors")
        return Vectors([tmp_path / "vectors"])

    return encode


@pytest.fixture(scope="session")
def features(tower, corpus, tmp_path_factory):
    """Folders of the tower's vectors of the corpus, in two shards."""
    folder, clips = tmp_path_factory.mktemp("features"), sorted((corpus / "audio").iterdir())
    for shard in (0, 1):
        part = clips[shard::2]
        encode_items(tower(), [path.stem for path in part], part, folder / "state", folder / str(shard))
    return [folder / "0", folder / "1"]


@pytest.fixture
def settings():
    """Classes, options, protocol and prompts of the tests; ``options`` may be edited."""
    return SimpleNamespace(classes=CLASSES, options=copy.deepcopy(OPTIONS), protocol=dict(PROTOCOL), prompts=PROMPTS)


@pytest.fixture
def describe(checkpoint, corpus, settings):
    """Return a function that describes a job into a folder, as the rule does; fields may be changed."""

    def job(folder, folds=(0,), seeds=(0, 1), **changes):
        below = [folder / f"fold-{fold}" if len(folds) > 1 else folder for fold in folds]
        fields = {
            "corpus": "demo", "protocol": "fair", "model": "tiny", "labels": "human", "augmentation": "none",
            "kind": "lora", "entry": {"checkpoint": str(checkpoint), "device": "cpu"},
            "options": settings.options, "objective": settings.protocol, "classes": settings.classes,
            "folds": list(folds), "seeds": list(seeds), "base_seed": 1, "prompts": settings.prompts,
            "utterances": corpus / "utterances.parquet", "root": corpus, "label_table": corpus / "labels.parquet",
            "splits": corpus / "splits.parquet", "state": folder / "state",
            "predictions": [place / f"seed-{seed}.parquet" for place in below for seed in seeds],
            "runs": [place / f"run-{seed}" for place in below for seed in seeds],
        }  # fmt: skip
        return TrainingJob.read(fields | changes, "job")

    return job


@pytest.fixture
def train(describe):
    """Return a function that trains into a folder and returns its files as {relative path: bytes}; states stay."""

    def run(folder, interrupts=None, **changes):
        job = describe(folder, **changes)
        train_fold(job, 0, gather_parts(job, 0), interrupts=interrupts)
        return results(folder)

    return run


@pytest.fixture
def trainee(describe, tmp_path):
    """Return a function that opens the model of a job; fields may be changed."""
    return lambda **changes: describe(tmp_path / "unused", **changes).open_trainee()


@pytest.fixture
def program(describe):
    """Return a function that gives the command line of finetune.py for a job into a folder."""
    return lambda folder, **changes: [
        str(SCRIPTS / "finetune.py"), "--job", describe(folder, **changes).model_dump_json()
    ]  # fmt: skip


def _start(command):
    outside = {key: value for key, value in os.environ.items() if key not in ("WORLD_SIZE", "RANK", "LOCAL_RANK")}
    return subprocess.Popen(
        [sys.executable, *command],
        env=outside | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@pytest.fixture
def start():
    """Return a function that starts a Python program in a process group of its own, outside of any team."""
    return _start


@pytest.fixture
def run():
    """Return a function that runs a program to its end, asserts its status and returns what it printed."""

    def to_the_end(command, expected=0):
        process = _start(command)
        output, _ = process.communicate(timeout=200)
        assert process.returncode == expected, output
        return output

    return to_the_end


def results(folder):
    """Return {relative path: bytes} of what must be the same in every run: all but run.json."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "run.json"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files if "state" not in path.parts}
