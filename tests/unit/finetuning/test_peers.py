"""Small peers: learn what can be heard, read what was encoded, and stop by the labels that they are trained on."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from scaling_ambiguity.alms.loading import folder_revision
from scaling_ambiguity.encoders.encoding import encode_items
from scaling_ambiguity.encoders.kinds import open_encoder
from scaling_ambiguity.encoders.store import Vectors
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.finetuning.inputs import FrozenInputs
from scaling_ambiguity.proxies.prompts import load_prompts
from scaling_ambiguity.tables.labels import LABELS
from scaling_ambiguity.tables.predictions import PREDICTIONS
from scaling_ambiguity.training import vectors as module
from scaling_ambiguity.training.examples import Examples
from scaling_ambiguity.training.vectors import VectorInputs, moments


@pytest.fixture
def changes(features, checkpoint):
    """Return what distinguishes the job of a peer."""
    return {
        "kind": "perceptron", "model": "tiny_mlp", "prompts": None, "seeds": [0],
        "entry": {"encoder": "tower", "hidden": [16], "dropout": 0.1}, "features": {"tower": features},
        "encoders": {"tower": {"kind": "alm", "checkpoint": str(checkpoint), "device": "cpu"}},
    }  # fmt: skip


@pytest.fixture
def peer_job(train, changes):
    """Return a function that trains a peer into a folder and returns its files as {relative path: bytes}."""
    return lambda folder, **more: train(folder, **changes | more)


@pytest.fixture
def inputs(features, tower):
    """Return a function that gives a part of the corpus as inputs of a peer."""
    return lambda part: VectorInputs(Vectors(features), part, tower)


def test_features_are_the_mean_of_the_encoders_tokens(inputs, gather, settings, alm):
    part = gather().test
    whole = FrozenInputs(alm, load_prompts(settings.prompts), part, settings.classes, "test")
    expected = torch.stack([tokens.mean(0) for tokens in whole._audio])
    # kept in float16
    torch.testing.assert_close(inputs(part).batch([0, 1, 2, 3])["features"], expected, rtol=1e-3, atol=1e-4)
    assert inputs(part).audio_sha256 == whole.audio_sha256


def test_vectors_in_float16_move_no_prediction_by_a_thousandth(peer_job, settings, features, tmp_path, corpus, tower):
    tower().dtype = "float32"
    clips = sorted((corpus / "audio").iterdir())
    encode_items(tower(), [path.stem for path in clips], clips, tmp_path / "state", tmp_path / "exact")
    tower().dtype = "float16"
    peer_job(tmp_path / "a")
    peer_job(tmp_path / "b", features={"tower": [tmp_path / "exact"]})
    kept, exact = (PREDICTIONS.read(tmp_path / run / "seed-0.parquet").filter(like="p_").to_numpy() for run in "ab")
    assert 0 < np.abs(kept - exact).max() < 1e-3


def test_a_training_reads_vectors_and_opens_no_encoder(peer_job, changes, tmp_path):
    undisturbed = peer_job(tmp_path / "a")
    gone = {"tower": {"kind": "alm", "checkpoint": "/no/such/model"}}
    assert peer_job(tmp_path / "b", encoders=gone) == undisturbed


def test_another_encoder_is_another_training(peer_job, changes, corpus, tmp_path):
    """States and results are interchangeable where the fingerprint is the same: the layers of the encoder decide."""
    clips, statistics = sorted((corpus / "audio").iterdir()), open_encoder({"kind": "statistics"})
    encode_items(statistics, [path.stem for path in clips], clips, tmp_path / "state", tmp_path / "others")
    peer_job(tmp_path / "a")
    peer_job(tmp_path / "b", features={"tower": [tmp_path / "others"]})
    records = [json.loads((tmp_path / run / "run-0" / "run.json").read_text()) for run in "ab"]
    assert records[0]["training_fingerprint"] != records[1]["training_fingerprint"]
    assert records[1]["checkpoint"] == "librosa"


def test_predictions_follow_from_the_saved_weights(peer_job, inputs, gather, tmp_path, checkpoint):
    files = peer_job(tmp_path)
    kept = {"run-0/adapter/peer.json", "run-0/adapter/peer.safetensors"}
    assert set(files) == {"seed-0.parquet", "run-0/curve.csv", "run-0/curve.png", "run-0/README.md"} | kept
    assert b"A perceptron on the mean output" in files["run-0/README.md"]
    shape = json.loads(files["run-0/adapter/peer.json"])
    assert shape["encoder"]["revision"] == folder_revision(checkpoint)
    assert shape["hidden"] == [16] and shape["classes"] == 3
    weights = load_file(tmp_path / "run-0" / "adapter" / "peer.safetensors")
    x = (inputs(gather().test).batch([0, 1, 2, 3])["features"] - weights["0.mean"]) / weights["0.deviation"]
    x = torch.nn.functional.gelu(x @ weights["1.weight"].T + weights["1.bias"])
    q = torch.softmax(x @ weights["4.weight"].T + weights["4.bias"], -1)
    np.testing.assert_allclose(PREDICTIONS.read(tmp_path / "seed-0.parquet").filter(like="p_"), q, atol=1e-6)


def test_moments_are_those_of_the_training_part(inputs, gather, monkeypatch):
    train = inputs(gather().train)
    values = train.batch(list(range(12)))["features"].numpy()
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 5)
    mean, deviation = moments(train)
    np.testing.assert_allclose(mean, values.mean(0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(deviation, np.where(values.std(0) > 1e-8, values.std(0), 1), rtol=1e-3, atol=1e-6)


def test_a_peer_learns_what_can_be_heard(peer_job, settings, tmp_path, corpus):
    """Clips differ in loudness by their number modulo 4; labels that say so are learned to near their floor."""
    table = LABELS.read(corpus / "labels.parquet")
    loud = np.arange(20) % 4 >= 2
    table[["p_neutral", "p_happy", "p_sad"]] = np.where(loud[:, None], [0.9, 0.1, 0.0], [0.0, 0.1, 0.9])
    LABELS.write(table, tmp_path / "heard.parquet")
    settings.options |= {"steps": 150, "evaluate_every": 50, "batch": 12, "learning_rate": 0.01}
    peer_job(tmp_path / "run", label_table=tmp_path / "heard.parquet")
    floor = -(0.9 * np.log(0.9) + 0.1 * np.log(0.1))
    curve = pd.read_csv(tmp_path / "run" / "run-0" / "curve.csv")
    assert curve["train_loss"].iloc[-1] < floor + 0.1 < curve["validation_loss"].iloc[0]


@pytest.mark.parametrize("loss", ["nll", "kl", "jsd", "dirichlet", "emd"])
def test_every_loss_trains_a_peer(peer_job, settings, tmp_path, loss):
    settings.protocol |= {"loss": loss, "head": "faithful", "entropy_weight": 0.01}
    settings.protocol |= {"geometry": {"neutral": [0, 0], "happy": [1, 1], "sad": [-1, 0]}} if loss == "emd" else {}
    settings.options |= {"steps": 40, "evaluate_every": 20, "batch": 12, "learning_rate": 0.005}
    peer_job(tmp_path)
    losses = pd.read_csv(tmp_path / "run-0" / "curve.csv")["train_loss"].dropna().tolist()
    assert losses[-1] < losses[0]
    rows = PREDICTIONS.read(tmp_path / "seed-0.parquet").filter(like="p_").to_numpy()
    np.testing.assert_allclose(rows.sum(1), 1, atol=1e-9)


def test_early_stopping_uses_the_validation_labels_of_the_arm(peer_job, settings, tmp_path, corpus):
    """An arm of synthetic labels is stopped by synthetic labels: those of its own table, in the validation part."""
    settings.options |= {"steps": 40, "evaluate_every": 10, "learning_rate": 0.01}
    table = LABELS.read(corpus / "labels.parquet").assign(n_human=0, n_synthetic=10)
    columns = ["p_neutral", "p_happy", "p_sad"]
    table.loc[:11, columns] = [1.0, 0.0, 0.0]
    curves = {}
    for name, validation in {"agree": [1.0, 0.0, 0.0], "contradict": [0.0, 0.0, 1.0]}.items():
        table.loc[12:15, columns] = validation
        LABELS.write(table, tmp_path / f"{name}.parquet")
        peer_job(tmp_path / name, label_table=tmp_path / f"{name}.parquet")
        curves[name] = pd.read_csv(tmp_path / name / "run-0" / "curve.csv")
        curves[name].attrs = json.loads((tmp_path / name / "run-0" / "run.json").read_text())
    assert curves["agree"]["train_loss"].equals(curves["contradict"]["train_loss"])
    # the further it is trained, the better it fits the one and the worse it fits the other: that stays at the prior
    assert curves["agree"].attrs["best_step"] == 40
    assert curves["contradict"].attrs["best_step"] == 0
    prior = (table.loc[:11, columns].to_numpy().sum(0) + 1 / 3) / 13
    rows = PREDICTIONS.read(tmp_path / "contradict" / "seed-0.parquet").filter(like="p_").to_numpy()
    np.testing.assert_allclose(rows, np.tile(prior, (len(rows), 1)), atol=1e-6)


def test_an_utterance_without_sound_or_vector_is_named(features, vectors_of, tower, inputs):
    part = Examples(["u1"], [None], ["words"], None)
    with pytest.raises(UserError, match="utterances u1: it has nothing that the encoder reads"):
        VectorInputs(vectors_of(["u1"], [None]), part, tower)
    with pytest.raises(UserError, match="holds no vector of u1"):
        inputs(part)


@pytest.mark.ci
def test_the_program_trains_a_peer(program, run, changes, tmp_path):
    run(program(tmp_path, **changes))
    record = json.loads((tmp_path / "run-0" / "run.json").read_text())
    assert record["model"] == "tiny_mlp" and "mlp" in record["model_revision"]
