"""The table of settings: what was asked, trained and resampled, as the configuration and the answers have it."""

import copy
import json

import pandas as pd
import pytest

from scaling_ambiguity.reporting.naming import printed_as
from scaling_ambiguity.reporting.tables.settings import settings_table


@pytest.fixture
def table(config, votes_config, settings_of, run, votes_run):
    """Return a function that makes the table of the demo, or of votes alone, with a change of its settings."""

    def make(votes=False, change=lambda settings: None):
        settings = json.loads(settings_of(votes_config if votes else config))
        change(settings)
        name = "face" if votes else "tiny_crossed"
        answers = {name: pd.read_csv((votes_run if votes else run)["status"])} if settings["annotators"] else {}
        return settings_table(settings, answers)

    return make


def lines(rows, part):
    return dict(rows.loc[rows["part"] == part, ["setting", "value"]].to_numpy().tolist())


def test_what_was_asked_and_trained_stands_with_its_amounts(table, config):
    with printed_as({"tiny": "tiny ALM", "tiny_crossed": "tiny ALM"}):
        text, rows = table()
    asked = lines(rows, "Annotator: tiny ALM")
    assert asked["answers"] == "9600" and asked["answers with a vote"] == "9575" and r"9\,575" in text
    assert asked["temperatures"] == "0.2, 0.4, 0.6, 0.8, 0.93" and asked["given"] == "voice and words"
    training = lines(rows, "Training of models")
    arms = 7 + 3  # kinds of labels; those that are also trained on with augmentation
    folds, seeds = config["protocols"]["fair"]["splits"]["folds"], config["finetuning"]["seeds"]
    assert int(training["trainings: arms, folds and seeds"]) == arms * folds * seeds
    assert training["learning rate"] == "0.002" and training["steps"] == "30"
    assert lines(rows, "Training of the ALM: tiny ALM")["steps"] == "300"
    assert lines(rows, "Model: tiny ALM")["rank"] == "8"
    assert lines(rows, "Statistics")["interval"] == "bootstrap-t"
    assert "None" not in text and "_" not in text.replace(r"\_", "")


def test_votes_that_were_given_have_no_prompts_and_no_models(table):
    _, rows = table(votes=True)
    assert lines(rows, "Annotator: face") == {
        "mode": "votes of people, replayed",
        "votes per utterance": "6",
        "answers": "2880",
        "answers with a vote": "2870",
    }
    assert not rows["part"].str.startswith(("Training", "Model")).any()


def test_bands_of_temperatures_another_sound_and_peers_are_written_out(table):
    def change(settings):
        settings["annotators"]["tiny_crossed"] |= {
            "temperatures": [[0.1, 0.3], [0.9, 0.93]], "sound": "another", "class_order": "permuted"
        }  # fmt: skip
        settings["models"] = {
            "small_mlp": {"kind": "perceptron", "encoder": "whisper_base", "hidden": [64, 8], "dropout": 0.2},
            "pair": {
                "kind": "amber2", "speech": "whisper_base", "text": "minilm", "student": "both",
                "loss": {"rater": "jsd", "experts_own": 0, "stop_gradient": {"p": False, "u": True}},
            },
        }  # fmt: skip

    _, rows = table(change=change)
    asked = lines(rows, "Annotator: tiny crossed")
    assert asked["temperatures"] == "0.1--0.3, 0.9--0.93" and asked["order of the classes"] == "permuted"
    assert asked["given"] == "voice and words with the sound of another clip"
    assert lines(rows, "Model: small mlp") == {
        "kind": "perceptron", "encoder": "whisper base", "hidden units": "64, 8", "dropout": "0.2"
    }  # fmt: skip
    assert lines(rows, "Model: pair") == {
        "kind": "AmbER2", "speech": "whisper base", "text": "minilm", "the student reads": "both",
        "loss: rater": "jsd", "loss: experts own": "0", "loss: stop gradient": "p no, u yes",
    }  # fmt: skip


def test_a_run_of_votes_alone_lists_its_statistics(table):
    def alone(settings):
        settings.update(copy.deepcopy({"annotators": {}, "alms": {}, "models": {}, "trainings": 0}))

    text, rows = table(change=alone)
    assert set(rows["part"]) == {"Statistics"} and text.count(r"\emph") == 1
