import copy
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from paper_text import (
    RESULT,
    bare_digits,
    keys_reached,
    keys_used,
    read_sources,
    sections_with,
    switches_used,
    taken_branches,
)

from scaling_ambiguity.io import write_csv
from scaling_ambiguity.reporting.chapters import FIGURES, TABLES
from scaling_ambiguity.reporting.numbers.collect import collect_numbers
from scaling_ambiguity.reporting.numbers.corpus import add_effective_answers
from scaling_ambiguity.reporting.numbers.levels import add_levels
from scaling_ambiguity.reporting.numbers.registry import Numbers
from scaling_ambiguity.reporting.selection import read_statistics
from scaling_ambiguity.tables.statistics import STATISTICS as STATISTICS_TABLE

REPOSITORY = Path(__file__).resolve().parents[3]
PAPER = REPOSITORY / "paper"
STATISTICS = ("alignment", "agreement", "bias", "shared", "saturation", "exchange", "exchange_by_level", "costs")
STATISTICS += ("predictors",)
STATISTICS += ("evaluation",)
SECTIONS = sections_with("models")


def all_paths(run):
    paths = {"statistics": [str(run[k]) for k in STATISTICS]}
    paths |= {"leakage": [str(run["leakage"])], "verdicts": [str(run["verdicts"])]}
    return paths | {name: str(run[name]) for name in ("utterances", "votes", "rejects", "heldout", "status", "draws")}


@pytest.fixture(scope="module")
def numbers(run, config):
    return collect_numbers(config, all_paths(run))


@pytest.fixture(scope="module")
def sources():
    return read_sources(PAPER, SECTIONS)


def test_every_key_used_is_defined_and_every_key_defined_is_used(numbers, sources):
    """Used: read by LaTeX with the switches of this run, or behind words that are."""
    used = keys_used([taken_branches(text, numbers.switches) for text in sources.values()])
    assert sorted(used - set(numbers.keys())) == []
    assert sorted(set(numbers.keys()) - keys_reached(used, numbers.provenance())) == []


def test_every_switch_of_the_text_is_defined_and_the_other_way_round(numbers, sources):
    assert switches_used(list(sources.values())) == set(numbers.switches)


@pytest.mark.parametrize("switch, label", [("sharedvotes", "fig:shared"), ("exchangeleveled", "fig:exchangelevels")])
def test_a_figure_without_numbers_is_neither_drawn_nor_referred_to(numbers, sources, switch, label):
    for there in (True, False):
        switches = numbers.switches | {switch: there}
        text = "".join(taken_branches(section, switches) for section in sources.values())
        assert (f"\\label{{{label}}}" in text) == (f"\\ref{{{label}}}" in text) == there


def test_only_the_branches_that_latex_takes_are_read():
    text = r"a \ifone b \iftwo c\else d\fi e\else f\fi g % \ifone"
    assert taken_branches(text, {"one": True, "two": False}).split() == ["a", "b", "d", "e", "g"]
    assert taken_branches(text, {"one": False, "two": True}).split() == ["a", "f", "g"]
    with pytest.raises(ValueError, match="not closed"):
        taken_branches(r"\ifone", {"one": True})
    with pytest.raises(ValueError, match="without"):
        taken_branches(r"\fi", {"one": True})


def test_no_result_is_typed_by_hand(sources):
    found = {name: bare_digits(text) for name, text in sources.items() if "/" in name}
    assert {name: digits for name, digits in found.items() if digits} == {}


def test_a_sentence_has_at_most_four_numbers(numbers, sources):
    """More are a table: estimates, with their intervals, and counts, as LaTeX reads them in this run."""
    for name, source in sources.items():
        text = taken_branches(source, numbers.switches)
        text = re.sub(r"\\begin\{tabular\}.*?\\end\{tabular\}", "", text, flags=re.DOTALL)
        for sentence in re.split(r"[.;:]\s|\n\s*\n", text):
            keys = [key for key in RESULT.findall(sentence) if re.match(r"\d|\$[-<>]", numbers[key].text)]
            assert len(keys) <= 4, (name, sentence)


@pytest.mark.parametrize("text", ["accuracy of 0.93", r"\textbf{12} votes", "$p = 0.04$", r"$k = 37$", "5 raters"])
def test_digits_typed_by_hand_are_found(text):
    assert bare_digits(text)


@pytest.mark.parametrize(
    "text",
    [
        r"in 2026 \cite{zhang2026scaling} and Table~\ref{tab:3}",
        r"Qwen2-Audio, F0 and AmbER2",
        r"$1 - \mathrm{BC} \ge 0$",
        "% 95 in a comment",
        r"\result{saturation.20}",
        r"\includegraphics[width=0.5\columnwidth]{fig_1}",
    ],
)
def test_names_years_and_definitions_may_have_digits(text):
    assert bare_digits(text) == []


def test_every_citation_is_in_the_bibliography_and_the_other_way_round(sources):
    cited = {
        key for text in sources.values() for group in re.findall(r"\\cite\{([^}]*)\}", text) for key in group.split(",")
    }
    entries = set(re.findall(r"@\w+\{([^,]+),", (PAPER / "refs.bib").read_text()))
    assert cited == entries


def test_every_reference_carries_an_identifier():
    for entry in (PAPER / "refs.bib").read_text().split("\n@"):
        assert re.search(r"arXiv:\d{4}\.\d{5}|doi:10\.\d+/|JSTOR:\d+", entry), entry[:60]


@pytest.mark.parametrize(
    ("words", "key"),
    [
        ("Krippendorff's", "hayes2007answering"),
        ("Dirichlet-multinomial", "mosimann1962compound"),
        ("Holm's method", "holm1979simple"),
        ("prediction-powered", "angelopoulos2023prediction"),
        ("crossed resampling", "owen2007pigeonhole"),
        ("Dawid and Skene", "dawid1979"),
        ("alternative annotator test", "calderon2025alternative"),
        ("votes of non-experts equal one expert", "snow2008cheap"),
    ],
)
def test_what_others_found_is_cited_where_it_is_used(words, key, sources):
    """A citation within the sentence that has the words, in some section."""
    sentences = [part for text in sources.values() for part in re.split(r"\.\s", " ".join(text.split()))]
    assert any(words in part and re.search(rf"\\cite\{{[^}}]*{key}", part) for part in sentences)


def test_what_is_shown_by_level_states_edges_and_reliability(sources):
    """Not where proxies of known worth have levels of their panel, or p is adjusted over levels as well."""
    text = " ".join(sources.values())
    floats = re.findall(r"\\begin\{(?:figure|table)\*?\}.*?\\end\{(?:figure|table)\*?\}", text, re.DOTALL)
    floats += re.findall(r"\\growingfigure\{\w+\}\{.*?\\label\{[^}]*\}\}", text, re.DOTALL)
    floats += re.findall(r"\\breakingtable\{.*", text)
    known = {"fig_shared_votes", "fig_validity", "tab_alignment"}
    named = {name: one.caption for name, one in (FIGURES | TABLES).items() if name not in known}
    by_level = {
        name
        for name, caption in named.items()
        if re.search("ambiguity|[Bb]y level", caption) and name != "tab_augmentation"
    }
    assert {"fig_bias", "fig_models_by_level", "tab_strata", "tab_bias", "tab_exchange"} <= by_level
    for name in by_level | {"tab_hypotheses"}:
        (part,) = (part for part in floats if f"{{{name}}}" in part)
        assert r"\result{levels.note}" in part or r"\levelnote" in part, name


def test_no_extreme_is_called_a_fault(sources):
    """The largest of many estimates is not thereby beyond chance: its p stands beside it, and no judgement."""
    for name, text in sources.items():
        assert not re.search(r"used too|\bworst\b|nineteen cases", text), name


def test_a_price_is_what_a_vote_is_worth(numbers, run):
    """Equivalent votes divided by the votes bought, for all of an utterance and for one."""
    everyone = STATISTICS_TABLE.read(run["exchange"])
    rows = everyone[(everyone["labels"] == "weighted") & (everyone["metric"] == "equivalent_votes")]
    rows = rows[rows["population"] == "these raters"].set_index("votes")
    for key, votes in (("all", 20), ("one", 1)):
        number, worth = numbers[f"exchange.price.{key}"], rows.loc[votes]
        assert number.value == pytest.approx(worth["estimate"] / votes)
        ends = ", ".join(f"{worth[end] / votes:.3f}".replace("-", "$-$") for end in ("low", "high"))
        assert number.text == f"{worth['estimate'] / votes:.3f} [{ends}]"
    assert numbers.switches["pricedalone"]


def test_a_corpus_says_what_it_left_out(numbers):
    assert numbers["corpus.rejects.words"].text == "1 item is left out, with its reason"


def test_every_number_says_where_it_comes_from(numbers):
    for key, number in numbers.provenance().items():
        traced = (number["file"] and number["column"]) or number["derived_from"] or number["text"] == "(not available)"
        assert traced, key
        json.dumps(number, allow_nan=False)


def test_estimates_carry_interval_and_size(numbers):
    number = numbers.provenance()["alignment.nll.synthetic"]
    assert number["file"].endswith("alignment-demo-tiny_crossed-fair.parquet")
    assert number["column"] == "estimate"
    assert number["rows"]["metric"] == "nll"
    assert number["n"] == 480
    assert number["n_clusters"] == 12
    assert number["low"] < number["value"] < number["high"]
    assert number["text"] == "1.040 [1.000, 1.088]"


def test_valid_and_effective_answers_are_means_over_the_utterances_that_were_asked_about(numbers, run, tmp_path):
    assert (numbers["answers.each"].text, numbers["answers.effective"].text) == ("19.5", "11.5")
    assert numbers["answers.effective"].n == 2
    unknown = Numbers()
    write_csv(pd.read_csv(run["draws"]).assign(effective=np.nan), tmp_path / "draws.csv")
    add_effective_answers(unknown, str(tmp_path / "draws.csv"))
    assert unknown["answers.effective"].text == "an unknown number of"


def test_levels_are_quoted_with_their_edges_and_reliability(run, config, numbers, tmp_path):
    note = numbers["levels.note"].text
    assert all(
        part in note for part in ("0.17 and 0.67", "only pair", "171 of low", "0.21, so that a level is mostly noise")
    )
    assert numbers.switches["levelsnoisy"] and numbers["alignment.trend"].text == "rises"
    assert {"metric": "level_reliability", "stratum": "all"}.items() <= numbers["levels.reliability"].rows.items()
    table = STATISTICS_TABLE.read(run["alignment"])
    table.loc[table["metric"] == "level_reliability", "estimate"] = 0.5
    STATISTICS_TABLE.write(table, tmp_path / run["alignment"].name)
    table = read_statistics([tmp_path / run["alignment"].name])
    reliable = Numbers()
    reliable.switch("leveled", True)
    add_levels(reliable, table, {"definition": "agreement", "votes": 4}, list("abcd"))
    assert not reliable.switches["levelsnoisy"]
    assert "noise" not in reliable["levels.note"].text and "only pair" not in reliable["levels.note"].text


def test_special_characters_of_the_configuration_are_escaped(run, config):
    config = json.loads(json.dumps(config))
    config["paper"] |= {"title": "Votes & 100 % of_them #1 {x} ~ ^ $", "authors": ["A_B", "C & D"]}
    paths = {"statistics": [], "heldout": None, "status": None}
    paths |= {"leakage": [str(run["leakage"])], "verdicts": [str(run["verdicts"])]}
    paths |= {name: str(run[name]) for name in ("utterances", "votes", "rejects")}
    numbers = collect_numbers(config, paths)
    assert numbers["paper.title"].text == (
        r"Votes \& 100 \% of\_them \#1 \{x\} \textasciitilde{} \textasciicircum{} \$"
    )
    assert numbers["paper.authors"].text == r"A\_B and C \& D"


def test_a_run_with_another_pooling_than_equal_votes_speaks_of_that_one(run, config):
    other = copy.deepcopy(config)
    other["run"]["poolings"] = ["weighted"]
    paths = {"statistics": [str(run["evaluation"])], "heldout": None, "status": None}
    paths |= {"leakage": [str(run["leakage"])], "verdicts": [str(run["verdicts"])]}
    paths |= {name: str(run[name]) for name in ("utterances", "votes", "rejects")}
    numbers = collect_numbers(other, paths)
    assert numbers["settings.pooled"].text == "pooled with a fitted weight" and not numbers.switches["weighted"]
    labels = f"combined-{config['paper']['headline']['annotator']}-weighted"
    assert numbers["models.combined.difference"].rows["labels"] == labels
    assert numbers["models.combined.words"].text != "(not available)"


def test_the_models_of_the_text_are_the_first_of_the_run_not_of_the_alphabet(run, config):
    first, *_, last = sorted(set(STATISTICS_TABLE.read(run["evaluation"])["model"]) - {"none"})
    other = copy.deepcopy(config)
    other["finetuning"]["models"] = [last, first]
    paths = {"statistics": [str(run["evaluation"])], "heldout": None, "status": None}
    paths |= {"leakage": [str(run["leakage"])], "verdicts": [str(run["verdicts"])]}
    paths |= {name: str(run[name]) for name in ("utterances", "votes", "rejects")}
    assert collect_numbers(other, paths)["models.human.nll"].rows["model"] == last


def test_arms_that_were_not_run_are_said_not_to_be(run, config, tmp_path):
    from scaling_ambiguity.tables.statistics import STATISTICS

    table = STATISTICS.read(run["evaluation"])
    kept = table[~table["labels"].str.contains("weighted|control") & (table["augmentation"] == "none")]
    path = tmp_path / run["evaluation"].name
    STATISTICS.write(kept, path)
    paths = {"statistics": [str(path)], "heldout": None, "status": None}
    paths |= {"leakage": [str(run["leakage"])], "verdicts": [str(run["verdicts"])]}
    paths |= {name: str(run[name]) for name in ("utterances", "votes", "rejects")}
    numbers = collect_numbers(config, paths)
    assert numbers["models.combined-weighted.words"].text == "(not available)"
    assert numbers["models.controls"].text == "(not available)"
    assert not numbers.switches["augmentedhuman"] and not numbers.switches["augmentedcombined"]


def test_a_run_that_trains_on_human_labels_alone_says_nothing_of_other_models(run, config, sources):
    other = copy.deepcopy(config)
    other["run"]["models"] = {"labels": ["human", "control-permuted"]}
    numbers = collect_numbers(other, all_paths(run))
    assert numbers.switches["trained"] and not numbers.switches["weighted"] and not numbers.switches["controlled"]
    used = keys_used([taken_branches(text, numbers.switches) for text in sources.values()])
    assert "models.human.nll" in used
    others = ("models.synthetic", "models.combined", "models.controls", "models.balanced.combined")
    # whether combined labels were augmented is read off the rows, which are those of a run that did
    assert [key for key in used if key.startswith(others) and ".augmented" not in key] == []


def test_a_run_too_small_for_levels_and_a_limit_still_has_numbers(run, config, tmp_path):
    from scaling_ambiguity.tables.statistics import STATISTICS

    parts = [f"jsd_bits_{part}" for part in ("limit", "human_noise", "corrected", "excess")]
    for kind, column, dropped in (("alignment", "stratum", ["high"]), ("saturation", "metric", parts)):
        table = STATISTICS.read(run[kind])
        STATISTICS.write(table[~table[column].isin(dropped)], tmp_path / run[kind].name)
    paths = {"statistics": [str(path) for path in tmp_path.glob("*.parquet")], "heldout": None, "status": None}
    paths |= {"leakage": [str(run["leakage"])], "verdicts": [str(run["verdicts"])]}
    paths |= {name: str(run[name]) for name in ("utterances", "votes", "rejects")}
    numbers = collect_numbers(config, paths)
    assert numbers["alignment.nll.high"].text == "(not available)"
    assert numbers["saturation.limit"].text == numbers["saturation.excess.last"].text == "(not available)"


def test_the_script_writes_both_files(run, config_json, tmp_path):
    command = [sys.executable, str(REPOSITORY / "workflow/scripts/write_numbers.py"), "--statistics"]
    command += [str(run[k]) for k in STATISTICS]
    for flag in ("heldout", "votes", "utterances", "rejects"):
        command += [f"--{flag}", str(run[flag])]
    command += ["--verdicts", str(run["verdicts"]), "--leakage", str(run["leakage"])]
    command += ["--proxies-status", str(run["status"]), "--proxies-draws", str(run["draws"]), "--config", config_json]
    command += ["--numbers", str(tmp_path / "numbers.tex"), "--provenance", str(tmp_path / "numbers.json")]
    subprocess.run(command, check=True)
    text = (tmp_path / "numbers.tex").read_text()
    assert r"\simulatedtrue" in text
    assert len(re.findall(r"^\\defineresult", text, re.MULTILINE)) == len(
        json.loads((tmp_path / "numbers.json").read_text())
    )
