"""What a run estimates and shows; what is refused before any work."""

import json
import subprocess
import sys

import pytest

from scaling_ambiguity.code_identity import SCRIPTS, dependencies
from scaling_ambiguity.errors import UserError
from scaling_ambiguity.reporting.chapters import FIGURES


def test_statistics_are_those_of_the_stages_of_each_corpus(make):
    run = make(run__corpora=["sim", "real"], run__protocols=["speakers", "published"])
    assert run.statistics_of("shared") == [f"results/statistics/shared-{corpus}.parquet" for corpus in ("sim", "real")]
    assert run.statistics_of("exchange") == ["results/statistics/exchange-sim-both.parquet"], "real has no annotator"
    assert run.statistics_of("evaluation") == [
        f"results/statistics/evaluation-sim-{protocol}.parquet" for protocol in ("speakers", "published")
    ]
    assert run.statistics_of("verdicts")[0] == "results/hypotheses/sim-both-speakers.json"
    assert not any("hypotheses/" in path for path in run.statistics()), "verdicts are no table of estimates"
    assert run.needed(["shared", "exchange"]) == [*run.statistics_of("shared"), *run.statistics_of("exchange")]


def test_a_target_with_nothing_to_show_says_why(make):
    run = make(run__corpora=["real"])
    with pytest.raises(
        UserError, match=r"this run has no exchange\. real: corpora\.real\.audio is none; left out: annot"
    ):
        run.needed(["shared", "exchange"])


def test_options_are_those_that_a_rule_uses(make):
    every = {"resamples": 10, "level": 0.9, "interval": "percentile"}
    assert make().statistics_options() == every
    assert make().statistics_options("smoothing") == every | {"smoothing": 0.1}
    assert make().study_options("level_votes") == every | {"level_votes": 4}


def test_annotators_and_given_tables_are_valued(make):
    run = make(run__corpora=["sim", "real"])
    below = "results/proxies/sim"
    assert list(run.valued_annotators("sim")) == ["both", "sound", "words"], "also those that are compared"
    assert run.valued_annotators("sim")["words"] == {
        "proxies": f"{below}/words/votes.parquet",
        "read_out": [f"{below}/words/read_out/{shard}.parquet" for shard in (0, 1)],
    }
    assert len(run.valued_tables("sim")) == 3 * (1 + 2)
    assert run.valued_given("sim") == {"mine": "results/predictors/sim/mine.parquet"}, "no corpus: the headline's"
    assert run.valued_given("real") == {"other": "results/predictors/real/other.parquet"}


def test_the_headline_decides_what_the_paper_shows(make):
    run = make()
    assert run.headline_cell() == ["results/validity/cells/g6_h9_c2_n5.csv"]
    assert run.stages_of_run() == {"votes", "annotation", "training"} and run.shown_items() == []
    assert run.heldout_scores() == ["results/models/made/heldout.json"] and run.member_scores() == []
    augmented = make(paper__headline={"corpus": "sim", "annotator": "fitted", "protocol": "published"})
    assert augmented.shown_items() == ["results/augmented/sim/published/human/dime/fold-0"]
    assert "augmentation" in augmented.stages_of_run()
    assert augmented.member_scores() == ["results/models/fitted/fold-0.json"] and augmented.heldout_scores() == []
    simplex = "paper/figures/fig_simplex.svg"
    assert simplex in augmented.figure_files() and simplex not in run.figure_files()
    assert "paper/tables/tab_corpus.tex" in run.table_files()


def test_a_run_of_votes_alone_has_no_answers(make):
    headline = {"corpus": "real", "annotator": "both", "protocol": "speakers"}
    run = make(run__corpora=["real"], paper__headline=headline)
    assert run.stages_of_run() == {"votes"} and run.headline_answers("status") == run.headline_cell() == []
    assert make().headline_answers("draws") == ["results/proxies/sim/both/draws.csv"]


def test_replayed_corpora_are_shown_after_those_of_the_run(make):
    assert make(run__annotators=["faces"]).shown_corpora() == ["sim", "face"]


def test_a_missing_table_is_named_before_any_work(make, tmp_path):
    run = make(run__annotators=["given"], predictors={})
    with pytest.raises(UserError, match=r"alms.given.votes = 'votes.csv': no such file in "):
        run.refuse_missing_tables()
    (tmp_path / "votes.csv").touch()
    run.refuse_missing_tables()
    with pytest.raises(UserError, match=r"predictors.mine.table = 'mine.csv'"):
        make().refuse_missing_tables()


def test_a_submission_is_found_or_refused(make, tmp_path):
    assert make().submission_name() == "none"
    with pytest.raises(UserError, match="nothing to score"):
        make().submission_folder()
    run, folder = make(submission="Tiny answers"), tmp_path / "Tiny answers"
    assert run.submission_name() == "tiny_answers"
    with pytest.raises(UserError, match=r"submission = 'Tiny answers': no manifest\.json"):
        run.submission_files("tiny_answers")
    folder.mkdir()
    (folder / "manifest.json").write_text("[")
    with pytest.raises(UserError, match="not readable as a JSON object"):
        run.corpus_of_submission("tiny_answers")
    (folder / "manifest.json").write_text(json.dumps({"corpus": "face"}))
    with pytest.raises(UserError, match=r"corpus 'face' is not in this run \(sim\)"):
        run.corpus_of_submission("tiny_answers")
    (folder / "manifest.json").write_text(json.dumps({"corpus": "sim"}))
    (folder / "scores.jsonl.gz").touch()
    assert run.corpus_of_submission("tiny_answers") == "sim"
    assert run.submission_files("tiny_answers") == ["Tiny answers/manifest.json", "Tiny answers/scores.jsonl.gz"]


def test_submissions_of_the_run_are_made_of_its_annotators(make):
    entry = {"corpus": "sim", "alm": "made", "pools": {"labels": "both"}}
    run = make(testtime={"own": entry, "other": entry}, run__testtime=["own"])
    assert run.submissions_about("sim") == ["own"] and run.submissions_about("real") == []
    assert "testtime" in run.stages("sim") and "testtime" not in run.stages("real")
    assert run.valued_strategies("sim") == {"own": "results/testtime/own/predictions"}
    below = "results/testtime/own/submission"
    assert run.submission_files("own") == [f"{below}/manifest.json", f"{below}/candidates.jsonl.gz"]
    assert run.corpus_of_submission("own") == "sim"
    assert run.pools_of("own")["labels"]["candidates"] == "results/proxies/sim/both/candidates.parquet"
    with pytest.raises(UserError, match=r"'none_such' is no submission of testtime \(own, other\)"):
        run.submission_files("none_such")
    with pytest.raises(UserError, match=r"has the name of testtime\.own"):
        make(testtime={"own": entry}, submission="own").submission_files("own")


def test_candidates_are_judged_by_a_verifier_and_its_controls(make, tmp_path):
    verifier = {"alm": "fitted", "prompts": "verifier", "mode": "readout", "controls": ["shuffled", "deaf", "self"]}
    entry = {"corpus": "sim", "alm": "made", "pools": {"sampled": "both", "labels": "sound"}}
    run = make(testtime={"own": entry | {"verifier": verifier}, "plain": entry}, run__testtime=["own"])
    assert run.judges_of("own") == ["verifier", "shuffled", "deaf", "self"] and run.judges_of("plain") == []
    assert [run.judging_alm("own", judge) for judge in run.judges_of("own")] == ["fitted"] * 3 + ["made"]
    assert (run.submissions_by(judged=True), run.submissions_by(judged=False)) == ("own", "plain")
    assert run.judged_candidates("own") == {"both": "results/proxies/sim/both/candidates.parquet"}
    assert len(run.judgements_of("own")) == 8 and run.judgements_of("plain") == []
    assert run.judging_options("own", "verifier") == {"asks": ["pick"], "modality": "both", "mode": "readout"}
    assert run.judging_options("own", "shuffled")["sound"] == "another"
    assert run.judging_options("own", "deaf")["modality"] == "text"
    shards = [f"results/encodings/sim/fitted/{shard}" for shard in (0, 1)]
    assert run.judging_encodings("own", "verifier", "1") == shards[1:]
    assert run.judging_encodings("own", "shuffled", "1") == shards, "the sound of another may be of any shard"
    assert run.judging_encodings("own", "deaf", "1") == []
    assert run.submission_files("own")[-1].endswith("scores.jsonl.gz") and len(run.submission_files("plain")) == 2
    assert {"alms.made", "alms.fitted"} <= set(run.opened_models()), "the writer and the verifier are fetched"
    itself = make(testtime={"own": entry | {"verifier": verifier | {"alm": "self"}}})
    assert itself.judging_alm("own", "verifier") == "made"


def test_a_verifier_without_sound_or_prompts_is_refused_before_any_work(make):
    verifier = {"alm": "self", "prompts": "no_such", "mode": "readout"}
    entry = {"corpus": "real", "alm": "made", "pools": {"sampled": "both"}, "verifier": verifier}
    with pytest.raises(
        UserError, match=r"testtime\.own\.verifier cannot hear corpus real: corpora\.real\.audio is none"
    ):
        make(testtime={"own": entry}, run__testtime=["own"]).refuse_unheard()
    run = make(testtime={"own": entry | {"corpus": "sim"}}, run__testtime=["own"])
    with pytest.raises(UserError, match=r"verifier\.prompts = 'no_such': there is no .*no_such\.yaml\. Name a file"):
        run.refuse_unheard()


def test_planning_loads_no_heavy_library():
    heavy = ("torch", "transformers", "librosa", "pandera", "scipy", "matplotlib", "snakemake")
    code = f"import sys; import scaling_ambiguity.run.results; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_program_rests_on_the_run():
    """An edit here re-runs nothing but what its inputs or parameters change."""
    programs = sorted(SCRIPTS.glob("*.py"))
    assert len(programs) > 40
    assert not [path.name for path in programs if any("/run/" in file for file in dependencies(path))]


def test_a_conflict_of_presentations_is_shown_where_its_corpus_is_trained_on(make):
    plain = make()
    assert plain.conflict_of("sim") == [] and not plain.has_conflict() and "conflict" not in plain.stages_of_run()
    with pytest.raises(UserError, match=r"nothing to make: this run has no statistics\.conflict"):
        plain.shown_in(FIGURES["fig_conflict"])
    assert plain.shown_in(FIGURES["fig_models_by_level"]) == plain.statistics_of("evaluation")
    entry = {"corpus": "sim", "other": "face", "model": "small"}
    run = make(statistics__conflict=entry)
    assert run.conflict_of("sim") == ["results/corpora/face/votes.parquet"] and run.conflict_of("real") == []
    assert "conflict" in run.stages_of_run() and "paper/figures/fig_conflict.pdf" in run.figure_files()
    assert "paper/figures/fig_conflict.pdf" not in plain.figure_files()
    silent = make(statistics__conflict=entry | {"corpus": "real"}, run__corpora=["sim", "real"])
    assert silent.conflict_of("real") and not silent.has_conflict(), "no model is trained on a corpus without sound"


def test_captions_are_those_of_what_the_paper_shows(make):
    run = make()
    captions = run.captions()
    stems = {path.rpartition("/")[2].partition(".")[0] for path in [*run.figure_files(), *run.table_files()]}
    assert captions.keys() == stems and "fig_worth" in stems
    assert all(text and "\n" not in text and "{votes}" not in text for text in captions.values())
    assert run.is_simulated(run.headline["corpus"]) and "Bottom: the same for proxies" in captions["fig_exchange_rate"]
    real = make(paper__headline={"corpus": "real", "annotator": "both", "protocol": "speakers"})
    assert "Bottom" not in real.caption(FIGURES["fig_exchange_rate"])
