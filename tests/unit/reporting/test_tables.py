import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scaling_ambiguity.corpora.roles import votes_to_deal
from scaling_ambiguity.labels.counting import human_votes
from scaling_ambiguity.reporting.naming import (
    arm_name,
    arm_order,
    escape_latex,
    plain,
    predictor_name,
    split_labels,
    stratum_titles,
)
from scaling_ambiguity.reporting.selection import no_wider, pick, read_statistics
from scaling_ambiguity.reporting.tables.agreement import agreement_table
from scaling_ambiguity.reporting.tables.alignment import alignment_table
from scaling_ambiguity.reporting.tables.bias import bias_table
from scaling_ambiguity.reporting.tables.booktabs import cell, tabular
from scaling_ambiguity.reporting.tables.corpus import describe_corpus, vote_counts
from scaling_ambiguity.reporting.tables.results import results_table
from scaling_ambiguity.reporting.tables.saturation import PARTS, saturation_table
from scaling_ambiguity.reporting.tables.strata import strata_table
from scaling_ambiguity.reporting.tables.validity import validity_table
from scaling_ambiguity.tables.rejects import REJECTS
from scaling_ambiguity.tables.utterances import UTTERANCES
from scaling_ambiguity.tables.votes import VOTES

REPOSITORY = Path(__file__).resolve().parents[3]
CLASSES = ["neutral", "happy", "sad", "angry"]
SYNTHETIC = "synthetic-tiny_crossed"


def test_cells_hold_the_interval_where_there_is_one():
    assert cell(0.5, 0.4, 0.6) == r"0.500 {\scriptsize [0.400, 0.600]}"
    assert cell(0.5, np.nan, np.nan) == "0.500"
    assert cell(np.nan, 0.4, 0.6) == "--"


def test_a_row_of_the_wrong_length_is_refused():
    with pytest.raises(ValueError, match="the head 2"):
        tabular("ll", ["a", "b"], [["1"]])


def test_a_column_that_a_run_cannot_have_is_left_out_and_no_other():
    """The raters of CREMA-D are not known, and no real corpus has a truth; a level without utterances stays."""
    head = ["", "raters like these", "high"]
    assert tabular("lrr", head, [["a", "--", "--"], "b", ["c", "--", "1"]]) == tabular(
        "lr", ["", "high"], [["a", "--"], "b", ["c", "1"]]
    )
    assert "raters like these" in tabular("lrr", head, [["a", "0.1", "--"]])
    assert tabular("lrr", ["", "low", "high"], [["a", "1", "--"]]).count("&") == 4


def test_agreement_and_the_alternative_annotator_test_have_heads_of_their_own(run):
    rows = read_statistics([run["agreement"]])
    first, second = agreement_table(rows)[0].split("\\medskip")
    assert "people alone & with the synthetic rater" in first and "winning rate" not in first
    assert "winning rate & advantage & verdict" in second and "margin 0.2, 12 raters" in second
    assert "people alone" not in second and "/" not in first + second
    unknown = agreement_table(rows[~rows["metric"].str.startswith("alt_test")])[0]
    assert unknown.count("tabular}{") == 1 and "not applicable, raters are not known" in unknown


def test_every_part_of_the_bias_has_heads_of_its_own(run):
    table = bias_table(read_statistics([run["bias"]]), {"tiny_crossed": "the ALM's votes"})[0]
    heads = [line.partition(" & ")[0] for line in table.splitlines() if "difference" in line or "minus this" in line]
    assert heads == ["share of a label", "chance that votes agree", "given the voice alone", "given the words alone"]
    assert table.count("conflict: yes") == 3 and "two people & a person, one of the ALM's votes" in table
    lines = [line for line in table.splitlines() if line.startswith("focus line")]
    assert len(lines) == 1 and lines[0].count("&") == 1


def test_strata_are_named_in_words():
    titles = stratum_titles(["all", "low", "conflict=0", "conflict=1", "Sex=Male", "turns=1", "turns=2", "class=sad"])
    assert list(titles.values()) == [
        *("all", "low ambiguity", "conflict: no", "conflict: yes", "Sex: Male", "turns: 1", "turns: 2", "class: sad")
    ]
    assert plain("tiny_crossed", "protocol fair") == "tiny crossed, protocol fair"


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


def test_results_tell_seeds_apart_from_speakers(run):
    statistics = read_statistics([run["evaluation"]])
    rows = [line.split(" & ") for line in results_table(statistics)[0].splitlines()]
    assert [row[6] for row in rows if row[0] in ("uniform", "synthetic")][:1] == ["--"]
    (human,) = (row for row in rows if row[0] == "human" and row[6] != "--")
    assert human[6] == "1.000--1.010", "two seeds are listed"
    template = statistics[(statistics["method"] == "seed") & (statistics["labels"] == "human")]
    template = template[template["augmentation"] == "none"].iloc[:1]
    component = template.assign(metric="nll_seed_variance", method="mixed_model", estimate=0.0004)
    text, data = results_table(pd.concat([statistics, component], ignore_index=True))
    assert [word for line in text.splitlines() for word in line.split(" & ") if word.startswith("SD ")] == ["SD 0.020"]
    assert set(data.loc[data["method"] == "seed", "votes"]) == {0, 1}


def test_a_small_peer_has_a_block_of_its_own_beside_the_model(run):
    statistics = read_statistics([run["evaluation"]])
    peer = statistics[statistics["model"] == "tiny"].assign(model="tiny_mlp")
    peer["estimate"] += 5
    both = pd.concat([statistics, peer], ignore_index=True)
    for table in (results_table(both)[0], strata_table(both)[0]):
        first, second = (table.index(name) for name in ("tiny", "tiny mlp"))
        assert first < second and table.count("tiny mlp") == 1
    lines = [line.split(" & ") for line in results_table(both)[0].splitlines() if line.startswith("combined, equal &")]
    assert float(lines[1][1].split()[0]) == pytest.approx(float(lines[0][1].split()[0]) + 5)


def test_alignment_works_without_a_class_list(run):
    statistics = read_statistics([run["alignment"]])
    text, data = alignment_table(statistics, None)
    ordered, _ = alignment_table(statistics, CLASSES)
    assert "angry & happy & neutral & sad" in text
    assert "neutral & happy & sad & angry" in ordered
    assert set(data["metric"]) >= {"nll", "pearson_happy", "entropy_pearson"}


@pytest.mark.parametrize("name", ["tab_corpus", "tab_alignment", "tab_results"])
def test_scripts_write_latex_and_csv(name, run, tmp_path, program):
    command = program(name)
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


def test_self_reports_are_no_votes_of_observers():
    """As of IEMOCAP: two utterances with three observers each, one speaker who rated himself outside the classes."""
    names = ["observer_1", "observer_2", "observer_3"]
    rows = [{"utterance": u, "rater": r, "kind": "observer", "label": "sad"} for u in ("u1", "u2") for r in names]
    rows += [{"utterance": u, "rater": "self", "kind": "self", "label": None} for u in ("u1", "u2")]
    votes = pd.DataFrame(rows).assign(presentation="audiovisual", role="primary", rank=0, weight=1.0, raters_known=True)
    votes = VOTES.validate(votes.assign(label_raw=votes["label"].fillna("other")), "votes")
    utterances = pd.DataFrame({"utterance": ["u1", "u2"], "speaker": ["a", "b"], "duration": [1.0, 2.0]})
    described = describe_corpus(utterances, votes, pd.DataFrame(), ["sad", "angry"])
    assert (described["raters"], described["votes"], described["votes outside the classes"]) == (3, 6, 0)
    assert described["votes per utterance, largest"] == 3 and described["share of sad"] == 1
    alone = human_votes(votes)
    assert len(alone) == 6 and len(votes_to_deal(votes)) == 6 and set(alone["rater"]) == set(names)


def test_an_interval_that_is_no_wider_with_raters_resampled_is_not_printed_twice(run):
    rows = read_statistics([run["alignment"]])
    like = (rows["population"] == "raters like these") & rows["metric"].str.startswith("nll_minus_prior")
    assert like.any()
    rows.loc[like, ["low", "high"]] += [-0.1, 0.1]
    plain = alignment_table(rows)[0].count("no wider")
    rows.loc[like, "method"] += "_speakers_alone"
    assert alignment_table(rows)[0].count("no wider") == plain + 1


def test_intervals_that_are_printed_alike_are_no_wider():
    these = pd.Series({"low": 0.163, "high": 0.4014, "method": "bootstrap_t"})
    assert no_wider(pd.Series({"low": 0.1628, "high": 0.4006, "method": "bootstrap_t"}), these, 3)
    assert not no_wider(pd.Series({"low": 0.15, "high": 0.4014, "method": "bootstrap_t"}), these, 3)
    assert no_wider(pd.Series({"low": 0.15, "high": 0.5, "method": "test_inversion_speakers_alone"}), these, 3)
    few = pd.Series({"low": np.nan, "high": np.nan, "method": "few_clusters"})
    assert not no_wider(few, few, 3)  # there is no interval at all


def test_the_headline_table_compares_smoothed_votes_and_raw_histograms_stand_last(run):
    text, data = alignment_table(read_statistics([run["alignment"]]), CLASSES)
    parts = text.split(r"\midrule")
    names = [[line.partition(" & ")[0] for line in part.splitlines() if " & " in line] for part in parts]
    assert names[1][:5] == [
        *("uniform", "class prior", "synthetic votes, matched, smoothed", "synthetic votes, smoothed"),
        "human votes, smoothed",
    ]
    assert names[-1] == ["synthetic votes", "synthetic votes, matched", "human majority", "human votes"]
    assert {"human", f"{SYNTHETIC}-matched"} <= set(data["labels"])


def test_the_design_of_a_run_has_a_column_of_its_own():
    study = pd.read_csv(REPOSITORY / "workflow" / "resources" / "validity.csv")
    own = pick(study, classes=4, votes=5, speakers=12, raters=30, method="bootstrap_t").drop(columns="verdict")
    text, _ = validity_table(study, own)
    lines = [line.removesuffix(r" \\").split(" & ") for line in text.splitlines() if " & " in line]
    assert lines[0][-1] == "this run" and "5 speakers" in lines[0]
    (last,) = (line for line in lines if line[0] == "bootstrap-$t$, these raters")
    assert last[2:-1] == [""] * (len(lines[0]) - 3) and last[-1][:2].isdigit()
    assert "this run" not in validity_table(study, None)[0]


def test_saturation_stands_without_extrapolation_but_for_what_was_published(run):
    text, data = saturation_table(read_statistics([run["saturation"]]))
    lines = [line.split(" & ") for line in text.splitlines() if " & " in line]
    assert [line[0] for line in lines[1:12]] == ["1", "2", "3", "4", "5", "6", "8", "10", "12", "15", "20"]
    assert lines[1][3] == r"100\,\% \\" and [line[0] for line in lines[12:15]] == list(PARTS.values())
    assert all(line[0].startswith("as published") for line in lines[15:]) and len(lines) == 17
    published = data[data["metric"].isin(["asymptote", "saturation_votes"])]
    assert set(published["labels"]) == {f"{SYNTHETIC}-faithful"}


def test_every_comparison_with_a_control_has_a_printed_name():
    from scaling_ambiguity.labels.making import CONTROLS, RIVALS
    from scaling_ambiguity.reporting.tables.hypotheses import NAMES

    assert {name.removeprefix("h1_over_") for name in NAMES if name.startswith("h1_over_")} == set(RIVALS)
    assert set(CONTROLS) - set(RIVALS) == {"permuted"}, "labels of another utterance are no rival of combined labels"
