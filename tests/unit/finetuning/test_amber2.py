"""AmbER2 as a kind of model: degenerate forms equal the perceptron, absent modalities, and what its job writes."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
import transformers
from safetensors.torch import load_file
from tokenizers import Tokenizer, models, pre_tokenizers

from scaling_ambiguity.amber2.trainee import Amber2
from scaling_ambiguity.encoders.encoding import encode_items
from scaling_ambiguity.encoders.kinds import open_encoder
from scaling_ambiguity.encoders.store import ARRAY, IDS, META, Vectors
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.io import read_json, write_json
from scaling_ambiguity.tables.labels import LABELS
from scaling_ambiguity.tables.predictions import PREDICTIONS
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.vector_ids import VECTOR_IDS

STUDENT_ALONE = {"lambda_m": 0, "experts_own": 0}
SHAPE = {"hidden": [16], "dropout": 0.1}


@pytest.fixture(scope="session")
def bert(tmp_path_factory):
    """Folder of a BERT of random weights that knows the words of the corpus."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("bert")
    config = transformers.BertConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24, vocab_size=40
    )
    transformers.BertModel(config).save_pretrained(folder)
    vocabulary = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "It", "is", "late", "fine", "."])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", model_max_length=20
    ).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def words(bert, corpus, tmp_path_factory):
    """Folder of the vectors of the corpus' transcripts."""
    utterances, folder = UTTERANCES.read(corpus / "utterances.parquet"), tmp_path_factory.mktemp("words")
    encoder = open_encoder({"kind": "text", "checkpoint": bert, "layers": "last", "device": "cpu"})
    encode_items(encoder, utterances["utterance"], utterances["transcript"].tolist(), folder / "state", folder / "x")
    return [folder / "x"]


@pytest.fixture
def changes(features, words, checkpoint, bert):
    """Return what distinguishes the job of a system."""
    encoders = {
        "tower": {"kind": "alm", "checkpoint": str(checkpoint), "device": "cpu"},
        "words": {"kind": "text", "checkpoint": str(bert), "layers": "last"},
    }
    return {
        "kind": "amber2", "model": "system", "prompts": None, "seeds": [0], "encoders": encoders,
        "entry": {"speech": "tower", "text": "words"} | SHAPE, "features": {"tower": features, "words": words},
    }  # fmt: skip


@pytest.fixture
def system(train, changes):
    """Return a function that trains a system into a folder and returns its predictions."""

    def run(folder, loss=None, **more):
        entry = changes["entry"] | more.pop("entry", {}) | ({"loss": loss} if loss else {})
        train(folder, **changes | more | {"entry": entry})
        return PREDICTIONS.read(folder / "seed-0.parquet").filter(like="p_").to_numpy()

    return run


@pytest.fixture
def step_by_step(monkeypatch):
    """Let AdamW compute as it does for a perceptron, so that results are the same to the last digit."""
    monkeypatch.setattr(Amber2, "fused", False)


@pytest.fixture
def perceptron(train, changes):
    """Return a function that trains a perceptron on folders of vectors and returns its predictions."""

    def run(folder, folders):
        job = changes | {"kind": "perceptron", "entry": {"encoder": "x"} | SHAPE, "features": {"x": folders}}
        train(folder, **job)
        return PREDICTIONS.read(folder / "seed-0.parquet").filter(like="p_").to_numpy()

    return run


def written(folder, values, names, absent=()):
    """Write vectors into a folder, as encode_items does; return the folder."""
    folder.mkdir()
    np.save(folder / ARRAY, np.where(np.isin(names, absent)[:, None], 0, values).astype(np.float32))
    reasons = pd.Series(["it has none." if name in absent else None for name in names], dtype="str")
    frame = pd.DataFrame({"row": range(len(names)), "utterance": names})
    VECTOR_IDS.write(frame.assign(sha256=pd.Series([None] * len(names), dtype="str"), reason=reasons), folder / IDS)
    encoder = {"kind": "made", "checkpoint": folder.name, "revision": "1"}
    write_json({"encoder": encoder, "width": values.shape[1]}, folder / META)
    return folder


@pytest.mark.usefixtures("step_by_step")
@pytest.mark.parametrize("student", ["speech", "text"])
def test_a_student_of_one_modality_without_experts_is_the_perceptron(
    system, perceptron, features, words, student, tmp_path
):
    found = system(tmp_path / "a", STUDENT_ALONE, entry={"student": student, "activation": "gelu"})
    expected = perceptron(tmp_path / "b", features if student == "speech" else words)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.usefixtures("step_by_step")
def test_vectors_side_by_side_without_experts_are_the_perceptron_on_both(system, perceptron, features, words, tmp_path):
    names = [f"x_{i:02d}" for i in range(20)]
    values = [(store := Vectors(folders)).take(store.rows(names)) for folders in (features, words)]
    both = written(tmp_path / "both", np.concatenate(values, axis=1), names)
    found = system(tmp_path / "a", STUDENT_ALONE, entry={"fusion": "concat", "activation": "gelu"})
    np.testing.assert_array_equal(found, perceptron(tmp_path / "b", [both]))


def test_one_pass_of_the_optimiser_moves_no_prediction(system, monkeypatch, tmp_path):
    fused = system(tmp_path / "a")
    monkeypatch.setattr(Amber2, "fused", False)
    np.testing.assert_allclose(fused, system(tmp_path / "b"), atol=1e-5)


def test_experts_that_are_stopped_do_not_depend_on_the_student(system, settings, tmp_path):
    """With stopped gradients the weights of the experts are the same whatever lambda and kappa are."""
    experts = []
    for run, loss in {"a": {"kappa": 8, "lambda_m": 0.7}, "b": {"kappa": 2, "lambda_m": 0.3}}.items():
        # unclipped: the norm of a gradient is that of all parameters
        settings.options["clip"] = 1e6
        system(tmp_path / run, loss)
        experts.append(load_file(tmp_path / run / "run-0" / "adapter" / "peer.safetensors"))
    for name, value in experts[0].items():
        assert torch.equal(value, experts[1][name]) == (not name.startswith(("heads.both", "fusion"))) or (
            name == "fusion.absent"
        ), name


@pytest.mark.ci
@pytest.mark.parametrize("fusion", ["gated", "scalar", "concat", "late", "product", "stack"])
@pytest.mark.parametrize("form", ["literal", "fair"])
def test_every_form_learns_what_can_be_heard(system, settings, corpus, fusion, form, tmp_path):
    """Clips differ in loudness by their number modulo 4, transcripts by its parity; labels say the former.

    An expert of the text has a loss of its own that does not fall, and a mean is held back by it.
    """
    table = LABELS.read(corpus / "labels.parquet")
    loud = np.arange(20) % 4 >= 2
    table[["p_neutral", "p_happy", "p_sad"]] = np.where(loud[:, None], [0.9, 0.1, 0.0], [0.0, 0.1, 0.9])
    LABELS.write(table, tmp_path / "heard.parquet")
    settings.options |= {"steps": 120, "evaluate_every": 10, "batch": 12, "learning_rate": 0.01}
    literal = {"rater": "jsd", "experts_own": 0, "stop_gradient": {"p": False, "u": False}}
    loss = literal if form == "literal" else None
    found = system(tmp_path / "run", loss, entry={"fusion": fusion}, label_table=tmp_path / "heard.parquet")
    curve = pd.read_csv(tmp_path / "run" / "run-0" / "curve.csv")
    assert curve["train_loss"].iloc[-1] < 0.7 * curve["train_loss"].iloc[1]
    assert len(np.unique(found[:, 0])) == 4


@pytest.mark.parametrize("loss", ["nll", "kl", "jsd", "dirichlet", "emd"])
def test_every_loss_of_a_protocol_trains_a_system(system, settings, loss, tmp_path):
    settings.protocol |= {"loss": loss, "head": "faithful"}
    settings.protocol |= {"geometry": {"neutral": [0, 0], "happy": [1, 1], "sad": [-1, 0]}} if loss == "emd" else {}
    settings.options |= {"steps": 40, "evaluate_every": 20, "batch": 12, "learning_rate": 0.005}
    found = system(tmp_path, {"class_balance": 0.9}, entry={"modality_dropout": 0.2})
    losses = pd.read_csv(tmp_path / "run-0" / "curve.csv")["train_loss"].dropna().tolist()
    assert losses[-1] < losses[0]
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-9)


def test_evidence_and_a_rater_of_its_own_exclude_each_other(trainee, changes, settings):
    settings.protocol |= {"loss": "dirichlet", "head": "faithful"}
    for entry in ({"loss": {"rater": "jsd"}}, {"fusion": "late"}):
        with pytest.raises(UserError, match=r"peers.system: the protocol's loss 'dirichlet' needs evidence"):
            trainee(**changes | {"entry": changes["entry"] | entry})


def test_a_system_without_sound_or_words_predicts_from_what_is_there(system, gather, tmp_path, capsys):
    """Absent in training, validation and test; without both the prior is predicted."""
    names = [f"x_{i:02d}" for i in range(20)]
    values = np.random.default_rng(0).normal(size=(20, 6))
    voice = written(tmp_path / "voice", values[:, :4], names, absent=["x_00", "x_13", "x_16", "x_18"])
    text = written(tmp_path / "text", values[:, 4:], names, absent=["x_01", "x_17", "x_18"])
    stores = {"features": {"tower": [voice], "words": [text]}}
    found = system(tmp_path / "a", entry={"modality_dropout": 0.2}, **stores)
    assert np.isfinite(found).all() and len(np.unique(found[:, 0])) == 4
    # one more item, equally of all classes, beside the twelve
    prior = (gather().train.targets.sum(0) + 1 / 3) / 13
    np.testing.assert_allclose(found[2], prior, atol=1e-6)
    assert "test: 2 of 4 items have no vector of speech" in capsys.readouterr().err


def test_a_corpus_without_any_words_is_refused(system, tmp_path):
    names = [f"x_{i:02d}" for i in range(20)]
    values = np.ones((20, 2))
    stores = [written(tmp_path / "voice", values, names), written(tmp_path / "text", values, names, absent=names)]
    with pytest.raises(UserError, match=r"encoder 'words' has no vector of any training item.*perceptron"):
        system(tmp_path / "a", features={"tower": stores[:1], "words": stores[1:]})


def test_an_interrupted_system_ends_bit_for_bit_as_an_undisturbed_one(train, changes, settings, tmp_path, monkeypatch):
    settings.options |= {"steps": 6, "evaluate_every": 2}
    job = changes | {"entry": changes["entry"] | {"modality_dropout": 0.3}}
    whole = train(tmp_path / "a", **job)
    from scaling_ambiguity.training import loop

    saved = loop.save_state

    def stop(*arguments):
        saved(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(loop, "save_state", stop)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "b", **job)
    monkeypatch.setattr(loop, "save_state", saved)
    assert train(tmp_path / "b", **job) == whole
    assert json.loads((tmp_path / "b" / "run-0" / "run.json").read_text())["resumed_from"] == 2


@pytest.mark.ci
def test_the_record_names_both_encoders_and_every_switch(system, changes, program, run, tmp_path):
    run(program(tmp_path / "run", **changes))
    record = read_json(tmp_path / "run" / "run-0" / "run.json")
    shape = read_json(tmp_path / "run" / "run-0" / "adapter" / "peer.json")
    assert " + " in record["checkpoint"] and json.loads(record["model_revision"])["amber2"]["loss"]["kappa"] == 4
    assert shape["encoders"]["text"]["kind"] == "text" and shape["fusion"] == "gated" and shape["peer"] == "amber2"
    system(tmp_path / "other", {"kappa": 2})
    other = read_json(tmp_path / "other" / "run-0" / "run.json")
    assert other["training_fingerprint"] != record["training_fingerprint"]
