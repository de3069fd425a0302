"""The way of a number: from its key to the file, the row, the rule, the program and the sentence."""

from pathlib import Path

import pytest

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.reporting.where import makers_of, sentences_with, where

ROOT = Path(__file__).resolve().parents[3]
RULES = ROOT / "workflow" / "rules"
PAPER = ROOT / "paper"


@pytest.mark.parametrize(
    ("path", "maker"),
    [
        ("results/statistics/agreement-demo-tiny.parquet", ("agree_votes", "agree_votes.py")),
        ("results/statistics/exchange-demo-tiny.parquet", ("estimate_exchange_rate", "estimate_exchange_rate.py")),
        ("results/levels/demo/fair.parquet", ("assign_levels", "assign_levels.py")),
    ],
)
def test_a_file_leads_to_its_rule_and_program(path, maker):
    assert maker in makers_of(path, RULES)
    assert (ROOT / "workflow" / "scripts" / maker[1]).is_file()


def test_a_file_of_no_rule_has_no_maker():
    assert makers_of("results/statistics/nothing/of/this.kind", RULES) == []


def test_every_use_of_a_key_is_a_sentence_at_its_line():
    found = sentences_with("exchange.gain.echo", PAPER)
    assert {file for file, _, _ in found} == {"sections/results.tex", "supplement/results_votes.tex"}
    for file, line, sentence in found:
        assert "exchange.gain.echo" in (PAPER / file).read_text().splitlines()[line - 1]
        assert r"\result{exchange.gain.echo}" in sentence
        assert sentence.endswith(".")


def test_a_key_does_not_match_a_longer_one():
    assert all("{exchange.weighted}" in sentence for _, _, sentence in sentences_with("exchange.weighted", PAPER))


def test_the_lines_name_file_rule_program_and_row():
    entry = {
        "text": "0.45",
        "file": "results/statistics/agreement-demo-tiny.parquet",
        "column": "estimate",
        "rows": {"metric": "krippendorff_alpha"},
        "function": None,
        "derived_from": [],
    }
    text = "\n".join(where("agreement.alpha", {"agreement.alpha": entry}, RULES, PAPER))
    for part in (entry["file"], "agree_votes (workflow/scripts/agree_votes.py)", "metric=krippendorff_alpha", ".tex:"):
        assert part in text


def test_a_derived_number_leads_to_the_file_of_its_source():
    derived = {"text": "one", "file": None, "column": None, "rows": {}, "function": None, "derived_from": ["a.b"]}
    source = derived | {"file": "results/levels/demo/fair.parquet", "derived_from": []}
    lines = list(where("a.c", {"a.c": derived, "a.b": source}, RULES, PAPER))
    assert "  rule: assign_levels (workflow/scripts/assign_levels.py)" in lines


def test_an_unknown_key_names_those_of_its_chapter():
    with pytest.raises(UserError, match=r"exchange\.worth"):
        list(where("exchange.wort", {"exchange.worth": {}}, RULES, PAPER))
