import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scaling_ambiguity.reporting.naming import arm_name, arm_order, escape_latex, predictor_name, split_labels
from scaling_ambiguity.reporting.selection import read_statistics
from scaling_ambiguity.reporting.tables.alignment import alignment_table
from scaling_ambiguity.reporting.tables.booktabs import cell, tabular
from scaling_ambiguity.reporting.tables.corpus import describe_corpus, vote_counts
from scaling_ambiguity.reporting.tables.results import results_table
from scaling_ambiguity.tables.rejects import REJECTS
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES

REPOSITORY = Path(__file__).resolve().parents[3]
CLASSES = ["neutral", "happy", "sad", "angry"]


def test_cells_hold_the_interval_where_there_is_one():
    assert cell(0.5, 0.4, 0.6) == r"0.500 {\scriptsize [0.400, 0.600]}"
    assert cell(0.5, np.nan, np.nan) == "0.500"
    assert cell(np.nan, 0.4, 0.6) == "--"


def test_a_row_of_the_wrong_length_is_refused():
    with pytest.raises(ValueError, match="the head 2"):
        tabular("ll", ["a", "b"], [["1"]])


def test_names_are_taken_apart_and_written_out():
    assert split_labels("control-tiny_crossed-echo") == ("control", "tiny_crossed", "echo")
    assert split_labels("human-smoothed") == ("human-smoothed", "", "")
    assert predictor_name("synthetic-tiny_crossed-matched") == "synthetic votes, matched"
    assert predictor_name("fresh-1") == "1 fresh rater"
    assert arm_name("combined-x-equal") == "combined, equal"
    assert arm_name("control-x-prior") == "human + prior"
    assert escape_latex("a_b & 5 %") == r"a\_b \& 5 \%"
    arms = ["control-x-echo", "combined-x-equal", "synthetic-x", "human"]
    assert sorted(arms, key=arm_order) == arms[::-1]


def test_the_corpus_is_counted_as_the_tables_say(run):
    votes = VOTES.read(run["votes"])
    described = describe_corpus(UTTERANCES.read(run["utterances"]), votes, REJECTS.read(run["rejects"]), CLASSES)
    assert described["utterances"] == 480
    assert described["speakers"] == 12
    assert described["votes"] == len(votes) == int(vote_counts(votes, CLASSES).to_numpy().sum())
    assert described["items left out"] == 1
    assert sum(described[f"share of {label}"] for label in CLASSES) == pytest.approx(1)
    assert 0 < described["normalised entropy"] < 1


def test_results_list_floors_first_and_every_arm(run):
    text, data = results_table(read_statistics([run["evaluation"]]))
    lines = [line.partition(" & ")[0] for line in text.splitlines()]
    wanted = ["uniform", "class prior", "human", "synthetic", "combined, equal", "human + echo", "human + dime"]
    assert [name for name in lines if name in wanted] == wanted
    assert {"estimate", "low", "high", "n", "p_adjusted"} <= set(data.columns)
    assert "seed" not in set(data["method"])


def test_alignment_works_without_a_class_list(run):
    statistics = read_statistics([run["alignment"]])
    text, data = alignment_table(statistics, None)
    ordered, _ = alignment_table(statistics, CLASSES)
    assert "angry & happy & neutral & sad" in text
    assert "neutral & happy & sad & angry" in ordered
    assert set(data["metric"]) >= {"nll", "pearson_happy", "entropy_pearson"}


@pytest.mark.parametrize("name", ["tab_corpus", "tab_alignment", "tab_results"])
def test_scripts_write_latex_and_csv(name, run, tmp_path):
    command = [sys.executable, str(REPOSITORY / "workflow" / "scripts" / f"{name}.py")]
    if name == "tab_corpus":
        command += ["--corpora", "demo", "--classes", ",".join(CLASSES)]
        for kind in ("utterances", "votes", "rejects"):
            command += [f"--{kind}", str(run[kind])]
    else:
        command += ["--statistics", str(run["alignment" if name == "tab_alignment" else "evaluation"])]
    command += ["--table", str(tmp_path / "t.tex"), "--data", str(tmp_path / "t.csv")]
    subprocess.run(command, check=True)
    assert (tmp_path / "t.tex").read_text().startswith("\\begin{adjustbox}{max width=\\linewidth}\n\\begin{tabular}")
    assert len(pd.read_csv(tmp_path / "t.csv")) > 5
