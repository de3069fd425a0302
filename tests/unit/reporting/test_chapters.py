"""One registry says what there is; each line leads to a function, a kind of estimate, a caption and the paper."""

import re
from inspect import signature
from pathlib import Path

import pytest

from scaling_ambiguity.reporting.captions import filled
from scaling_ambiguity.reporting.chapters import ESTIMATES, FIGURES, STAGES, TABLES, named, shown
from scaling_ambiguity.reporting.proxy_names import SYNTHETIC

REPOSITORY = Path(__file__).resolve().parents[3]
DISPLAYS = FIGURES | TABLES
SECTIONS = " ".join(path.read_text() for path in sorted((REPOSITORY / "paper").rglob("*.tex")))
RULES = "".join(path.read_text() for path in (REPOSITORY / "workflow" / "rules").glob("*.smk"))


@pytest.mark.parametrize("name", DISPLAYS)
def test_every_figure_and_table_is_made_explained_and_shown(name):
    display = DISPLAYS[name]
    assert display.stage in STAGES
    if display.shows:
        assert set(display.shows) <= set(ESTIMATES)
        assert callable(display.load())
    else:
        assert f"rule {name}:" in RULES, "what is not made from estimates has a rule of its own"
    assert display.caption.endswith(".") and not any(character.isdigit() for character in display.caption)
    caption = filled(display.caption, SYNTHETIC)
    assert "\n" not in caption and caption.startswith(display.title)
    assert name in SECTIONS


def test_no_rule_of_a_figure_or_table_is_missing_here():
    assert set(re.findall(r"^rule ((?:fig|tab)_[a-z_]+):", RULES, flags=re.MULTILINE)) <= set(DISPLAYS)


def test_files_of_an_estimate_are_named_by_what_there_is_one_for():
    names = {"corpus": "c", "annotator": "a", "protocol": "p"}
    assert ESTIMATES["exchange"].path("exchange", **names) == "results/statistics/exchange-c-a.parquet"
    assert ESTIMATES["evaluation"].path("evaluation", **names) == "results/statistics/evaluation-c-p.parquet"
    assert ESTIMATES["verdicts"].path("verdicts", **names) == "results/hypotheses/c-a-p.json"
    outputs = re.findall(r"results/(?:statistics|hypotheses)/[^\"]+", RULES)
    for kind, estimates in ESTIMATES.items():
        assert (estimates.with_wildcards(kind) in outputs) == (estimates.work is None), "one rule, written or made"


def test_a_run_of_votes_alone_shows_what_votes_show():
    assert {"tab_corpus", "tab_votes_lost", "tab_validity"} <= set(shown(TABLES, {"votes"}))
    assert not {"tab_alignment", "tab_results", "tab_augmentation"} & set(shown(TABLES, {"votes"}))
    assert shown(FIGURES, {"votes", "annotation"})[-1] == "fig_bias" and "fig_simplex" in shown(FIGURES, set(STAGES))


@pytest.mark.parametrize("kind", [kind for kind, one in ESTIMATES.items() if one.numbers])
def test_what_defines_numbers_is_there_and_asks_for_what_there_is(kind):
    known = {"numbers", "table", "annotator", "classes", "level", "definition", "simulated", "augmentation"}
    known |= {"submission", "models", "poolings"}
    for function in ESTIMATES[kind].numbers:
        assert set(signature(named(function)).parameters) <= known, function
