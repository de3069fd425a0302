"""Small peers: learn what can be heard, share what was encoded, and stop by the labels that they are trained on."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from scaling_ambiguity.alms.loading import folder_revision, load_alm
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.finetuning.inputs import FrozenInputs
from scaling_ambiguity.finetuning.perceptron import VectorInputs, moments
from scaling_ambiguity.finetuning.speech_encoder import SpeechEncoder
from scaling_ambiguity.proxies.prompts import load_prompts
from scaling_ambiguity.tables.labels import LABELS
from scaling_ambiguity.tables.predictions import PREDICTIONS
from scaling_ambiguity.training.examples import Examples


@pytest.fixture
def entry(checkpoint):
    return {"checkpoint": str(checkpoint), "device": "cpu", "hidden": [16], "dropout": 0.1}


@pytest.fixture
def changes(entry):
    """Return what distinguishes the job of a peer."""
    return {"kind": "perceptron", "entry": entry, "model": "tiny_mlp", "prompts": None, "seeds": [0]}


@pytest.fixture
def peer_job(train, changes):
    """Return a function that trains a peer into a folder and returns its files as {relative path: bytes}."""
    return lambda folder, **more: train(folder, **changes | more)


def test_features_are_the_mean_of_the_encoders_tokens(entry, gather, settings, alm):
    part = gather().test
    inputs = VectorInputs(SpeechEncoder(entry, None), part, "test")
    whole = FrozenInputs(alm, load_prompts(settings.prompts), part, settings.classes, "test")
    expected = torch.stack([tokens.mean(0) for tokens in whole._audio])
    torch.testing.assert_close(inputs.batch([0, 1, 2, 3])["features"], expected, rtol=1e-4, atol=1e-5)
    assert inputs.audio_sha256 == whole.audio_sha256


def test_kept_features_change_no_byte_and_spare_the_encoder(peer_job, entry, gather, settings, tmp_path):
    undisturbed = peer_job(tmp_path / "a")
    assert peer_job(tmp_path / "b", features=tmp_path / "kept") == undisturbed
    kept = list((tmp_path / "kept").rglob("*.npy"))
    assert len(kept) == 20
    kept[3].write_bytes(b"torn")
    assert peer_job(tmp_path / "c", features=tmp_path / "kept") == undisturbed
    encoder = SpeechEncoder(entry, tmp_path / "kept")
    VectorInputs(encoder, gather().train, "train")
    assert not encoder.opened


def test_features_of_another_model_are_not_taken(entry, gather, settings, tmp_path, checkpoint):
    other = tmp_path / "other"
    alm = load_alm(checkpoint, device="cpu")
    with torch.no_grad():
        alm.model.model.multi_modal_projector.linear.weight *= 2
    alm.model.save_pretrained(other)
    alm.processor.save_pretrained(other)
    first = VectorInputs(SpeechEncoder(entry, tmp_path / "kept"), gather().test, "test")
    second = VectorInputs(SpeechEncoder(entry | {"checkpoint": str(other)}, tmp_path / "kept"), gather().test, "test")
    assert not torch.allclose(first.batch([0])["features"], second.batch([0])["features"], atol=1e-3)


def test_predictions_follow_from_the_saved_weights(peer_job, entry, gather, settings, tmp_path, checkpoint):
    files = peer_job(tmp_path)
    kept = {"run-0/adapter/peer.json", "run-0/adapter/peer.safetensors"}
    assert set(files) == {"seed-0.parquet", "run-0/curve.csv", "run-0/curve.png", "run-0/README.md"} | kept
    assert b"A perceptron on the mean output" in files["run-0/README.md"]
    shape = json.loads(files["run-0/adapter/peer.json"])
    assert shape["encoder"] == folder_revision(checkpoint) and shape["hidden"] == [16] and shape["classes"] == 3
    weights = load_file(tmp_path / "run-0" / "adapter" / "peer.safetensors")
    inputs = VectorInputs(SpeechEncoder(entry, None), gather().test, "test")
    x = (inputs.batch([0, 1, 2, 3])["features"] - weights["0.mean"]) / weights["0.deviation"]
    x = torch.nn.functional.gelu(x @ weights["1.weight"].T + weights["1.bias"])
    q = torch.softmax(x @ weights["4.weight"].T + weights["4.bias"], -1)
    np.testing.assert_allclose(PREDICTIONS.read(tmp_path / "seed-0.parquet").filter(like="p_"), q, atol=1e-6)


def test_moments_are_those_of_the_training_part(entry, gather, settings):
    inputs = VectorInputs(SpeechEncoder(entry, None), gather().train, "train")
    values = inputs.batch(list(range(12)))["features"]
    mean, deviation = moments(values)
    values = values.numpy()
    np.testing.assert_allclose(mean, values.mean(0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(deviation, np.where(values.std(0) > 1e-8, values.std(0), 1), rtol=1e-3, atol=1e-6)


def test_a_peer_learns_what_can_be_heard(peer_job, entry, gather, settings, tmp_path, corpus):
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
    # the further it is trained, the better it fits the one and the worse it fits the other
    assert curves["agree"].attrs["best_step"] == 40
    assert curves["contradict"].attrs["best_step"] == 10


def test_no_audio(entry, settings):
    with pytest.raises(UserError, match="u1: no audio"):
        VectorInputs(SpeechEncoder(entry, None), Examples(["u1"], [None], ["words"], None), "test")


def test_the_program_trains_a_peer(program, run, changes, tmp_path):
    run(program(tmp_path, features=tmp_path / "kept", **changes))
    record = json.loads((tmp_path / "run-0" / "run.json").read_text())
    assert record["model"] == "tiny_mlp" and "mlp" in record["model_revision"]
    assert len(list((tmp_path / "kept").rglob("*.npy"))) == 20
