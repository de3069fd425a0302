"""Settings under which a part of the system could never learn are refused, in words, and all others are accepted."""

import itertools

import pytest
import yaml

from scaling_ambiguity.amber2.settings import Amber2Settings
from scaling_ambiguity.configuration.checked import SCHEMA
from scaling_ambiguity.errors import UserError

PAIR = {"speech": "voice", "text": "words"}
LITERAL = {"rater": "jsd", "experts_own": 0, "stop_gradient": {"p": False, "u": False}}


def read(loss=None, **entry):
    return Amber2Settings.of("x", PAIR | entry | ({"loss": loss} if loss else {}))


@pytest.mark.parametrize(
    ("entry", "loss", "words"),
    [
        ({}, {"experts_own": 0}, "experts would never learn.*experts_own: 1"),
        ({}, {"experts_own": 0, "stop_gradient": {"p": True, "u": False}}, "experts would never learn"),
        ({"student": "speech", "fusion": "late"}, {"experts_own": 0}, "experts would never learn"),
        ({}, {"lambda_r": 0, "lambda_m": 0}, "student would never learn"),
        ({"fusion": "stack"}, {"lambda_r": 0, "lambda_m": 0}, "student would never learn"),
        ({"fusion": "late", "student": "text"}, {"lambda_r": 0, "lambda_m": 0}, "student would never learn"),
        ({}, LITERAL | {"lambda_r": 0}, "no label would reach the model"),
        ({}, {"kapa": 2}, "peers.x.loss.kapa is unknown"),
        ({"hidden": []}, None, "peers.x.hidden"),
        ({"modality_dropout": 0.5}, None, "peers.x.modality_dropout = 0.5"),
    ],
)
def test_what_could_never_learn_is_refused(entry, loss, words):
    with pytest.raises(UserError, match=words) as error:
        read(loss, **entry)
    assert str(error.value).startswith("peers.x")


@pytest.mark.parametrize(
    ("entry", "loss"),
    [
        ({}, None),
        ({}, LITERAL),
        ({}, {"lambda_r": 0}),
        ({"fusion": "late"}, {"lambda_r": 0, "lambda_m": 0}),
        ({"fusion": "late"}, {"experts_own": 0, "lambda_m": 0}),
        ({"fusion": "product"}, {"experts_own": 0}),
    ],
)
def test_what_learns_is_accepted(entry, loss):
    assert read(loss, **entry).heads


def test_the_student_comes_first_and_no_head_is_made_that_nothing_uses():
    shapes = {
        (student, fusion, lambda_m): read({"lambda_m": lambda_m}, student=student, fusion=fusion).heads
        for student, fusion, lambda_m in itertools.product(("both", "speech", "text"), ("gated", "late"), (0, 0.5))
    }
    assert shapes["both", "gated", 0.5] == ("both", "speech", "text")
    assert shapes["both", "gated", 0] == ("both",) and shapes["speech", "gated", 0] == ("speech",)
    assert shapes["text", "gated", 0.5] == ("text", "both", "speech")
    assert shapes["both", "late", 0] == shapes["both", "late", 0.5] == ("speech", "text")
    assert shapes["text", "late", 0.5] == ("text", "speech") and shapes["text", "late", 0] == ("text",)


def test_the_rows_of_the_ablation_are_distinct_systems_that_learn():
    presets = SCHEMA.parents[1] / "presets"
    preset = yaml.safe_load((presets / "cremad_amber2.yaml").read_text())
    library = yaml.safe_load((SCHEMA.parents[2] / "config.yaml").read_text())["peers"]
    rows = {name: {k: v for k, v in entry.items() if k != "kind"} for name, entry in preset["peers"].items()}
    read_rows = {name: Amber2Settings.of(name, entry) for name, entry in rows.items()}
    assert list(read_rows) == preset["finetuning"]["models"]
    assert len({row.model_dump_json() for row in read_rows.values()}) == len(rows) == 11
    literal = Amber2Settings.of("x", {k: v for k, v in library["amber2_faithful"].items() if k != "kind"}).loss
    assert read_rows["amber2_literal"].loss == literal.model_copy(update={"kappa": 8.0})
